import { describe, expect, it } from 'vitest';
import { PROPERTIES, SERVICES } from '#domain/aws-resource-types.ts';
import { parseTemplate } from '#domain/template.ts';
import { templateTypeFindings } from '#domain/template-types.ts';
import { validateConfiguration } from '#domain/validation.ts';
import type { Finding } from '#model/checks.ts';
import { shippedSchemas } from '../../../functions/plan/kubernetes-schemas.ts';
import { edited, referenceSettings, referenceSnapshot } from '../../support/reference-fleet.ts';

const PATH = 'channels/cluster/node-pool.yaml';

function found(text: string): Finding[] {
  const { value } = parseTemplate(PATH, text);
  if (value === undefined) throw new Error('the template can not be read');
  return templateTypeFindings(value);
}

/** `failure template-property 4:7 …` of a resource A. */
function told(type: string, properties = ''): string[] {
  const body = properties === '' ? '' : `    Properties:\n      ${properties}\n`;
  return found(`Resources:\n  A:\n    Type: ${type}\n${body}`).map(
    ({ level, rule, line, column, message }) => `${level} ${rule} ${line}:${column} ${message}`,
  );
}

describe('types of resources', () => {
  it.each([
    ['AWS::EC2::LaunchTemplat', 'AWS::EC2::LaunchTemplate'],
    ['AWS::EC2::launchtemplate', 'AWS::EC2::LaunchTemplate'],
    ['AWS::AutoScalin::AutoScalingGrup', 'AWS::AutoScaling::AutoScalingGroup'],
    ['AWS:S3::Bucket', undefined],
  ])('are told when misspelt: %s', (type, meant) => {
    expect(told(type)).toEqual(
      meant === undefined ? [] : [`failure template-type 3:5 AWS has no resource type ${type}. Did you mean ${meant}?`],
    );
  });

  it.each([
    ['AWS::EC2::IPAM', 'The properties of AWS::EC2::IPAM are not checked here: CloudFormation will.'],
    ['AWS::EC2::Teleporter', /^AWS::EC2::Teleporter is not among the types that AWS had on \d{4}-\d\d-\d\d: CloudFormation will say/],
    ['AWS::Braket::Anything', /^AWS::Braket::Anything is of a service that is not checked here: CloudFormation will say/],
  ])('that are not known are a warning: %s', (type, message) => {
    expect(found(`Resources: { A: { Type: "${type}", Properties: { Any: 1 } } }`)).toMatchObject([
      { rule: 'template-unchecked', level: 'warning', message: typeof message === 'string' ? message : expect.stringMatching(message) },
    ]);
  });

  it.each(['Custom::Thing', 'AWS::CloudFormation::Stack', 'My::Own::Type::MODULE'])(
    'that another rule refuses are told once: %s',
    (type) => {
      expect(told(type)).toEqual([]);
    },
  );
});

describe('properties of resources', () => {
  it.each([
    ['AWS::AutoScaling::AutoScalingGroup', "{ MinSiz: '1' }", 5, 9, 'MinSiz', ' Did you mean MinSize?'],
    [
      'AWS::EC2::LaunchTemplate',
      '{ LaunchTemplateData: { InstanceTyp: m6i.large } }',
      5,
      31,
      'LaunchTemplateData.InstanceTyp',
      ' Did you mean InstanceType?',
    ],
    [
      'AWS::EC2::SecurityGroup',
      '{ SecurityGroupIngress: [{ FromPort: 1 }, { ToPrt: 2 }] }',
      5,
      51,
      'SecurityGroupIngress.ToPrt',
      ' Did you mean ToPort?',
    ],
    ['AWS::EC2::VPC', '!If [A, { CidrBlok: a }, !Ref "AWS::NoValue"]', 5, 17, 'CidrBlok', ' Did you mean CidrBlock?'],
    ['AWS::EC2::VPC', '{ Tags: !If [A, [{ Kee: a }], []] }', 5, 26, 'Tags.Kee', ' Did you mean Key?'],
  ])('that do not exist are told at their place: %s %s', (type, properties, line, column, property, hint) => {
    expect(told(type, properties)).toEqual([`failure template-property ${line}:${column} ${type} has no property ${property}.${hint}`]);
  });

  it('that look like none that was known may be newer, and are a warning', () =>
    expect(told('AWS::EC2::VPC', '{ QuantumLink: a }')).toEqual([
      expect.stringMatching(/^warning template-unchecked 5:\d+ AWS::EC2::VPC had no property QuantumLink on \d{4}-\d\d-\d\d: /),
    ]));

  it.each([
    [
      'AWS::AutoScaling::AutoScalingGroup',
      "{ MinSize: !Ref A, Tags: [{ Key: a, Value: b, PropagateAtLaunch: true }], LaunchTemplate: !If [A, !Ref B, { Version: '1' }] }",
    ],
    ['AWS::IAM::Role', '{ AssumeRolePolicyDocument: { Any: { Thing: 1 } }, Policies: [{ PolicyName: a, PolicyDocument: { Any: 1 } }] }'],
    ['AWS::Lambda::Function', '{ Environment: { Variables: { ANY: a } }, Code: { ZipFile: a } }'],
    ['AWS::EC2::VPC', '{ Tags: !GetAtt A.B }'],
    ['AWS::EC2::VPC', 'text'],
  ])('that exist, are open, or come from functions are not: %s %s', (type, properties) => {
    expect(told(type, properties)).toEqual([]);
  });

  it('are told of a template up to a bound', () => {
    const many = Array.from({ length: 80 }, (_, index) => `P${index}: 1`).join(', ');

    expect(told('AWS::EC2::VPC', `{ ${many} }`)).toHaveLength(50);
    expect(
      found(`Resources:\n${Array.from({ length: 80 }, (_, index) => `  A${index}: { Type: AWS::EC2::Nothing${index} }`).join('\n')}`),
    ).toHaveLength(50);
  });

  it('are part of validation, and a group of a misspelt type is no missing member of etcd', () => {
    const head = referenceSnapshot({
      ...edited('etcd.yaml', 'Type: AWS::AutoScaling::AutoScalingGroup', 'Type: AWS::AutoScaling::AutoScalingGrup'),
      ...edited('control-plane.yaml', 'MinSize:', 'MinSiz:'),
    });
    const target = { settings: referenceSettings(), branch: 'dev', now: '2026-11-22T12:00:00Z' };

    const all = validateConfiguration({ head, base: undefined, target }, shippedSchemas);

    expect(all.map(({ rule, path }) => `${rule} ${path}`)).toEqual([
      'template-type channels/cluster/etcd.yaml',
      'template-property channels/cluster/control-plane.yaml',
    ]);
  });
});

describe('the table of types', () => {
  it('knows the types of whole services, and properties of those that fleets use', () => {
    const types = PROPERTIES.trim().split('\n');

    expect(types.length).toBeGreaterThan(70);
    expect(SERVICES.trim().split('\n').length).toBeGreaterThan(15);
    for (const line of types) {
      const [, service, name] = line.split(' ', 1)[0]?.split('::') ?? [];
      expect(SERVICES).toMatch(new RegExp(`^AWS::${service}:: (.* )?${name}( |$)`, 'm'));
    }
  });
});
