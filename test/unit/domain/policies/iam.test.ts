import { describe, it } from 'vitest';
import { deletionPolicies, iamTrust, iamWildcards, literalAccounts } from '#domain/policies/iam.ts';
import { expectFound, expectInObjects } from '../../../support/policies.ts';

function role(statement: string, key = 'PolicyDocument'): string {
  return `Resources:\n  Role:\n    Type: AWS::IAM::Role\n    Properties:\n      ${key}:\n        Statement:\n          - { ${statement} }\n`;
}

const FILES = ['network.yaml', 'etcd.yaml', 'control-plane.yaml', 'node-pool.yaml'];

describe('iam-wildcard', () => {
  it.each(FILES)('is found in %s', (file) =>
    expectFound(iamWildcards, file, role("Effect: Allow, ▸Action: '*', Resource: '*'"), [
      `${file.replace('.yaml', '')} Role: * on every resource. Name the actions or the resources.`,
    ]),
  );

  it('is found among others, for one service', () =>
    expectFound(iamWildcards, 'etcd.yaml', role("Effect: Allow, ▸Action: ['s3:Get*', 's3:*', 'iam:*'], Resource: [a, '*']"), [
      'etcd Role: s3:*, iam:* on every resource. Name the actions or the resources.',
    ]));

  it.each([
    "Effect: Deny, Action: '*', Resource: '*'",
    "Effect: Allow, Action: 's3:*', Resource: a",
    "Effect: Allow, Action: ['s3:Get*', 'ec2:DescribeInstances'], Resource: '*'",
    "Effect: Allow, Resource: '*'",
    "Effect: [Allow], Action: '*', Resource: '*'",
  ])('passes %s', (statement) => expectFound(iamWildcards, 'etcd.yaml', role(statement)));

  it('passes what the policy of a key says of that key', () =>
    expectFound(
      iamWildcards,
      'network.yaml',
      role("Effect: Allow, Principal: { AWS: root }, Action: 'kms:*', Resource: '*'", 'KeyPolicy'),
    ));
});

describe('iam-wildcard in a text', () => {
  it('is found at the text', () =>
    expectFound(
      iamWildcards,
      'etcd.yaml',
      `Resources:\n  Role:\n    Type: A\n    Properties:\n      ▸PolicyDocument: !Sub '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'\n`,
      ['etcd Role: * on every resource. Name the actions or the resources.'],
    ));
});

describe('iam-trust', () => {
  const trust = (statement: string) => role(statement, 'AssumeRolePolicyDocument');

  it.each(["'*'", "{ AWS: '*' }", "{ AWS: [a, '*'] }"])('finds the principal %s', (principal) =>
    expectFound(iamTrust, 'etcd.yaml', trust(`Effect: Allow, ▸Principal: ${principal}`), [
      'etcd Role: everybody may use it. Name the principal.',
    ]),
  );

  it.each(['', ', Condition: { StringEquals: { "a:aud": b } }'])('finds web identities without a subject%s', (condition) =>
    expectFound(iamTrust, 'etcd.yaml', trust(`Effect: Allow, ▸Principal: { Federated: a }${condition}`), [
      'etcd Role: every service account of the cluster may use it. Add a condition on :sub.',
    ]),
  );

  it.each([
    [
      'StringLike: { "a:sub": "system:serviceaccount:team:*", "a:aud": c }',
      'several service accounts may use it. Name one in the condition on :sub.',
    ],
    [
      'StringLike: { "a:sub": [b, "system:serviceaccount:team:?"] }',
      'several service accounts may use it. Name one in the condition on :sub.',
    ],
    [
      'StringEquals: { "a:aud": c }, StringLike: { "a:sub": !Sub "system:serviceaccount:${A}:*" }',
      'several service accounts may use it. Name one in the condition on :sub.',
    ],
    ['StringLike: { "a:sub": !Ref A, "a:aud": c }', 'several service accounts may use it. Name one in the condition on :sub.'],
    ['StringEquals: { "a:sub": b }', 'a token that was made for somebody else is taken as well. Add a condition on :aud.'],
    ['StringNotEquals: { "a:sub": b }', 'every service account of the cluster may use it. Add a condition on :sub.'],
    ['StringEqualsIfExists: { "a:sub": b, "a:aud": c }', 'every service account of the cluster may use it. Add a condition on :sub.'],
    ['StringEquals: { "a:sub": [], "a:aud": c }', 'every service account of the cluster may use it. Add a condition on :sub.'],
  ])('finds web identities with %s', (condition, problem) =>
    expectFound(iamTrust, 'etcd.yaml', trust(`Effect: Allow, ▸Principal: { Federated: a }, Condition: { ${condition} }`), [
      `etcd Role: ${problem}`,
    ]),
  );

  const text = (json: string, mark = '▸') =>
    `Resources:\n  Role:\n    Type: AWS::IAM::Role\n    Properties:\n      ${mark}AssumeRolePolicyDocument: ${json}\n`;
  const STATEMENT =
    '{"Statement": [{"Effect": "Allow", "Principal": {"Federated": "a"}, "Condition": {"StringEquals": {"${Role}:sub": "b"CONDITION}}}]}';

  it.each(["!Sub 'TEXT'", "!Sub ['TEXT', { Name: b }]", "'TEXT'"])('reads a trust that is written as %s', (form) => {
    const aud = form.replace('TEXT', STATEMENT.replace('CONDITION', ', "${Role}:aud": "c"'));
    const noAud = form.replace('TEXT', STATEMENT.replace('CONDITION', ''));

    expectFound(iamTrust, 'etcd.yaml', text(aud, ''));
    expectFound(iamTrust, 'etcd.yaml', text(noAud), [
      'etcd Role: a token that was made for somebody else is taken as well. Add a condition on :aud.',
    ]);
  });

  it.each(["!Sub '{'", '!Ref Role', "!Join ['', [a, b]]", '{}'])('finds the trust %s, which nobody can read', (form) =>
    expectFound(iamTrust, 'etcd.yaml', text(form), ['etcd Role: who may use it can not be read. Write it as YAML, or as JSON in Fn::Sub.']),
  );

  it.each([
    'Effect: Allow, Principal: { Service: ec2.amazonaws.com }',
    'Effect: Allow, Principal: { Federated: a }, Condition: { StringEquals: { "a:sub": b, "a:aud": c } }',
    'Effect: Allow, Principal: { Federated: a }, Condition: { StringLike: { "a:sub": b }, StringEquals: { "a:aud": [c, d] } }',
    "Effect: Allow, Principal: '*', Condition: { StringEquals: { a: b } }",
    "Effect: Deny, Principal: '*'",
    'Effect: Allow, Action: a',
  ])('passes %s', (statement) => expectFound(iamTrust, 'etcd.yaml', trust(statement)));
});

describe('literal-account', () => {
  const object = (value: string) => `apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: a\n  annotations: { ▸role: '${value}' }\n`;

  it('is found in a manifest', () =>
    expectInObjects(literalAccounts, object('arn:aws:iam::123456789012:role/a'), [
      'ServiceAccount a: an account id is written out. Write ${ACCOUNT}.',
    ]));

  it('is found in a template', () =>
    expectFound(
      literalAccounts,
      'etcd.yaml',
      'Resources:\n  Key:\n    Type: A\n    Properties:\n      ▸Arn: arn:aws-cn:kms:eu-central-1:123456789012:key/a\n',
      ['etcd Key: an account id is written out. Write ${AWS::AccountId}.'],
    ));

  it.each(['arn:aws:iam::${ACCOUNT}:role/a', 'arn:aws:s3:::123456789012', 'arn:aws:iam::1234567890123:a', '602401143452.dkr.ecr'])(
    'passes %s',
    (value) => expectInObjects(literalAccounts, object(value).replace('▸', '')),
  );
});

describe('deletion-policy', () => {
  const bucket = (type: string, more = '') => `Resources:\n  ▸Data:\n    Type: ${type}\n${more}`;

  it.each(['AWS::S3::Bucket', 'AWS::KMS::Key', 'AWS::EC2::Volume', 'AWS::RDS::DBInstance', 'AWS::DynamoDB::Table'])('finds %s', (type) =>
    expectFound(deletionPolicies, 'network.yaml', bucket(type), [
      'network Data: it goes with its stack. Set DeletionPolicy and UpdateReplacePolicy to Retain.',
    ]),
  );

  it('says what is missing', () => {
    expectFound(deletionPolicies, 'etcd.yaml', bucket('AWS::KMS::Key', '    DeletionPolicy: Retain\n    UpdateReplacePolicy: Delete\n'), [
      'etcd Data: it goes with its stack. Set UpdateReplacePolicy to Retain.',
    ]);
    expectFound(deletionPolicies, 'etcd.yaml', bucket('AWS::KMS::Key', '    UpdateReplacePolicy: Retain\n'), [
      'etcd Data: it goes with its stack. Set DeletionPolicy to Retain.',
    ]);
  });

  it('passes what is kept, and what holds nothing', () => {
    const kept = '    DeletionPolicy: RetainExceptOnCreate\n    UpdateReplacePolicy: Snapshot\n';
    expectFound(deletionPolicies, 'etcd.yaml', bucket('AWS::EC2::Volume', kept).replace('▸', ''));
    expectFound(deletionPolicies, 'etcd.yaml', bucket('AWS::EC2::VPC').replace('▸', ''));
  });
});
