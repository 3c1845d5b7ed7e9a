import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { GetOpenIDConnectProviderCommand, IAMClient, ListOpenIDConnectProvidersCommand } from '@aws-sdk/client-iam';
import { AssumeRoleWithWebIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStacks } from '#adapters/cloudformation/stacks.ts';
import { createObjects } from '#adapters/s3/objects.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import { parseConfiguration } from '#domain/configuration.ts';
import { hashOf } from '#domain/hash.ts';
import { issuerBucketName, issuerKeys, keys, tokenIssuer } from '#domain/names.ts';
import { render } from '#domain/render.ts';
import { PublicKeySet } from '#model/identity.ts';
import { issueIdentity } from '../../functions/identity/issue-identity.ts';
import { deployAccountStack } from '../support/account-stack.ts';
import { stackAdvancer } from '../support/bring-stacks.ts';
import { until } from '../support/child.ts';
import { CLUSTER } from '../support/cluster-ref.ts';
import { createFakeObjects } from '../support/fakes/objects.ts';
import { createFakeSecrets } from '../support/fakes/secrets.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';
import { referenceSnapshot } from '../support/reference-fleet.ts';

/** Roles of components, and the service account that each is for. */
const ROLES: readonly (readonly [string, string])[] = [
  ['cloud-controller', 'cloud-controller'],
  ['cluster-autoscaler', 'cluster-autoscaler'],
  ['ebs-csi', 'ebs-csi-controller'],
  ['external-dns', 'external-dns'],
  ['ingress-controller', 'ingress-controller'],
];

let aws: Ministack;
beforeAll(async () => {
  // Policies are evaluated: trust, and what the bucket lets everybody do.
  aws = await startMinistack({ AUTH: 'true' });
  const client = new CloudFormationClient(aws.of(CLUSTER.account));
  await deployAccountStack(client, CLUSTER.network);
  const { value } = parseConfiguration(referenceSnapshot());
  if (value === undefined) throw new Error('not valid');
  const rendered = render(value, CLUSTER);
  const [objects, hash] = [createFakeObjects(), hashOf(rendered)];
  await objects.put(keys.render(hash), JSON.stringify(rendered));
  const advance = await stackAdvancer(
    { objects, stacks: createStacks(client) },
    { cluster: CLUSTER, hash, roles: ['network'], execution: 'update-1' },
  );
  await until('the stack network', advance, undefined, 60);
  const issuer = createObjects(issuerBucketName(CLUSTER.account, CLUSTER.region), aws.of(CLUSTER.account), 'application/json');
  const ports = { secrets: createFakeSecrets(), authority: createAuthority(), clock: { now: () => new Date() }, issuer };
  await issueIdentity.run({ cluster: CLUSTER }, ports, { execution: 'test' });
}, 150_000);
afterAll(() => aws.stop());

/** As somebody without credentials asks. */
async function read(key: string): Promise<Response> {
  return fetch(`${aws.endpoint}/${issuerBucketName(CLUSTER.account, CLUSTER.region)}/${key}`);
}

async function roleFor(role: string, claims: { iss?: string; sub: string; aud: string }): Promise<string | undefined> {
  const token = await new SignJWT({ iss: `https://${tokenIssuer(CLUSTER)}`, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode('the emulator does not look at signatures'));
  const RoleArn = `arn:aws:iam::${CLUSTER.account}:role/sluice-${CLUSTER.name}-${role}`;
  const sts = new STSClient(aws.of(CLUSTER.account));
  return sts.send(new AssumeRoleWithWebIdentityCommand({ RoleArn, RoleSessionName: 'pod', WebIdentityToken: token })).then(
    ({ AssumedRoleUser }) => AssumedRoleUser?.Arn,
    (error: Error) => error.name,
  );
}

describe('the issuer in the account', () => {
  it('is trusted for its own address and for AWS only', async () => {
    const iam = new IAMClient(aws.of(CLUSTER.account));
    const { OpenIDConnectProviderList: [provider] = [] } = await iam.send(new ListOpenIDConnectProvidersCommand({}));
    const found = await iam.send(new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: provider?.Arn }));

    expect(provider?.Arn).toBe(`arn:aws:iam::${CLUSTER.account}:oidc-provider/${tokenIssuer(CLUSTER)}`);
    expect(found.ClientIDList).toEqual(['sts.amazonaws.com']);
  });

  it('shows everybody its two documents, as JSON, and nothing else', async () => {
    const found = await read(issuerKeys.keys(CLUSTER.name));
    const answers = await Promise.all(['', `${CLUSTER.name}/openid/v1/other`, `${CLUSTER.name}/`].map(read));

    expect([found.status, found.headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(PublicKeySet.parse(await found.json()).keys).toHaveLength(1);
    expect((await read(issuerKeys.configuration(CLUSTER.name))).status).toBe(200);
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
  });
});

describe.each(ROLES)('the role of %s', (role, account) => {
  const sub = `system:serviceaccount:kube-system:${account}`;
  const aud = 'sts.amazonaws.com';

  it('is given to its service account', async () => {
    expect(await roleFor(role, { sub, aud })).toBe(`arn:aws:sts::${CLUSTER.account}:assumed-role/sluice-${CLUSTER.name}-${role}/pod`);
  });

  it.each([
    ['another service account', { sub: `${sub}-2`, aud }],
    ['the same name in another namespace', { sub: sub.replace('kube-system', 'team'), aud }],
    ['a token for the API', { sub, aud: 'https://kubernetes.default.svc.cluster.local' }],
    ['the issuer of another cluster', { iss: `https://${tokenIssuer({ ...CLUSTER, name: 'other' })}`, sub, aud }],
  ])('is refused for %s', async (_, claims) => {
    expect(await roleFor(role, claims)).toBe('AccessDenied');
  });
});
