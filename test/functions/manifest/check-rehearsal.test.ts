import { beforeEach, describe, expect, it } from 'vitest';
import type { BackupManifest } from '#model/backup-records.ts';
import { BackupNotProvenError, NotFoundError, TransientError } from '#model/errors.ts';
import { checkRehearsal } from '../../../functions/manifest/check-rehearsal.ts';
import { CLUSTER } from '../../support/cluster-ref.ts';
import { createFakeObjects, type FakeObjects } from '../../support/fakes/objects.ts';
import { KEYS, type MadeBackup, makeBackup, signed } from '../../support/stored-backup.ts';

const takenAt = new Date('2026-01-05T06:00:00Z');
let objects: FakeObjects;
let backup: MadeBackup;
let publicKey: () => Promise<{ key: string; pem: string }>;

beforeEach(async () => {
  objects = createFakeObjects();
  publicKey = async () => ({ key: 'key/account', pem: KEYS.publicKey });
  backup = makeBackup({ takenAt });
  await put({});
});

function put(over: Partial<BackupManifest>, privateKey = KEYS.privateKey): Promise<unknown> {
  const { signature: _, ...manifest } = { ...backup.manifest, kubernetes: '1.35.4', ...over };
  return objects.put(backup.manifestKey, JSON.stringify(signed(manifest, privateKey)));
}

function run() {
  const input = checkRehearsal.input.parse({ cluster: CLUSTER, backup: { id: backup.id } });
  return checkRehearsal.run(
    input,
    { objects, signer: { publicKey: () => publicKey(), macFits: async () => false } },
    { execution: 'rehearse-1' },
  );
}

describe('check-rehearsal', () => {
  it('answers what the signed manifest says', async () => {
    expect(await run()).toEqual({
      id: backup.id,
      snapshot: { key: backup.snapshotKey, sha256: backup.sha256 },
      revision: 1,
      counts: { pods: 1 },
      kubernetes: '1.35.4',
    });
  });

  it.each([
    [
      'that was only read and never served',
      () => put({ layers: backup.manifest.layers.filter(({ layer }) => layer !== 'L6') }),
      /L6 was not run/,
    ],
    [
      'of which a layer fails',
      () => put({ layers: backup.manifest.layers.map((one) => ({ ...one, verdict: 'fails' as const })) }),
      /fails/,
    ],
    ['of another cluster', () => put({ cluster: 'other-1' }), /it is of other-1/],
    ['under another name', () => put({ id: '20260105T070000Z-422a689b6051' }), /manifest of 20260105T070000Z/],
    ['without its API server', () => put({ kubernetes: null }), /which API server/],
    ['that was changed', () => objects.put(backup.manifestKey, JSON.stringify({ ...backup.manifest, counts: {} })), /does not fit/],
    ['that is no JSON', () => objects.put(backup.manifestKey, '{"half'), /no JSON/],
  ])('refuses a backup %s', async (_, change, reason) => {
    await change();

    await expect(run()).rejects.toThrow(reason);
    await expect(run()).rejects.toBeInstanceOf(BackupNotProvenError);
  });

  it('tells a backup that is gone from a store that does not answer', async () => {
    objects.remove(backup.manifestKey);
    await expect(run()).rejects.toBeInstanceOf(NotFoundError);

    await put({});
    publicKey = () => Promise.reject(new TransientError('Throttling'));
    await expect(run()).rejects.toBeInstanceOf(TransientError);
  });
});
