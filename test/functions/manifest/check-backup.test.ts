import { beforeEach, describe, expect, it } from 'vitest';
import { signedText } from '#domain/backup-proof.ts';
import type { BackupManifest } from '#model/backup-records.ts';
import { BackupNotProvenError, GateClosedError, NotFoundError } from '#model/errors.ts';
import { checkBackup } from '../../../functions/manifest/check-backup.ts';
import { CLUSTER } from '../../support/cluster-ref.ts';
import { manifest } from '../../support/etcd-world.ts';
import { createFakeObjects, type FakeObjects } from '../../support/fakes/objects.ts';
import { createFakeSigner, type FakeSigner } from '../../support/fakes/signer.ts';

const BACKUP = '20260105T060000Z-422a689b6051';
const KEY = `backups/${CLUSTER.name}/${BACKUP}/manifest.json`;
const LAYERS = ['L0', 'L1', 'L2', 'L3', 'L4'] as const;

let objects: FakeObjects;
let signer: FakeSigner;
beforeEach(() => {
  objects = createFakeObjects();
  signer = createFakeSigner();
});

async function store(change: Partial<BackupManifest> = {}): Promise<void> {
  const unsigned: BackupManifest = {
    ...manifest(),
    ...{ id: BACKUP, account: CLUSTER.account, takenAt: '2026-01-05T06:00:00Z', kubernetes: '1.35.4' },
    keyValueHash: { hash: 7, compactRevision: 80 },
    layers: LAYERS.map((layer) => ({ layer, verdict: 'holds', reason: 'equal', seconds: 1 })),
    ...change,
  };
  const by = { algorithm: 'ECDSA_SHA_256' as const, key: 'key/fake' };
  const value = await signer.sign(signedText({ ...unsigned, signature: { ...by, value: '' } }));
  await objects.put(KEY, JSON.stringify({ ...unsigned, signature: { ...by, value } }));
}

function check(etcd = '3.6.16') {
  const versions = { kubernetes: '1.35.4', etcd, osImage: 'ami-0a1b2c3d4e5f60718', e2eTests: '1.36.3' };
  const restore = { id: 'r1', backup: BACKUP, reason: 'lost' };
  const input = checkBackup.input.parse({ cluster: CLUSTER, restore, claimRestore: { render: { versions } } });
  return checkBackup.run(input, { objects, signer, clock: { now: () => new Date('2026-01-05T08:00:00Z') } }, { execution: 'restore-a' });
}

describe('check-backup', () => {
  it('answers what the drills need, with the versions that run', async () => {
    await store();

    expect(await check('3.6.99')).toMatchObject({
      takeSnapshot: { key: manifest().object.key, revision: manifest().etcd.revision, file: { hash: 7 } },
      checkMembers: { version: '3.6.99' },
      clusterId: manifest().etcd.clusterId,
    });
  });

  it('refuses one that is not there', async () => {
    await expect(check()).rejects.toBeInstanceOf(NotFoundError);
  });

  it.each([
    ['fails in a layer', { layers: [{ layer: 'L3' as const, verdict: 'fails' as const, reason: 'differs', seconds: 1 }] }],
    ['has no key-value hash', { keyValueHash: undefined }],
  ])('refuses one that %s', async (_, change) => {
    await store(change);

    await expect(check()).rejects.toBeInstanceOf(BackupNotProvenError);
  });

  it('refuses one that was changed after it was signed', async () => {
    await store();
    const text = (await objects.get(KEY))?.body ?? '';
    await objects.put(KEY, text.replace('"revision":', '"revision":1'));

    await expect(check()).rejects.toThrow(/signature/);
  });

  it.each([
    ['of another cluster', { cluster: 'beta-1' }],
    ['that says another id', { id: 'b2' }],
    ['of a newer etcd', { etcd: { ...manifest().etcd, version: '3.7.0' } }],
  ])('refuses one %s', async (_, change) => {
    await store(change);

    await expect(check()).rejects.toBeInstanceOf(GateClosedError);
  });
});
