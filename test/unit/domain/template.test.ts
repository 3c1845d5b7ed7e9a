import { describe, expect, it } from 'vitest';
import { parseTemplate } from '#domain/template.ts';
import { templateRuleFindings } from '#domain/template-rules.ts';

const BUCKET = '  Bucket: { Type: AWS::S3::Bucket }\n';

function told(text: string): string[] {
  const { value, findings } = parseTemplate('x.yaml', text);
  return [...findings, ...(value === undefined ? [] : templateRuleFindings(value))].map(
    ({ rule, line, column, message }) => `${rule} ${line}:${column} ${message}`,
  );
}

function resources(text: string): string[] {
  return told(`Resources:\n${text}`);
}

describe('a template', () => {
  it('passes as it should be', () => {
    const text = `AWSTemplateFormatVersion: '2010-09-09'
Parameters: { Name: { Type: String, Default: a } }
Mappings: { Sizes: { small: { Type: t3 } } }
Conditions: { Big: !Equals [!Ref Name, big] }
Resources:
  Role: { Type: AWS::IAM::Role, DeletionPolicy: Retain, UpdateReplacePolicy: Snapshot }
  Bucket:
    Type: AWS::S3::Bucket
    DependsOn: [Role]
    Condition: Big
    Properties:
      A: !Sub '\${Name}-\${AWS::Region}-\${Role.Arn}-\${!Literal}'
      B: !FindInMap [Sizes, small, Type]
      C: !FindInMap [Sizes, !Ref Name, Type]
      D: !If [Big, !GetAtt Role.Arn, !Ref AWS::NoValue]
Outputs: { Arn: { Value: !GetAtt Bucket.Arn, Description: x, Export: { Name: y } } }
`;

    expect(told(text)).toEqual([]);
  });

  it.each([
    ['  Bucket: { Type: AWS::S3::Bucket, Propertes: {} }', 'template 2:36 A resource has no key Propertes. Did you mean Properties?'],
    [
      '  Bucket: { Type: AWS::S3::Bucket, DeletionPolicy: Retian }',
      'template 2:36 DeletionPolicy must be one of Delete, Retain, RetainExceptOnCreate, Snapshot. Did you mean Retain?',
    ],
    [
      '  Bucket: { Type: AWS::S3::Bucket, UpdateReplacePolicy: [] }',
      'template 2:36 UpdateReplacePolicy must be one of Delete, Retain, Snapshot.',
    ],
    ['  my-bucket: { Type: AWS::S3::Bucket }', 'template 2:3 The name my-bucket must consist of letters and digits, at most 255.'],
    [`${BUCKET}  Role: { Type: AWS::IAM::Role, DependsOn: Buket }`, 'template 3:33 There is no resource Buket. Did you mean Bucket?'],
    [
      `${BUCKET}  Role: { Type: AWS::IAM::Role, Properties: { A: !Ref AWS::Regoin } }`,
      'template 3:47 There is no pseudo parameter AWS::Regoin. Did you mean AWS::Region?',
    ],
    [
      `${BUCKET}  Role: { Type: AWS::IAM::Role, Properties: { A: { 'Fn::Jion': [] } } }`,
      'template 3:52 There is no function Fn::Jion. Did you mean Fn::Join?',
    ],
    [
      `${BUCKET}  Role: { Type: AWS::IAM::Role, Properties: { 'Fn::ForEach::X': [] } }`,
      'template 3:47 Fn::ForEach needs a transform, and transforms are refused.',
    ],
    [`${BUCKET}  Role: { Type: AWS::IAM::Role, Properties: { A: !FindInMap [Sizes, a, b] } }`, 'template 3:47 There is no mapping Sizes.'],
    [
      '  A: { Type: AWS::Y::Z, DependsOn: B }\n  B: { Type: AWS::Y::Z, Properties: { P: !Ref C } }\n  C: { Type: AWS::Y::Z, Properties: { P: !Sub "${A.Arn}" } }',
      'template 2:3 A needs B needs C needs A: one of them must come first.',
    ],
    ['  A: { Type: AWS::Y::Z, Properties: { P: !GetAtt A.Arn } }', 'template 2:3 A needs A: one of them must come first.'],
  ])('is refused: %s', (text, finding) => {
    expect(resources(text)).toEqual([finding]);
  });

  it.each([
    ['Parameters: { Name: { Type: String, Defalt: a } }', 'template 1:37 A parameter has no key Defalt. Did you mean Default?'],
    ['Parameters: { Name: { Default: a } }', 'template 1:15 The parameter Name has no Type.'],
    ['Parameters: { Name: text }', 'template 1:15 Name must be a mapping.'],
    ['Parameters: { Bucket: { Type: String } }', 'template 3:3 Bucket is a parameter too. A name stands for one thing.'],
    ['Outputs: { Name: { Export: { Name: a } } }', 'template 1:12 The output Name has no Value.'],
    ['Outputs: { Name: { Value: a, Condtion: b } }', 'template 1:30 An output has no key Condtion. Did you mean Condition?'],
    [
      'Mappings: { Sizes: { small: { A: 1 } } }\nOutputs: { O: { Value: !FindInMap [Sizes, smal, A] } }',
      'template 2:17 The mapping Sizes has no key smal. Did you mean small?',
    ],
  ])('is refused beside its resources: %s', (text, finding) => {
    expect(told(`${text}\nResources:\n${BUCKET}`)).toEqual([finding]);
  });

  it('is small enough to be sent with the request', () => {
    const padding = (bytes: number): string => `Resources:\n${BUCKET}#`.padEnd(bytes, 'x');

    expect(told(padding(51_200))).toEqual([]);
    expect(told(padding(51_201))).toEqual([
      'template 1:1 The template has 51201 bytes; CloudFormation takes 51200. Move what is common into network.yaml.',
    ]);
  });

  it('has not too many resources', () => {
    const many = (count: number): string[] =>
      resources(Array.from({ length: count }, (_, index) => `  R${index}: { Type: AWS::B::C }`).join('\n'));

    expect(many(500)).toEqual([]);
    expect(many(501)).toEqual(['template 1:1 Resources has 501 entries; CloudFormation takes 500.']);
  });

  it.each([
    'AWS::CloudFormation::Stack',
    'AWS::CloudFormation::StackSet',
    'AWS::CloudFormation::Macro',
    'AWS::CloudFormation::CustomResource',
    'AWS::CloudFormation::ModuleVersion',
    'AWS::CloudFormation::LambdaHook',
    'AWS::CloudFormation::TypeActivation',
    'Acme::S3::Bucket',
    'Acme::S3::Bucket::MODULE',
    'AWS::S3::Bucket::MODULE',
    'Custom::Thing',
  ])('runs nothing that no review saw: %s', (type) => {
    expect(resources(`  A: { Type: '${type}' }`).map((text) => text.split(' ')[0])).toEqual(['template-refused']);
  });

  it('may wait for a signal', () => {
    expect(
      resources("  A: { Type: 'AWS::CloudFormation::WaitConditionHandle' }\n  B: { Type: 'AWS::CloudFormation::WaitCondition' }"),
    ).toEqual([]);
  });

  it.each([
    "'{{resolve:ssm:x}}'",
    "!Join ['', ['{{resolve:secretsmanager:', x, '}}']]",
    "!Join ['', ['{{', 'resolve:secretsmanager:sluice/kube-1/authority}}']]",
    "!Join ['', ['a {{res', 'olve:ssm:x}}']]",
    "!Join ['', ['{', '{resolve:ssm:x}}']]",
    "!Sub '{{${AWS::NoValue}resolve:ssm:x}}'",
    "!Sub '{${AWS::NoValue}{resolve:ssm:x}}'",
    "!Sub ['${A}solve:ssm:x}}', { A: '{{re' }]",
  ])('reads no secret, however it is put together: %s', (value) => {
    const told = resources(`  A: { Type: AWS::S3::Bucket, Properties: { BucketName: ${value} } }`);

    expect(new Set(told.map((text) => text.replace(/ .*?([A-Z])/, ' $1')))).toEqual(
      new Set(['template-refused Dynamic references are refused: secrets reach instances through their identity.']),
    );
  });

  it('reads no secret by a mapping or a parameter', () => {
    expect(told(`Mappings: { M: { a: { b: '{{res' } } }\nResources:\n${BUCKET}`)).toHaveLength(1);
    expect(told(`Parameters: { P: { Type: 'AWS::SSM::Parameter::Value<String>' } }\nResources:\n${BUCKET}`)).toEqual([
      'template-refused 1:20 Parameters that are read from the Parameter Store are refused, like dynamic references.',
    ]);
  });

  it.each(['\'{"a":{"b":1}}\'', "'docker ps --format {{.Names}}'", '!Sub \'{"a":"${AWS::Region}"}\'', "'a {'"])(
    'may have braces of its own: %s',
    (value) => {
      expect(resources(`  A: { Type: AWS::S3::Bucket, Properties: { BucketName: ${value} } }`)).toEqual([]);
    },
  );

  it('has no alias, and nothing behind its end', () => {
    expect(
      resources('  A: { Type: AWS::S3::Bucket, Properties: &p { BucketName: a } }\n  B: { Type: AWS::S3::Bucket, Properties: *p }'),
    ).toEqual(['template 3:43 CloudFormation takes no YAML aliases: write what *p stands for.']);
    expect(told(`Resources:\n${BUCKET}---\nResources: { A: { Type: Custom::Thing } }\n`)).toEqual([
      'schema 4:1 The file has a second document, which nobody reads. Remove it, or the line ---.',
    ]);
    expect(told(`Resources:\n${BUCKET}---\n`)).toEqual([]);
  });

  it('of many circles tells one, however long the chain before it is', () => {
    const chain = Array.from({ length: 400 }, (_, index) => `  R${index}: { Type: AWS::B::C, DependsOn: R${index + 1} }`).join('\n');

    expect(resources(`${chain}\n  R400: { Type: AWS::B::C }`)).toEqual([]);
    expect(resources(`${chain}\n  R400: { Type: AWS::B::C, DependsOn: R399 }`)).toEqual([
      'template 401:3 R399 needs R400 needs R399: one of them must come first.',
    ]);
  });
});
