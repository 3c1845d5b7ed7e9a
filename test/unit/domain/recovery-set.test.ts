import { beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '#adapters/x509/authority.ts';
import { encryptionConfiguration } from '#domain/identity.ts';
import { secretIds } from '#domain/names.ts';
import { recoverySetOf } from '#domain/recovery-set.ts';
import { RecoverySet } from '#model/backup-records.ts';
import { AuthoritySecret } from '#model/identity.ts';
import { issueIdentity } from '../../../functions/identity/issue-identity.ts';
import { CLUSTER } from '../../support/cluster-ref.ts';
import { createFakeObjects } from '../../support/fakes/objects.ts';
import { createFakeSecrets } from '../../support/fakes/secrets.ts';

const authority = createAuthority();
let files: AuthoritySecret;
let other: AuthoritySecret;

async function identity(): Promise<AuthoritySecret> {
  const secrets = createFakeSecrets();
  await issueIdentity.run(
    { cluster: CLUSTER },
    { secrets, authority, clock: { now: () => new Date() }, issuer: createFakeObjects() },
    { execution: 'x' },
  );
  return AuthoritySecret.parse(JSON.parse(secrets.values.get(secretIds.authority(CLUSTER.name)) ?? ''));
}

beforeAll(async () => {
  files = await identity();
  other = await identity();
});

describe('the recovery set', () => {
  it('is the same for the same identity, and another one for another', () => {
    const [one, again, two] = [recoverySetOf(files, 'v1'), recoverySetOf(files, 'v1'), recoverySetOf(other, 'v1')];

    expect(RecoverySet.parse(one)).toEqual(again);
    for (const name of ['ca', 'etcd-ca', 'front-proxy-ca']) expect(one.authorities[name]).not.toBe(two.authorities[name]);
    expect(one.serviceAccountKey).not.toBe(two.serviceAccountKey);
    expect(one.encryptionKeys[0]?.name).toBe(two.encryptionKeys[0]?.name);
    expect(one.encryptionKeys[0]?.fingerprint).not.toBe(two.encryptionKeys[0]?.fingerprint);
  });

  it('has every encryption key in its order, and none of their secrets', () => {
    const keys = ['new', 'old'].map((name) => ({ name, secret: authority.randomKey(32) }));
    const set = recoverySetOf({ ...files, 'encryption.yaml': encryptionConfiguration(keys) }, 'v2');

    expect(set.identityVersion).toBe('v2');
    expect(set.encryptionKeys.map(({ name }) => name)).toEqual(['new', 'old']);
    for (const { secret } of keys) {
      expect(JSON.stringify(set)).not.toContain(secret);
      expect(JSON.stringify(set)).not.toContain(Buffer.from(secret, 'base64').toString('hex').slice(0, 8));
    }
  });

  it.each([
    ['a certificate', { 'ca.crt': '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----' }],
    ['a key', { 'sa.pub': '-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----' }],
    ['the encryption configuration', { 'encryption.yaml': 'resources: 1' }],
  ])('is refused for an identity of which %s can not be read', (_, change) => {
    expect(() => recoverySetOf({ ...files, ...change }, 'v1')).toThrow(/the cluster's identity can't be read/);
  });
});
