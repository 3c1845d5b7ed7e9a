import { beforeEach, describe, expect, test } from 'vitest';
import { keys } from '#domain/names.ts';
import { beginUpdate } from '../../../functions/control/begin-update.ts';
import { claimSlot } from '../../../functions/control/claim-slot.ts';
import { callOfEvent } from '../../../functions/control/event-call.ts';
import { lock } from '../../../functions/control/lock.ts';
import { onExecutionEnded } from '../../../functions/control/on-execution-ended.ts';
import {
  COMMIT,
  type ControlWorld,
  createControlWorld,
  NEW,
  OLD,
  putFleet,
  REPOSITORY,
  refOf,
  runStep,
  SETTINGS_COMMIT,
} from '../../support/control-world.ts';
import { channelFile } from '../../support/fleet.ts';

const cluster = refOf(channelFile('dev', 1), 0);
const e2eCheck = { repository: REPOSITORY, sha: COMMIT, name: 'sluice / e2e' };
const e2eInput = {
  readPullRequest: { number: 7, channel: 'dev', e2eCheck },
  snapshotConfiguration: { baseRevision: OLD, headRevision: NEW, headSettingsCommit: SETTINGS_COMMIT },
};
let world: ControlWorld;
beforeEach(async () => {
  world = createControlWorld();
  await putFleet(world);
});

function event(machine: string, name: string, status: 'FAILED' | 'TIMED_OUT' | 'ABORTED'): { detail: object } {
  return { detail: { stateMachineArn: `arn:aws:states:eu-central-1:1:stateMachine:sluice-${machine}`, name, status } };
}

describe('an update that was stopped from outside', () => {
  beforeEach(async () => {
    await runStep(lock, { cluster }, world, 'update-a');
    world.executions.set('update-cluster', 'update-a', { status: 'ABORTED', input: JSON.stringify({ cluster }) });
  });

  test('leaves no lock; told twice, nothing is left to do', async () => {
    const first = await runStep(onExecutionEnded, event('update-cluster', 'update-a', 'ABORTED'), world);
    const second = await runStep(onExecutionEnded, event('update-cluster', 'update-a', 'ABORTED'), world);

    expect(first).toEqual({ machine: 'update-cluster', did: ['freed the lock of dev-1'] });
    expect(second.did).toEqual([]);
    expect(world.read(keys.lock('dev-1'))).toMatchObject({ holder: null });
  });

  test('leaves the lock of the next alone', async () => {
    world.objects.advance(3600);
    await runStep(lock, { cluster }, world, 'update-b');

    expect((await runStep(onExecutionEnded, event('update-cluster', 'update-a', 'ABORTED'), world)).did).toEqual([]);
    expect(world.read(keys.lock('dev-1'))).toMatchObject({ holder: 'update-b' });
  });

  test('an event is only a hint: an execution that runs is left alone', async () => {
    world.executions.set('update-cluster', 'update-a', { status: 'RUNNING', input: JSON.stringify({ cluster }) });

    expect((await runStep(onExecutionEnded, event('update-cluster', 'update-a', 'FAILED'), world)).did).toEqual([]);
    expect(world.read(keys.lock('dev-1'))).toMatchObject({ holder: 'update-a' });
  });
});

describe('an update that was stopped after it had begun to change the cluster', () => {
  const versions = { kubernetes: '1.36.3', etcd: '3.6.16', osImage: 'ami-1' };
  const render = { hash: 'd'.repeat(64), versions };
  beforeEach(async () => {
    const held = await runStep(lock, { cluster }, world, 'update-a');
    await runStep(beginUpdate, { cluster, revision: NEW, render, lock: held, checkMove: { reachable: true } }, world, 'update-a');
    world.executions.set('update-cluster', 'update-a', { status: 'ABORTED', input: JSON.stringify({ cluster }) });
  });

  test('has its nodes released under its lock, which is handed on with a greater number', async () => {
    const first = await runStep(onExecutionEnded, event('update-cluster', 'update-a', 'ABORTED'), world);
    const second = await runStep(onExecutionEnded, event('update-cluster', 'update-a', 'ABORTED'), world);

    expect([first.did, second.did]).toEqual([['started the release of dev-1'], []]);
    expect(world.executions.started).toEqual([
      {
        machine: 'release-cluster',
        name: expect.stringMatching(/^release-dev-1-/),
        input: { cluster, render: { hash: render.hash }, progress: null },
      },
    ]);
    expect(world.read(keys.lock('dev-1'))).toMatchObject({ holder: world.executions.started[0]?.name, fence: 2 });
  });

  test('a crash between start and hand-over starts no second release', async () => {
    world.objects.beforeEach = (operation) => {
      if (operation === 'putIfMatch') throw new Error('crash');
    };
    await expect(runStep(onExecutionEnded, event('update-cluster', 'update-a', 'ABORTED'), world)).rejects.toThrow('crash');
    world.objects.beforeEach = undefined;

    await runStep(onExecutionEnded, event('update-cluster', 'update-a', 'ABORTED'), world);

    expect(world.executions.started).toHaveLength(1);
    expect(world.read(keys.lock('dev-1'))).toMatchObject({ holder: world.executions.started[0]?.name });
  });

  test('a release that has ended gets no lock that it would never free', async () => {
    await runStep(onExecutionEnded, event('update-cluster', 'update-a', 'ABORTED'), world);
    const name = world.executions.started[0]?.name ?? '';
    world.executions.set('release-cluster', name, { status: 'FAILED', input: JSON.stringify({ cluster }) });
    await world.put(keys.lock('dev-1'), { ...Object(world.read(keys.lock('dev-1'))), holder: 'update-a' });

    const late = await runStep(onExecutionEnded, event('update-cluster', 'update-a', 'ABORTED'), world);

    expect(late.did).toEqual(['freed the lock of dev-1']);
  });

  test('a release that ended badly leaves no lock', async () => {
    await runStep(onExecutionEnded, event('update-cluster', 'update-a', 'ABORTED'), world);
    const name = world.executions.started[0]?.name ?? '';
    world.executions.set('release-cluster', name, { status: 'TIMED_OUT', input: JSON.stringify({ cluster }) });

    const ended = await runStep(onExecutionEnded, event('release-cluster', name, 'TIMED_OUT'), world);

    expect(ended.did).toEqual(['freed the lock of dev-1']);
    expect(world.executions.started).toHaveLength(1);
  });
});

describe('an e2e run that timed out', () => {
  test('has its cluster deleted, its account kept until then, and its check ended', async () => {
    const claim = await runStep(claimSlot, e2eInput, world, 'e2e-7');
    world.executions.set('e2e', 'e2e-7', { status: 'TIMED_OUT', input: JSON.stringify(e2eInput) });

    const first = await runStep(onExecutionEnded, event('e2e', 'e2e-7', 'TIMED_OUT'), world);
    const second = await runStep(onExecutionEnded, event('e2e', 'e2e-7', 'TIMED_OUT'), world);

    expect(first.did).toEqual([`started the deletion of ${claim.cluster?.name}`, 'ended the check sluice / e2e']);
    expect(second.did).toEqual([]);
    expect(world.executions.started).toHaveLength(1);
    expect(world.executions.started[0]).toMatchObject({ machine: 'delete-cluster', input: { cluster: claim.cluster, purpose: 'e2e' } });
    expect(world.read(keys.lock('e2e-200000000091'))).toMatchObject({ holder: world.executions.started[0]?.name, fence: 2 });
    expect(await world.checks.wanted(e2eCheck)).toMatchObject({
      status: 'completed',
      conclusion: 'timed_out',
      title: 'e2e ran past its time limit',
    });
  });

  test('a crash between start and hand-over starts no second deletion', async () => {
    await runStep(claimSlot, e2eInput, world, 'e2e-7');
    world.executions.set('e2e', 'e2e-7', { status: 'ABORTED', input: JSON.stringify(e2eInput) });
    world.objects.beforeEach = (operation) => {
      if (operation === 'putIfMatch') throw new Error('crash');
    };
    await expect(runStep(onExecutionEnded, event('e2e', 'e2e-7', 'ABORTED'), world)).rejects.toThrow('crash');
    world.objects.beforeEach = undefined;

    await runStep(onExecutionEnded, event('e2e', 'e2e-7', 'ABORTED'), world);

    expect(world.executions.started).toHaveLength(1);
    expect(world.read(keys.lock('e2e-200000000091'))).toMatchObject({ holder: world.executions.started[0]?.name });
  });
});

test('a check that its execution ended itself stays as it is, and so does one of a newer attempt', async () => {
  const ref = { repository: REPOSITORY, sha: COMMIT, name: 'sluice' };
  world.executions.set('pull-request', 'pr-7', { status: 'FAILED', input: '{}' });
  await world.checks.want({ ref, status: 'completed', conclusion: 'failure', title: 'tests failed', summary: '', execution: 'pr-7' });
  await runStep(onExecutionEnded, event('pull-request', 'pr-7', 'FAILED'), world);
  expect(await world.checks.wanted(ref)).toMatchObject({ title: 'tests failed' });
  await world.checks.want({ ref, status: 'in_progress', title: 'again', summary: '', execution: 'pr-8' });

  await runStep(onExecutionEnded, event('pull-request', 'pr-7', 'FAILED'), world);

  expect(await world.checks.wanted(ref)).toMatchObject({ status: 'in_progress', title: 'again' });
});

test('machines that are not ours are none of our business', async () => {
  expect(await runStep(onExecutionEnded, event('billing', 'x', 'FAILED'), world)).toEqual({ machine: null, did: [] });
});

test('an event becomes the call of the step under its own id; a call stays a call', () => {
  const call = { step: 'lock', machine: 'update-cluster' };

  expect(
    callOfEvent({ id: 'event-1', time: '2026-01-05T08:00:00Z', source: 'aws.states', ...event('e2e', 'e2e-7', 'FAILED') }),
  ).toMatchObject({
    step: 'on-execution-ended',
    execution: 'event-1',
    input: { detail: { name: 'e2e-7' } },
  });
  expect(callOfEvent(call)).toBe(call);
});
