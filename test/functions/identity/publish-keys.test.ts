import { createPrivateKey, createPublicKey } from 'node:crypto';
import { createLocalJWKSet, jwtVerify, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { createAuthority } from '#adapters/x509/authority.ts';
import { issuerKeys, secretIds } from '#domain/names.ts';
import type { KeyGenerations } from '#model/configuration.ts';
import { ConflictError, TransientError } from '#model/errors.ts';
import { PublicKeySet } from '#model/identity.ts';
import { deleteIdentity } from '../../../functions/identity/delete-identity.ts';
import { issueIdentity } from '../../../functions/identity/issue-identity.ts';
import { CLUSTER, CONTEXT } from '../../support/cluster-world.ts';
import { createFakeObjects } from '../../support/fakes/objects.ts';
import { createFakeSecrets } from '../../support/fakes/secrets.ts';

const KEYS = issuerKeys.keys(CLUSTER.name);
const OLD: KeyGenerations = { trusted: [1], issues: 1 };
const BOTH_OLD: KeyGenerations = { trusted: [1, 2], issues: 1 };
const BOTH_NEW: KeyGenerations = { trusted: [1, 2], issues: 2 };
const NEW: KeyGenerations = { trusted: [2], issues: 2 };

function world() {
  const [secrets, issuer] = [createFakeSecrets(), createFakeObjects()];
  const ports = { secrets, authority: createAuthority(), clock: { now: () => new Date('2026-01-01T00:00:00Z') }, issuer };
  const files = (id: (cluster: string) => string): Record<string, string> => JSON.parse(secrets.values.get(id(CLUSTER.name)) ?? '{}');
  return {
    ports,
    issue: (serviceAccounts = OLD) =>
      issueIdentity.run({ cluster: CLUSTER, render: { versions: { identity: { serviceAccounts } } } }, ports, CONTEXT),
    /** What instances get. */
    plane: () => files(secretIds.controlPlane),
    authority: () => files(secretIds.authority),
    keys: () => PublicKeySet.parse(JSON.parse(issuer.contents()[KEYS] ?? 'null')),
  };
}

/** A token as the API server signs one; its key's id is that of the only key that fits. */
async function tokenBy(key: string, published: PublicKeySet): Promise<string> {
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  const kid = published.keys.find((each) => each.x === x)?.kid ?? 'unknown';
  return new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid }).sign(createPrivateKey(key));
}

async function verifies(token: string, published: PublicKeySet): Promise<boolean> {
  return jwtVerify(token, createLocalJWKSet({ keys: published.keys.map((key) => ({ ...key })) })).then(
    () => true,
    () => false,
  );
}

describe('publishing the keys of service accounts', () => {
  it('leads from the issuer to the keys by which its tokens are verified', async () => {
    const { issue, plane, keys, ports } = world();
    await issue();

    const contents = ports.issuer.contents();
    const discovery = JSON.parse(contents[issuerKeys.configuration(CLUSTER.name)] ?? 'null');
    const host = `https://sluice-issuer-${CLUSTER.account}-${CLUSTER.region}.s3.${CLUSTER.region}.amazonaws.com/`;
    expect(Object.keys(contents)).toEqual(['dev-1/.well-known/openid-configuration', 'dev-1/openid/v1/jwks']);
    expect([discovery.issuer, discovery.jwks_uri]).toEqual([`${host}dev-1`, `${host}dev-1/openid/v1/jwks`]);
    expect(keys().keys).toHaveLength(1);
    expect(await verifies(await tokenBy(plane()['sa.key'] ?? '', keys()), keys())).toBe(true);
  });

  it('publishes nothing that is secret', async () => {
    const { issue, authority, plane, ports } = world();
    for (const generation of [OLD, BOTH_OLD, BOTH_NEW]) await issue(generation);

    const text = Object.values(ports.issuer.contents()).join('\n');
    const privateKeys = [
      ...`${JSON.stringify(authority())}${JSON.stringify(plane())}`
        .replaceAll(/\\+n/g, '\n')
        .matchAll(/-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/g),
    ];
    const privateParts = privateKeys.map(([pem]) => createPrivateKey(pem).export({ format: 'jwk' }).d ?? '');
    const encryption = [...(authority()['encryption.yaml'] ?? '').matchAll(/secret: (\S+)/g)].map(([, secret]) => secret ?? '');
    const secret = [...privateParts, ...encryption];
    expect(secret.length).toBeGreaterThan(5);
    expect(secret.filter((each) => each === '' || text.includes(each))).toEqual([]);
    expect(text).not.toMatch(/PRIVATE|BEGIN|"d":/);
  });

  it('changes nothing when it is called again', async () => {
    const { issue, ports } = world();
    await issue();
    const before = ports.issuer.contents();
    ports.issuer.calls.length = 0;

    await issue();

    expect(ports.issuer.contents()).toEqual(before);
    expect(ports.issuer.calls.filter(({ operation }) => operation.startsWith('put'))).toEqual([]);
  });

  it('publishes a key before it signs, and drops one only once it does not', async () => {
    const { issue, plane, keys } = world();
    const seen: { published: number; old: boolean; signing: boolean }[] = [];
    await issue();
    const old = await tokenBy(plane()['sa.key'] ?? '', keys());
    for (const generation of [OLD, BOTH_OLD, BOTH_NEW, NEW]) {
      await issue(generation);
      const signing = await tokenBy(plane()['sa.key'] ?? '', keys());
      seen.push({ published: keys().keys.length, old: await verifies(old, keys()), signing: await verifies(signing, keys()) });
    }

    expect(seen).toEqual([
      { published: 1, old: true, signing: true },
      { published: 2, old: true, signing: true },
      { published: 2, old: true, signing: true },
      { published: 1, old: false, signing: true },
    ]);
  });

  it('gives instances no key that could not be published', async () => {
    const { issue, plane, ports } = world();
    await issue();
    const before = plane();
    ports.issuer.beforeEach = (operation) => {
      if (operation.startsWith('put')) throw new TransientError('S3 answered 503');
    };

    await expect(issue(BOTH_OLD)).rejects.toBeInstanceOf(TransientError);

    expect(plane()).toEqual(before);
    ports.issuer.beforeEach = undefined;
    await issue(BOTH_OLD);
    expect(plane()['sa.pub']?.match(/BEGIN/g)).toHaveLength(2);
  });

  it('of an older run takes no key away that a newer one has published', async () => {
    const { issue, keys, ports } = world();
    await issue();
    let raced = false;
    ports.issuer.beforeEach = async (operation) => {
      if (operation !== 'putIfMatch' || raced) return;
      raced = true;
      // Another run, between the older one's look at the authority and its write.
      await issue(BOTH_OLD);
      ports.issuer.remove(KEYS);
      await ports.issuer.put(KEYS, JSON.stringify({ keys: [] }));
    };

    await expect(issue(BOTH_OLD)).rejects.toBeInstanceOf(ConflictError);

    expect(raced).toBe(true);
    ports.issuer.beforeEach = undefined;
    await issue(BOTH_OLD);
    expect(keys().keys).toHaveLength(2);
  });

  it('is one set of keys when several make a cluster at once', async () => {
    const { issue, plane, keys } = world();

    await Promise.all([issue(), issue(), issue()]);

    expect(keys().keys).toHaveLength(1);
    expect(await verifies(await tokenBy(plane()['sa.key'] ?? '', keys()), keys())).toBe(true);
  });

  it('leaves no key of a cluster that is deleted', async () => {
    const { issue, keys, ports } = world();
    await issue();

    await deleteIdentity.run({ cluster: { ...CLUSTER, environment: 'e2e' }, purpose: 'e2e' }, ports, CONTEXT);
    await deleteIdentity.run({ cluster: { ...CLUSTER, environment: 'e2e' }, purpose: 'e2e' }, ports, CONTEXT);

    expect(keys()).toEqual({ keys: [] });
  });

  it('has nothing to withdraw of a cluster that never had an identity', async () => {
    const { ports } = world();

    await deleteIdentity.run({ cluster: { ...CLUSTER, environment: 'e2e' }, purpose: 'e2e' }, ports, CONTEXT);

    expect(ports.issuer.contents()).toEqual({});
  });
});
