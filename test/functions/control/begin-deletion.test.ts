import { beforeEach, describe, expect, test } from 'vitest';
import { keys } from '#domain/names.ts';
import type { ClusterRecord } from '#model/records.ts';
import { beginDeletion } from '../../../functions/control/begin-deletion.ts';
import { canMove } from '../../../functions/control/can-move.ts';
import { lock } from '../../../functions/control/lock.ts';
import { unlock } from '../../../functions/control/unlock.ts';
import { AT, type ControlWorld, createControlWorld, NEW, putFleet, refOf, runStep, SETTINGS_COMMIT } from '../../support/control-world.ts';
import { channelFile } from '../../support/fleet.ts';

const cluster = refOf(channelFile('dev', 1), 0);
let world: ControlWorld;
let input: Record<string, unknown>;
beforeEach(async () => {
  world = createControlWorld();
  await putFleet(world);
  await world.put(keys.newestSettings(), { commit: SETTINGS_COMMIT, seenAt: AT });
  input = { cluster, purpose: 'decommission', lock: await runStep(lock, { cluster }, world, 'delete-a') };
});

describe('begin-deletion', () => {
  test('asks for a backup first, and once that is there notes what has begun', async () => {
    const first = await runStep(beginDeletion, input, world, 'delete-a');
    const before = world.read(keys.cluster(cluster.name));

    const second = await runStep(beginDeletion, { ...input, backup: { id: 'b-1' } }, world, 'delete-a');

    expect([first, second]).toMatchObject([{ backupNeeded: true }, { backupNeeded: false, reason: 'its last backup is b-1' }]);
    expect(before).not.toHaveProperty('deleting');
    expect(world.read(keys.cluster(cluster.name))).toMatchObject({ deleting: { execution: 'delete-a', backup: 'b-1' } });
  });

  test('needs no second backup to go on, and keeps who began', async () => {
    await runStep(beginDeletion, { ...input, backup: { id: 'b-1' } }, world, 'delete-a');
    world.objects.advance(3601);
    const next = { ...input, lock: await runStep(lock, { cluster }, world, 'delete-b') };

    expect(await runStep(beginDeletion, next, world, 'delete-b')).toMatchObject({ backupNeeded: false });
    expect(world.read(keys.cluster(cluster.name))).toMatchObject({ deleting: { execution: 'delete-a' } });
  });

  test.each([
    ['a cluster that was never whole', 'decommission', { creating: true }],
    ['a cluster that is deleted', 'decommission', { deleted: true }],
  ])('needs none for %s', async (_, purpose, stored) => {
    const updating = {
      execution: 'u',
      revision: NEW,
      settingsHash: 'a'.repeat(64),
      renderHash: 'a'.repeat(64),
      since: '2026-01-05T07:00:00Z',
    };
    const versions = { kubernetes: '1.35.4', etcd: '3.6.16', osImage: 'ami-1' };
    if (stored !== undefined && 'creating' in stored)
      await world.put(keys.cluster(cluster.name), { creating: true, cluster, updating: { ...updating, versions } });
    if (stored !== undefined && 'deleted' in stored)
      await world.put(keys.cluster(cluster.name), {
        deleted: true,
        name: cluster.name,
        revision: null,
        execution: 'd',
        deletedAt: '2026-01-05T07:00:00Z',
      });

    expect(await runStep(beginDeletion, { ...input, purpose }, world, 'delete-a')).toMatchObject({ backupNeeded: false });
  });

  test('keeps updates away from what is being deleted', async () => {
    await runStep(beginDeletion, { ...input, backup: { id: 'b-1' } }, world, 'delete-a');
    const render = { hash: 'a'.repeat(64), versions: { kubernetes: '1.35.4', etcd: '3.6.16', osImage: 'ami-1' } };

    await expect(runStep(canMove, { cluster, revision: NEW, render }, world)).rejects.toThrow(
      'the deletion of dev-1 has begun (delete-a), so nothing is brought to it',
    );
  });

  test('writes nothing once another execution has the lock', async () => {
    world.objects.advance(3601);
    await runStep(lock, { cluster }, world, 'update-b');

    const late = runStep(beginDeletion, { ...input, backup: { id: 'b-1' } }, world, 'delete-a');

    await expect(late).rejects.toMatchObject({ name: 'LockHeldError' });
    expect(world.read(keys.cluster(cluster.name))).not.toHaveProperty('deleting');
  });
});

describe('a deletion that says of itself that it is of an e2e cluster', () => {
  const e2e = { ...cluster, name: 'e2e-0123456789ab', environment: 'e2e', channel: 'e2e' } as const;
  const recordOf = (ref: typeof cluster) => ({
    ...(world.read(keys.cluster(cluster.name)) as ClusterRecord),
    cluster: ref,
  });
  const begin = async (ref: typeof cluster, purpose = 'e2e') => {
    const held = await runStep(lock, { cluster: ref }, world, 'delete-e');
    return runStep(beginDeletion, { cluster: ref, purpose, lock: held }, world, 'delete-e');
  };

  test('needs no backup when its record says so and no channel file names it', async () => {
    await world.put(keys.cluster(e2e.name), recordOf(e2e));

    expect(await begin(e2e)).toEqual({ backupNeeded: false, reason: 'it is an e2e cluster' });
    expect(world.read(keys.cluster(e2e.name))).toMatchObject({ deleting: { backup: null, why: 'it is an e2e cluster' } });
  });

  test('needs one all the same when it is of a cluster that lives', async () => {
    await runStep(unlock, { cluster }, world, 'delete-a');

    expect(await begin(cluster)).toMatchObject({ backupNeeded: true });
    expect(world.read(keys.cluster(cluster.name))).not.toHaveProperty('deleting');
  });

  test('needs one when a channel file names the cluster, whatever its record says', async () => {
    const named = { ...cluster, environment: 'e2e' } as const;
    await runStep(unlock, { cluster }, world, 'delete-a');
    await world.put(keys.cluster(cluster.name), recordOf(named));

    expect(await begin(named)).toMatchObject({ backupNeeded: true });
  });

  test('needs one when it is no deletion of e2e', async () => {
    await world.put(keys.cluster(e2e.name), recordOf(e2e));

    expect(await begin(e2e, 'decommission')).toMatchObject({ backupNeeded: true });
  });

  test.each([
    ['calls it an e2e cluster', { environment: 'e2e' as const }],
    ['names another account', { account: '200000000077' }],
    ['names another region', { region: 'eu-west-1' }],
  ])('is refused when its input %s', async (_, change) => {
    await runStep(unlock, { cluster }, world, 'delete-a');

    const begun = begin({ ...cluster, ...change });

    await expect(begun).rejects.toMatchObject({ name: 'InputError', message: expect.stringContaining('its record says') });
    expect(world.read(keys.cluster(cluster.name))).not.toHaveProperty('deleting');
  });

  test('deletes nothing while the settings can not be read', async () => {
    await world.put(keys.cluster(e2e.name), recordOf(e2e));
    await world.objects.put(keys.newestSettings(), '{');

    await expect(begin(e2e)).rejects.toMatchObject({ name: 'InputError' });
  });

  test('needs one when its record is lost and a channel file names it', async () => {
    await runStep(unlock, { cluster }, world, 'delete-a');
    const { name: _, ...rest } = cluster;

    expect(await begin({ ...rest, name: 'alpha-9' }, 'decommission')).toEqual({ backupNeeded: false, reason: 'nothing is recorded of it' });
    const file = channelFile('dev', 2);
    await world.settings([file]);
    expect(await begin(refOf(file, 1), 'decommission')).toMatchObject({ backupNeeded: true });
  });
});

describe('a deletion of a cluster whose etcd is gone', () => {
  const file = channelFile('dev', 1);
  const state = (name: 'ready' | 'decommission') => file.clusters.map((entry) => ({ ...entry, state: name }));
  const lost = (over: object = {}) => [
    { cluster: cluster.name, owner: 'ann', reason: 'both zones burnt', until: '2026-02-01T00:00:00Z', ...over },
  ];
  const settings = (clusters: ReturnType<typeof state>, statements: ReturnType<typeof lost>) =>
    world.settings([{ ...file, clusters, backup: { ...file.backup, lost: statements } }]);

  test('needs no backup once that is merged, and its record says who said so', async () => {
    await settings(state('decommission'), lost());

    const { backupNeeded, reason } = await runStep(beginDeletion, input, world, 'delete-a');

    expect([backupNeeded, reason]).toEqual([false, 'its etcd is gone for good, says ann: both zones burnt']);
    expect(world.read(keys.cluster(cluster.name))).toMatchObject({ deleting: { execution: 'delete-a', backup: null, why: reason } });
  });

  test.each([
    ['of another cluster', state('decommission'), lost({ cluster: 'dev-2' })],
    ['that has ended', state('decommission'), lost({ until: '2026-01-05T08:00:00Z' })],
    ['of a cluster that is to live', state('ready'), lost()],
    ['that nobody made', state('decommission'), []],
  ])('needs one by a statement %s', async (_, clusters, statements) => {
    await settings(clusters, statements as ReturnType<typeof lost>);

    expect(await runStep(beginDeletion, input, world, 'delete-a')).toMatchObject({ backupNeeded: true });
  });
});
