import { beforeEach, describe, expect, test } from 'vitest';
import { keys } from '#domain/names.ts';
import { beginDeletion } from '../../../functions/control/begin-deletion.ts';
import { canMove } from '../../../functions/control/can-move.ts';
import { lock } from '../../../functions/control/lock.ts';
import { type ControlWorld, createControlWorld, NEW, putFleet, refOf, runStep } from '../../support/control-world.ts';
import { channelFile } from '../../support/fleet.ts';

const cluster = refOf(channelFile('dev', 1), 0);
let world: ControlWorld;
let input: Record<string, unknown>;
beforeEach(async () => {
  world = createControlWorld();
  await putFleet(world);
  input = { cluster, purpose: 'decommission', lock: await runStep(lock, { cluster }, world, 'delete-a') };
});

describe('begin-deletion', () => {
  test('asks for a backup first, and once that is there notes what has begun', async () => {
    const first = await runStep(beginDeletion, input, world, 'delete-a');
    const before = world.read(keys.cluster(cluster.name));

    const second = await runStep(beginDeletion, { ...input, backup: { id: 'b-1' } }, world, 'delete-a');

    expect([first, second]).toEqual([{ backupNeeded: true }, { backupNeeded: false }]);
    expect(before).not.toHaveProperty('deleting');
    expect(world.read(keys.cluster(cluster.name))).toMatchObject({ deleting: { execution: 'delete-a', backup: 'b-1' } });
  });

  test('needs no second backup to go on, and keeps who began', async () => {
    await runStep(beginDeletion, { ...input, backup: { id: 'b-1' } }, world, 'delete-a');
    world.objects.advance(3601);
    const next = { ...input, lock: await runStep(lock, { cluster }, world, 'delete-b') };

    expect(await runStep(beginDeletion, next, world, 'delete-b')).toEqual({ backupNeeded: false });
    expect(world.read(keys.cluster(cluster.name))).toMatchObject({ deleting: { execution: 'delete-a' } });
  });

  test.each([
    ['an e2e cluster', 'e2e', undefined],
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

    expect(await runStep(beginDeletion, { ...input, purpose }, world, 'delete-a')).toEqual({ backupNeeded: false });
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
