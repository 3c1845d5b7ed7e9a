import { beforeEach, describe, expect, it } from 'vitest';
import { requiredLayers } from '#domain/backup.ts';
import { signedText } from '#domain/backup-proof.ts';
import type { BackupManifest } from '#model/backup-records.ts';
import { BackupNotProvenError, BackupStaleError, TransientError } from '#model/errors.ts';
import { checkBackupGate } from '../../../functions/manifest/check-backup-gate.ts';
import { PRODUCTION, manifest as unsignedManifest } from '../../support/etcd-world.ts';
import { createFakeInstances, type FakeInstances } from '../../support/fakes/instances.ts';
import { createFakeObjects, type FakeObjects } from '../../support/fakes/objects.ts';
import { createFakeSigner, type FakeSigner } from '../../support/fakes/signer.ts';

const REVISION = 'a'.repeat(40);
const BACKUP = { id: 'b1', proven: true, manifestKey: 'backups/alpha-1/b1/manifest.json' };
const TAKEN = new Date('2026-01-05T08:00:00Z');

let objects: FakeObjects;
let signer: FakeSigner;
let instances: FakeInstances;
let now: Date;

beforeEach(async () => {
  objects = createFakeObjects();
  signer = createFakeSigner();
  instances = createFakeInstances();
  now = new Date('2026-01-05T08:10:00Z');
  for (const zone of ['a', 'b', 'c']) instances.addGroup('alpha-1', `etcd-${zone}`, { min: 1, max: 1, desired: 1 });
  instances.addGroup('alpha-1', 'control-plane', { min: 3, max: 4, desired: 3 });
  instances.setVersion('alpha-1', 'etcd-b', '2');
  instances.setVersion('alpha-1', 'control-plane', '2');
  await store();
});

function proven(over: Partial<BackupManifest> = {}): BackupManifest {
  return {
    ...unsignedManifest(),
    takenAt: TAKEN.toISOString(),
    execution: 'b-update-1',
    purpose: { revision: REVISION },
    recoverySet: {
      identityVersion: 'v1',
      authorities: { ca: '0123456789abcdef' },
      serviceAccountKey: '2123456789abcdef',
      encryptionKeys: [],
    },
    layers: requiredLayers(true).map((layer) => ({ layer, verdict: 'holds', reason: 'equal', seconds: 0 })),
    ...over,
  };
}

async function store(over: Partial<BackupManifest> = {}): Promise<void> {
  const by = { algorithm: 'ECDSA_SHA_256' as const, key: 'key/fake' };
  const manifest = { ...proven(over), signature: by };
  const signature = { ...by, value: await signer.sign(signedText(manifest)) };
  await objects.put(BACKUP.manifestKey, JSON.stringify({ ...manifest, signature }));
}

function ask(over: Record<string, unknown> = {}, execution = 'update-1') {
  const input = checkBackupGate.input.parse({ cluster: PRODUCTION, change: 'etcd', revision: REVISION, backup: BACKUP, ...over });
  return checkBackupGate.run(input, { objects, signer, instances, clock: { now: () => now } }, { execution });
}

describe('check-backup-gate', () => {
  it.each([
    ['etcd', '2026-01-05T09:00:00.000Z'],
    ['control-plane', '2026-01-05T08:15:00.000Z'],
  ])('is open before %s by the backup of this change, and says until when', async (change, until) => {
    expect(await ask({ change })).toEqual({ until, reason: 'backup b1 is proven and fresh' });
  });

  it('is open before a deletion by the backup that the deletion took', async () => {
    await store({ purpose: undefined, execution: 'b-delete-1' });

    expect(await ask({ change: 'deletion', revision: undefined }, 'delete-1')).toMatchObject({ until: '2026-01-05T09:00:00.000Z' });
    await expect(ask({ change: 'deletion', revision: undefined }, 'delete-2')).rejects.toThrow(/not under the lock of delete-2/);
  });

  it.each([
    ['there is no manifest', async () => objects.remove(BACKUP.manifestKey), /backup b1: there is no manifest backups\/alpha-1\/b1/],
    ['it is not signed', async () => void (await objects.put(BACKUP.manifestKey, JSON.stringify(proven()))), /it is not signed/],
    [
      'it was changed',
      async () =>
        void (await objects.put(BACKUP.manifestKey, (objects.contents()[BACKUP.manifestKey] ?? '').replace('08:00:00', '08:05:00'))),
      /does not fit: it was changed/,
    ],
    ['another key signed it', async () => Object.assign(signer, { wrongKey: true }) && store(), /signed by another key/],
    ['it is no JSON', async () => void (await objects.put(BACKUP.manifestKey, 'proven')), /no JSON object/],
    ['a layer fails', () => store({ layers: [{ layer: 'L1', verdict: 'fails', reason: 'cut', seconds: 1 }] }), /L1 fails: cut/],
    ['it was not drilled', () => store({ layers: proven().layers.slice(0, 5) }), /L5 was not run/],
    ['it is of another cluster', () => store({ cluster: 'beta-1' }), /it is of beta-1, not of alpha-1/],
    ['it is for another change', () => store({ purpose: { revision: 'b'.repeat(40) } }), /for the change to b{40}, not to a{40}/],
    ['another execution took it', () => store({ execution: 'b-update-2' }), /it was taken by b-update-2, not under the lock of update-1/],
    ['it is by schedule', () => store({ purpose: undefined, execution: 'scheduled-1' }), /it was taken by schedule/],
    ['it is another one', () => store({ id: 'b2' }), /its manifest is that of b2/],
  ])('is shut before etcd when %s, and says what to do', async (_, change, reason) => {
    await change();

    await expect(ask()).rejects.toBeInstanceOf(BackupNotProvenError);
    await expect(ask()).rejects.toThrow(reason);
    await expect(ask()).rejects.toThrow(/etcd of alpha-1 is shut.*Nothing behind it was begun; run it again/);
  });

  it('is shut without a backup, and for an etcd other than the one that runs', async () => {
    await expect(ask({ backup: undefined })).rejects.toThrow(/backup \(none\): none was taken/);
    const roll = (clusterId: string) => ask({ change: 'control-plane', rollEtcdMembers: { clusterId } });
    expect(await roll('c1')).toMatchObject({ until: '2026-01-05T08:15:00.000Z' });
    await expect(roll('c2')).rejects.toThrow(/etcd cluster c1, and c2 runs/);
  });

  it('goes by the manifest of this cluster and backup, whatever key it is given', async () => {
    await objects.put('backups/beta-1/b1/manifest.json', objects.contents()[BACKUP.manifestKey] ?? '');
    objects.remove(BACKUP.manifestKey);

    await expect(ask({ backup: { ...BACKUP, manifestKey: 'backups/beta-1/b1/manifest.json' } })).rejects.toThrow(/there is no manifest/);
  });

  it('says by another error that the backup is only too old, and by that for nothing else', async () => {
    now = new Date('2026-01-05T08:16:00Z');
    const control = { change: 'control-plane' };

    await expect(ask(control)).rejects.toBeInstanceOf(BackupStaleError);
    await expect(ask(control)).rejects.toThrow('backup b1: it is 16 minutes old; for control-plane it may be 15: take a new one');
    await expect(ask(control, 'update-2')).rejects.toBeInstanceOf(BackupNotProvenError);
  });

  it.each(['etcd', 'control-plane'])('asks nothing where no instance of %s is to be replaced', async (change) => {
    instances.setVersion('alpha-1', 'etcd-b', '1');
    instances.setVersion('alpha-1', 'control-plane', '1');
    objects.remove(BACKUP.manifestKey);

    expect(await ask({ change })).toEqual({ until: null, reason: `no instance of ${change} is to be replaced` });
  });

  it.each(['etcd', 'control-plane'])('asks where it is not known what of %s runs', async (change) => {
    for (const role of ['etcd-a', 'etcd-b', 'etcd-c', 'control-plane']) instances.removeGroup('alpha-1', role);
    objects.remove(BACKUP.manifestKey);

    await expect(ask({ change })).rejects.toThrow(BackupNotProvenError);
  });

  it('can be asked again while KMS does not answer', async () => {
    signer.fails = new TransientError('KMS is slow');

    await expect(ask()).rejects.toBeInstanceOf(TransientError);
  });
});
