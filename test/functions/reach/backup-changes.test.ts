import { beforeEach, describe, expect, it } from 'vitest';
import { keys } from '#domain/names.ts';
import { TransientError } from '#model/errors.ts';
import { backupChanges } from '../../../functions/reach/backup-changes.ts';
import { AT, COMMIT, type ControlWorld, createControlWorld, NEW, OLD, refOf, SETTINGS_COMMIT } from '../../support/control-world.ts';
import { channelFile } from '../../support/fleet.ts';

const DEV = channelFile('dev', 2, { backup: { ...channelFile('dev', 1).backup, holdDays: 3 } });
const CLUSTER = refOf(DEV, 0);

let world: ControlWorld;
beforeEach(async () => {
  world = createControlWorld();
  await world.settings([DEV]);
  await world.put(keys.newestSettings(), { commit: SETTINGS_COMMIT, seenAt: AT });
});

const rollout = (revision: string) =>
  world.put(keys.newestRollout('dev'), { rolloutId: 'rollout-1', revision, commit: COMMIT, plannedAt: AT });
const proof = (revision: string) =>
  world.put(keys.channelProof('dev', revision), {
    channel: 'dev',
    revision,
    commit: COMMIT,
    rollout: 'rollout-1',
    basis: 'pull-request',
    clusters: [],
    startedAt: AT,
    finishedAt: AT,
  });

describe('backupChanges', () => {
  it('names the backup that is suspicious, which vouches for nothing', async () => {
    const content = { id: '20260105T074500Z-0123456789ab', takenAt: AT, revision: 7, clusterId: 'a', usedBytes: 1, counts: {} };
    const index = {
      cluster: CLUSTER.name,
      newestProven: null,
      newestDrilled: null,
      bytes: null,
      seconds: null,
      failures: 0,
      lastFailure: null,
    };
    await world.put(keys.backupIndex(CLUSTER.name), { ...index, suspicious: { content, comparedWith: 'before', findings: ['less'] } });

    expect(await backupChanges(CLUSTER, world.objects)).toMatchObject({ suspiciousFrom: content.id, held: ['before'] });
  });

  it('holds the backup that is being restored, and one of a revision that is rolled out again', async () => {
    const restore = { id: 'r1', backup: '20260105T060000Z-0123456789ab', reason: 'lost' };
    await world.settings([{ ...DEV, clusters: DEV.clusters.map((entry) => ({ ...entry, restore })) }]);
    await proof(NEW);
    await world.put(keys.newestRollout('dev'), { rolloutId: 'rollout-2', revision: NEW, commit: COMMIT, plannedAt: AT });

    expect(await backupChanges(CLUSTER, world.objects)).toMatchObject({ held: [restore.backup], open: [NEW] });
  });

  it('says that a rollout that is not proven has not ended, and when one that is proven did', async () => {
    await rollout(NEW);
    expect(await backupChanges(CLUSTER, world.objects)).toEqual({ holdDays: 3, open: [NEW], ended: {}, suspicious: [], held: [] });

    await proof(NEW);

    expect(await backupChanges(CLUSTER, world.objects)).toEqual({ holdDays: 3, open: [], ended: { [NEW]: AT }, suspicious: [], held: [] });
  });

  it('has the update that is under way, or was left half-way, beside the rollout', async () => {
    await rollout(NEW);
    await proof(NEW);
    const updating = { execution: 'update-1', revision: OLD, settingsHash: '5'.repeat(64), renderHash: '6'.repeat(64), since: AT };
    const versions = { kubernetes: '1.35.4', etcd: '3.6.16', osImage: 'ami-1' };
    await world.record(DEV.clusters[0] ?? never(), 'dev', NEW, { updating: { ...updating, versions } });

    expect(await backupChanges(CLUSTER, world.objects)).toMatchObject({ open: [OLD], ended: { [NEW]: AT } });
  });

  it('has none where there never was a rollout', async () => {
    expect(await backupChanges(CLUSTER, world.objects)).toEqual({ holdDays: 3, open: [], ended: {}, suspicious: [], held: [] });
  });

  it.each([
    ['the settings are not known', () => world.objects.remove(keys.newestSettings())],
    ['the channel is gone', () => world.settings([{ ...DEV, channel: 'other' }])],
    ['the rollout can not be read', () => world.put(keys.newestRollout('dev'), { rolloutId: 1 })],
    ['the record can not be read', () => world.put(keys.cluster(CLUSTER.name), { revision: 1 })],
    ['the proof can not be read', async () => [await rollout(NEW), await world.put(keys.channelProof('dev', NEW), { channel: 1 })]],
  ])('says that it does not know when %s', async (_, harm) => {
    await harm();

    expect(await backupChanges(CLUSTER, world.objects)).toBeNull();
  });

  it('is asked again when the store does not answer', async () => {
    world.objects.beforeEach = () => {
      throw new TransientError('no answer');
    };

    await expect(backupChanges(CLUSTER, world.objects)).rejects.toThrow(TransientError);
  });
});

function never(): never {
  throw new Error('the channel has a cluster');
}
