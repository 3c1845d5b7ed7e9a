import { beforeEach, describe, expect, test } from 'vitest';
import { keys } from '#domain/names.ts';
import { renewLock } from '#facts/lock.ts';
import { lock } from '../../../functions/control/lock.ts';
import { unlock } from '../../../functions/control/unlock.ts';
import { type ControlWorld, createControlWorld, refOf, runStep } from '../../support/control-world.ts';
import { channelFile } from '../../support/fleet.ts';

const cluster = refOf(channelFile('dev', 1), 0);
let world: ControlWorld;
beforeEach(() => {
  world = createControlWorld();
});

describe('lock', () => {
  test('is taken for an hour by the clock of the store', async () => {
    const held = await runStep(lock, { cluster }, world, 'update-a');

    expect(held).toEqual({ fence: 1, expiresAt: '2026-01-05T09:00:00.000Z' });
  });

  test('the same execution again renews and keeps its fencing number', async () => {
    await runStep(lock, { cluster }, world, 'update-a');
    world.objects.advance(600);

    const again = await runStep(lock, { cluster }, world, 'update-a');

    expect(again).toEqual({ fence: 1, expiresAt: '2026-01-05T09:10:00.000Z' });
  });

  test('another execution is told who holds it and until when', async () => {
    await runStep(lock, { cluster }, world, 'update-a');

    const refused = runStep(lock, { cluster }, world, 'update-b');

    await expect(refused).rejects.toMatchObject({
      name: 'LockHeldError',
      message: 'dev-1 is being changed by update-a, whose lease runs until 2026-01-05T09:00:00.000Z',
    });
  });

  test.each([
    ['update-cluster', 'ABORTED'],
    ['delete-cluster', 'FAILED'],
    ['release-cluster', 'TIMED_OUT'],
  ] as const)('a lock that a %s left behind when it %s is taken at once, with a greater number', async (machine, status) => {
    await runStep(lock, { cluster }, world, 'update-a');
    world.executions.set(machine, 'update-a', { status });

    expect(await runStep(lock, { cluster }, world, 'update-b')).toMatchObject({ fence: 2 });
    await expect(renewLock(world.objects, 'dev-1', 'update-a')).rejects.toMatchObject({ name: 'LockHeldError' });
  });

  test('a call that comes after the end of its own execution keeps no lock', async () => {
    world.executions.set('update-cluster', 'update-a', { status: 'FAILED' });

    await expect(runStep(lock, { cluster }, world, 'update-a')).rejects.toMatchObject({ name: 'CancelledError' });

    expect(await runStep(lock, { cluster }, world, 'update-b')).toMatchObject({ fence: 2 });
  });

  test('a lock of an execution that runs is left to it', async () => {
    await runStep(lock, { cluster }, world, 'update-a');
    world.executions.set('update-cluster', 'update-a', { status: 'RUNNING' });

    await expect(runStep(lock, { cluster }, world, 'update-b')).rejects.toMatchObject({ name: 'LockHeldError' });
  });

  test('a lease that ran out goes to the next with a greater fencing number, and the first can renew no more', async () => {
    await runStep(lock, { cluster }, world, 'update-a');
    world.objects.advance(3600);

    const next = await runStep(lock, { cluster }, world, 'update-b');

    expect(next.fence).toBe(2);
    await expect(renewLock(world.objects, 'dev-1', 'update-a')).rejects.toMatchObject({ name: 'LockHeldError' });
    await expect(renewLock(world.objects, 'dev-1', 'update-b')).resolves.toMatchObject({ fence: 2 });
  });

  test('whoever writes first wins a race, and the other sees it', async () => {
    let raced = false;
    world.objects.beforeEach = async (operation) => {
      if (operation !== 'putIfAbsent' || raced) return;
      raced = true;
      await runStep(lock, { cluster }, world, 'update-b');
    };

    const late = runStep(lock, { cluster }, world, 'update-a');

    await expect(late).rejects.toMatchObject({ name: 'LockHeldError', message: expect.stringContaining('update-b') });
    expect(world.read(keys.lock('dev-1'))).toMatchObject({ holder: 'update-b', fence: 1 });
  });

  test('a lock of another shape is an error, not a free lock', async () => {
    await world.put(keys.lock('dev-1'), { holder: 7 });

    await expect(runStep(lock, { cluster }, world)).rejects.toMatchObject({ name: 'InputError' });
  });
});

describe('unlock', () => {
  test('marks the lock free and keeps its number; repeated, nothing is left to free', async () => {
    await runStep(lock, { cluster }, world, 'update-a');

    expect(await runStep(unlock, { cluster }, world, 'update-a')).toEqual({ released: true });
    expect(await runStep(unlock, { cluster }, world, 'update-a')).toEqual({ released: false });
    expect(world.read(keys.lock('dev-1'))).toMatchObject({ holder: null, fence: 1 });
    expect(await runStep(lock, { cluster }, world, 'update-b')).toMatchObject({ fence: 2 });
  });

  test("leaves another's lock alone", async () => {
    await runStep(lock, { cluster }, world, 'update-a');

    expect(await runStep(unlock, { cluster }, world, 'update-b')).toEqual({ released: false });
    expect(world.read(keys.lock('dev-1'))).toMatchObject({ holder: 'update-a' });
  });
});
