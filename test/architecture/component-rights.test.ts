import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { policyDocument } from '#domain/policies/iam.ts';
import { listAt, listOf, textAt, valueAt } from '#domain/policies/values.ts';
import { parseTemplate } from '#domain/template.ts';

function resourcesOf(path: string) {
  const { value, findings } = parseTemplate(path, readFileSync(new URL(`../../channels/${path}`, import.meta.url), 'utf8'));
  if (value === undefined) throw new Error(JSON.stringify(findings));
  return Object.entries(value.body.Resources).map(([id, { Type, Properties }]) => ({ id, Type, Properties }));
}

const account = resourcesOf('bootstrap/account.yaml');
const [network, nodes] = [resourcesOf('cluster/network.yaml'), resourcesOf('cluster/node-pool.yaml')];
const components = network.filter(({ Type }) => Type === 'AWS::IAM::Role');

/** A condition's first branch counts as written. */
function statementsOf(document: unknown): unknown[] {
  return listOf(valueAt(policyDocument(document), ['Statement'])).map((each) => valueAt(each, ['Fn::If', 1]) ?? each);
}

/** Actions that a role's own policies allow, with the texts of what they are allowed on. */
function rightsOf(properties: unknown): { actions: string[]; on: string }[] {
  return listAt(properties, ['Policies'])
    .flatMap((policy) => statementsOf(valueAt(policy, ['PolicyDocument'])))
    .filter((statement) => valueAt(statement, ['Effect']) === 'Allow')
    .map((statement) => ({
      actions: listOf(valueAt(statement, ['Action'])).map(String),
      on: JSON.stringify(valueAt(statement, ['Resource'])),
    }));
}

function propertiesOf(id: string): unknown {
  const found = account.find((each) => each.id === id);
  expect(found).toBeDefined();
  return found?.Properties;
}

describe('rights of components', () => {
  it('are within what any role of a template can have', () => {
    const boundary = statementsOf(valueAt(propertiesOf('Boundary'), ['PolicyDocument']))
      .filter((statement) => valueAt(statement, ['Effect']) === 'Allow' && valueAt(statement, ['Resource']) === '*')
      .flatMap((statement) => listOf(valueAt(statement, ['Action'])).map(String));
    const within = (action: string) =>
      boundary.some((most) => most === action || (most.endsWith('*') && action.startsWith(most.slice(0, -1))));
    const actions = components.flatMap(({ Properties }) => rightsOf(Properties).flatMap((right) => right.actions));

    expect(boundary.length).toBeGreaterThan(40);
    expect(actions.length).toBeGreaterThan(60);
    expect(actions.filter((action) => !within(action))).toEqual([]);
  });

  it('on everything are to look only', () => {
    const everywhere = components.flatMap(({ Properties }) => rightsOf(Properties).filter(({ on }) => on === '"*"'));

    expect(everywhere.length).toBeGreaterThan(3);
    expect(everywhere.flatMap(({ actions }) => actions).filter((action) => !/:(Describe|List|Get)/.test(action))).toEqual([]);
  });

  it('carry the boundary, and are for one service account each', () => {
    const subjects = components.map(({ Properties }) =>
      statementsOf(valueAt(Properties, ['AssumeRolePolicyDocument'])).map((statement) =>
        textAt(statement, ['Condition', 'StringEquals', '${TokenIssuer}:sub']),
      ),
    );

    expect(components).toHaveLength(5);
    expect(
      components.filter(({ Properties }) => valueAt(Properties, ['PermissionsBoundary', 'Fn::ImportValue']) !== 'sluice-boundary'),
    ).toEqual([]);
    expect(subjects.filter((each) => each.length !== 1)).toEqual([]);
    expect(new Set(subjects.flat()).size).toBe(5);
  });

  it('are none of a node, which has what it needs to become one, addresses and images', () => {
    const [role] = nodes.filter(({ Type }) => Type === 'AWS::IAM::Role');
    const managed = listAt(role?.Properties, ['ManagedPolicyArns']).map((arn) => textAt(arn, ['Fn::Sub'])?.split('/').at(-1));

    expect(rightsOf(role?.Properties).flatMap(({ actions }) => actions)).toEqual(['s3:GetObject', 'lambda:InvokeFunction']);
    expect(managed).toEqual(['AmazonEKS_CNI_Policy', 'AmazonEC2ContainerRegistryPullOnly']);
  });
});

describe('rights over the issuer of an account', () => {
  const writers = account
    .filter(({ Type }) => Type === 'AWS::IAM::Role')
    .filter(({ Properties }) =>
      rightsOf(Properties).some(
        ({ actions, on }) => on.includes('IssuerBucket') && actions.some((action) => /^s3:(\*|Put|Delete)/.test(action)),
      ),
    );
  const [readable, refused] = statementsOf(valueAt(propertiesOf('IssuerBucketPolicy'), ['PolicyDocument']));
  const DOCUMENTS = ['${IssuerBucket.Arn}/*/.well-known/openid-configuration', '${IssuerBucket.Arn}/*/openid/v1/jwks'];

  it('to write are those of one role, and the bucket refuses everybody else', () => {
    expect(writers.map(({ Properties }) => textAt(Properties, ['RoleName']))).toEqual(['sluice-side-identity']);
    expect(refused).toMatchObject({
      Effect: 'Deny',
      Principal: '*',
      Action: ['s3:PutObject', 's3:ReplicateObject', 's3:DeleteObject', 's3:DeleteObjectVersion'],
      Condition: { ArnNotEquals: { 'aws:PrincipalArn': { 'Fn::Sub': expect.stringMatching(/role\/sluice-side-identity$/) } } },
    });
  });

  it('to read are everybody’s for two documents of each cluster, and no other bucket has any', () => {
    const buckets = account.filter(({ Type }) => Type === 'AWS::S3::Bucket');
    const open = buckets.filter(
      ({ Properties }) => valueAt(Properties, ['PublicAccessBlockConfiguration', 'RestrictPublicBuckets']) !== true,
    );

    expect(buckets.length).toBeGreaterThan(1);
    expect(open.map(({ id }) => id)).toEqual(['IssuerBucket']);
    expect(readable).toEqual({
      Effect: 'Allow',
      Principal: '*',
      Action: 's3:GetObject',
      Resource: DOCUMENTS.map((each) => ({ 'Fn::Sub': each })),
    });
  });

  it('of the hub end at providers for this account’s issuers', () => {
    const rights = rightsOf(propertiesOf('HubRole')).filter(({ actions }) =>
      actions.some((action) => action.includes('OpenIDConnectProvider')),
    );

    expect(rights).toHaveLength(1);
    expect(rights[0]?.on).toContain('oidc-provider/${IssuerBucket}.s3.${AWS::Region}.amazonaws.com/*');
  });
});
