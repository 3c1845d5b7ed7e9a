import { createHash, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { secretIds } from '#domain/names.ts';
import { recoverySetOf } from '#domain/recovery-set.ts';
import type { IdentityVersions } from '#model/configuration.ts';
import { AuthoritySecret } from '#model/identity.ts';
import { RecoverySet } from '#model/records.ts';
import { authoritySecret } from '../../support/authority-secret.ts';
import { CLUSTER } from '../../support/cluster-ref.ts';

const ID = secretIds.authority(CLUSTER.name);

async function authorityOf(identity?: Partial<IdentityVersions>): Promise<{ files: AuthoritySecret; text: string }> {
  const text = await authoritySecret(CLUSTER, identity);
  return { files: AuthoritySecret.parse(JSON.parse(text)), text };
}

describe('the recovery set', () => {
  it('tells keys and authorities apart', async () => {
    const { files } = await authorityOf();

    const set = RecoverySet.parse(recoverySetOf(ID, 'v7', files));

    expect(set).toMatchObject({ identity: { secret: ID, version: 'v7' }, encryptionKeys: ['key1'] });
    expect(set.etcdCa).toBe(new X509Certificate(files['etcd-ca.crt']).fingerprint256.replaceAll(':', '').toLowerCase());
    expect(set.clusterCa).toEqual([new X509Certificate(files['ca.crt']).fingerprint256.replaceAll(':', '').toLowerCase()]);
    const der = Buffer.from(files['sa.pub'].replace(/-----[^-]+-----|\s/g, ''), 'base64');
    expect(set.serviceAccountKeys).toEqual([createHash('sha256').update(der).digest('base64url')]);
  });

  it('names every generation that is trusted, the one in use first', async () => {
    const two = { trusted: [1, 2] as [number, number], issues: 2 };
    const { files } = await authorityOf({ encryption: two, clusterCa: two, serviceAccounts: two });

    const set = recoverySetOf(ID, 'v8', files);

    expect(set.encryptionKeys).toEqual(['key2', 'key1']);
    expect([new Set(set.clusterCa).size, new Set(set.serviceAccountKeys).size]).toEqual([2, 2]);
  });

  it('has no key in it', async () => {
    const { files, text } = await authorityOf();
    const told = JSON.stringify(recoverySetOf(ID, 'v7', files));

    const secrets = [/secret: (\S+)/.exec(files['encryption.yaml'])?.[1] ?? '', files['ca.key'].split('\n')[1] ?? ''];
    expect(text).toContain('secret: ');
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(20);
      expect(told).not.toContain(secret);
    }
  });
});
