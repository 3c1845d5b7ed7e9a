import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { keys } from '#domain/names.ts';
import type { CheckRef } from '#model/checks.ts';
import { CancelledError, InputError, LockHeldError, StackFailedError, TransientError } from '#model/errors.ts';
import { advanced, waiting } from '#model/progress.ts';
import { defineStep } from '#ports/step.ts';
import { CLEAN_UP, createHubHandler, type HubPorts } from '#runtime/hub.ts';
import { createFakeChecks, type FakeChecks } from '../../support/fakes/checks.ts';
import { createFakeClock } from '../../support/fakes/clock.ts';
import { createFakeObjects, type FakeObjects } from '../../support/fakes/objects.ts';
import { readSteps } from '../../support/state-machines/steps.ts';

const CHECK: CheckRef = { repository: { owner: 'acme', name: 'fleet' }, sha: 'a'.repeat(40), name: 'sluice / rollout' };
const CALL = {
  step: 'work',
  machine: 'rollout',
  state: 'work--first',
  execution: 'update-1',
  startedAt: '2026-01-05T08:00:00Z',
  input: { progress: CHECK, cluster: { name: 'dev-1' } },
};

let objects: FakeObjects;
let checks: FakeChecks;
let ports: HubPorts;
let runs: number;
let act: () => unknown;
let logged: Record<string, unknown>[];
beforeEach(async () => {
  objects = createFakeObjects();
  const clock = createFakeClock();
  checks = createFakeChecks(objects, clock);
  ports = {
    objects,
    checks,
    clock,
    pause: async (seconds) => clock.advance(seconds),
  };
  runs = 0;
  act = () => advanced('done at once');
  logged = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    logged.push(JSON.parse(String(text)) as Record<string, unknown>);
    return true;
  });
  await checks.want({ ref: CHECK, status: 'in_progress', title: 'Rolling out', summary: '', execution: 'rollout-1' });
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** The step of a state: its name up to the qualifier. */
function stepOf(state: string): string {
  return state.replace(/--.*$/, '');
}

function stepNamed(name: string) {
  return defineStep({
    name,
    input: z.object({}),
    output: z.unknown(),
    async run() {
      runs += 1;
      return act();
    },
  });
}

function handle(call: unknown = CALL, connect: () => Promise<HubPorts> = async () => ports): Promise<unknown> {
  return createHubHandler(['work', 'lock', ...new Set([...CLEAN_UP].map(stepOf))].map(stepNamed), connect)(call);
}

async function lines() {
  return (await checks.wanted(CHECK))?.progress;
}

async function cancel(execution: string): Promise<void> {
  const marker = { execution, reason: 'a newer head', by: 'pr-2', at: '2026-01-05T08:00:00.000Z' };
  await objects.put(keys.cancel(execution), JSON.stringify(marker));
}

describe('progress of the check', () => {
  it('tells what is done, by cluster and state', async () => {
    expect(await handle()).toEqual(advanced('done at once'));

    expect(await lines()).toEqual([
      {
        execution: 'update-1',
        machine: 'rollout',
        step: 'work--first',
        cluster: 'dev-1',
        state: 'done',
        reason: 'done at once',
        at: '2026-01-05T08:00:00.000Z',
      },
    ]);
    expect(logged.at(-1)).toMatchObject({ level: 'info', execution: 'update-1', state: 'work--first', done: true });
  });

  it('tells that it runs before the step begins', async () => {
    let during: Awaited<ReturnType<typeof lines>>;
    act = async () => {
      during = await lines();
      return {};
    };

    await handle();

    expect(during).toMatchObject([{ state: 'running' }]);
    expect(await lines()).toMatchObject([{ state: 'done' }]);
  });

  it('tells what a step waits for', async () => {
    act = () => waiting(10, 'stack is CREATE_IN_PROGRESS');

    await handle();

    expect(await lines()).toMatchObject([{ state: 'waiting', reason: 'stack is CREATE_IN_PROGRESS' }]);
  });

  it("tells a failure and throws the step's own error", async () => {
    act = () => {
      throw new StackFailedError('no subnet');
    };

    await expect(handle()).rejects.toMatchObject({ name: 'StackFailedError', message: 'no subnet' });

    expect(await lines()).toMatchObject([{ state: 'failed', reason: 'StackFailedError: no subnet' }]);
    expect(logged.at(-1)).toMatchObject({ level: 'error', reason: 'StackFailedError: no subnet' });
  });

  it("lets no lost progress line hide the step's own error", async () => {
    act = () => {
      objects.beforeEach = () => {
        throw new TransientError('S3 answered 503');
      };
      throw new StackFailedError('no subnet');
    };

    await expect(handle()).rejects.toThrow(StackFailedError);
  });

  it('needs no check and no cluster', async () => {
    await handle({ ...CALL, input: {} });
    await handle({ ...CALL, input: { progress: null, cluster: null } });
    await handle({ ...CALL, input: { progress: CHECK } });

    expect(runs).toBe(3);
    expect(await lines()).toMatchObject([{ state: 'done' }]);
    expect((await lines())?.[0]?.cluster).toBeUndefined();
  });
});

describe('a step that waits for what mostly comes soon', () => {
  const LOOKING = { ...CALL, step: 'await-nodes', state: 'await-nodes' };
  const handleLooking = () => createHubHandler([stepNamed('await-nodes')], async () => ports)(LOOKING);

  it('looks again within the call, and tells each reason once', async () => {
    const told: unknown[] = [];
    ports = { ...ports, pause: async () => void told.push(...((await lines()) ?? []).map(({ reason }) => reason)) };
    const answers = [waiting(2, 'two nodes'), waiting(2, 'two nodes'), waiting(2, 'one node'), advanced('all Ready')];
    act = () => answers.shift();

    expect(await handleLooking()).toEqual(advanced('all Ready'));

    expect(told).toEqual(['two nodes', 'two nodes', 'one node']);
    expect(await lines()).toMatchObject([{ state: 'done', reason: 'all Ready' }]);
  });

  it('gives the wait to the state machine when its patience is over', async () => {
    act = () => waiting(4, 'one node');

    expect(await handleLooking()).toEqual(waiting(4, 'one node'));

    expect(runs).toBe(12);
    expect(await lines()).toMatchObject([{ state: 'waiting', reason: 'one node' }]);
  });

  it('ends at the next look when it is cancelled meanwhile', async () => {
    ports = { ...ports, pause: () => cancel('update-1') };
    act = () => waiting(4, 'one node');

    await expect(handleLooking()).rejects.toThrow(CancelledError);

    expect(runs).toBe(1);
  });
});

describe('a cancelled execution', () => {
  it('begins no more work and says who cancelled it', async () => {
    await cancel('update-1');

    await expect(handle()).rejects.toThrow(CancelledError);
    await expect(handle()).rejects.toMatchObject({ name: 'CancelledError', message: 'cancelled by pr-2: a newer head' });
    expect(runs).toBe(0);
    expect(await lines()).toMatchObject([{ state: 'failed', reason: 'CancelledError: cancelled by pr-2: a newer head' }]);
  });

  it.each([...CLEAN_UP])('still cleans up by %s', async (state) => {
    await cancel('update-1');

    await handle({ ...CALL, step: stepOf(state), state });

    expect(runs).toBe(1);
  });

  it('takes with it what it started, which names it as its root', async () => {
    await cancel('pr-7-a');

    await expect(handle({ ...CALL, input: { ...CALL.input, root: 'pr-7-a' } })).rejects.toThrow(CancelledError);
    await handle({ ...CALL, input: { ...CALL.input, root: 'pr-7-b' } });
    await handle({ ...CALL, input: { ...CALL.input, root: null } });

    expect(runs).toBe(2);
  });

  it('points to its successor', async () => {
    const marker = { execution: 'update-1', reason: 'superseded by abc, checked by pr-7-b', by: 'pr-7-b', at: '2026-01-05T08:00:00Z' };
    await objects.put(keys.cancel('update-1'), JSON.stringify(marker));

    await expect(handle()).rejects.toMatchObject({ message: marker.reason });
  });

  it('is no other execution', async () => {
    await cancel('update-2');

    await handle();

    expect(runs).toBe(1);
  });

  it('begins no work when the marker can’t be read', async () => {
    objects.beforeEach = (_, key) => {
      if (key.startsWith('control/')) throw new TransientError('S3 answered 503');
    };

    await expect(handle()).rejects.toThrow(TransientError);
    expect(runs).toBe(0);
  });
});

describe('a machine that changes a cluster', () => {
  const UPDATE = { ...CALL, machine: 'update-cluster' };

  async function lockBy(holder: string, minutes: number): Promise<void> {
    const expiresAt = new Date(ports.clock.now().getTime() + minutes * 60_000).toISOString();
    await objects.put(keys.lock('dev-1'), JSON.stringify({ subject: 'dev-1', fence: 3, holder, expiresAt }));
  }

  it('works under its own lock and leaves a long lease alone', async () => {
    await lockBy('update-1', 60);
    const before = objects.contents()[keys.lock('dev-1')];

    await handle(UPDATE);

    expect(runs).toBe(1);
    expect(objects.contents()[keys.lock('dev-1')]).toBe(before);
  });

  it('renews a lease that runs out soon', async () => {
    await lockBy('update-1', 10);

    await handle(UPDATE);

    expect(JSON.parse(objects.contents()[keys.lock('dev-1')] ?? '')).toMatchObject({ fence: 3, expiresAt: '2026-01-05T09:00:00.000Z' });
  });

  it.each([
    ['another holds', () => lockBy('update-2', 60)],
    ['nobody took', async () => undefined],
  ])('stops when it is a lock that %s', async (_, put) => {
    await put();

    await expect(handle(UPDATE)).rejects.toThrow(LockHeldError);
    expect(runs).toBe(0);
  });

  it('stops when its lock was given to it anew, as to one that came back', async () => {
    await lockBy('update-1', 60);

    await expect(handle({ ...UPDATE, input: { ...UPDATE.input, lock: { fence: 2 } } })).rejects.toThrow(LockHeldError);
    await handle({ ...UPDATE, input: { ...UPDATE.input, lock: { fence: 3 } } });

    expect(runs).toBe(1);
  });

  it('has its lease kept by the backup that it waits for, which stops when the lock is lost', async () => {
    const backup = { ...UPDATE, machine: 'backup-etcd', execution: 'b-update-1' };
    await lockBy('update-1', 10);

    await handle(backup);
    const kept = objects.contents()[keys.lock('dev-1')];
    await lockBy('update-2', 60);

    expect(JSON.parse(kept ?? '')).toMatchObject({ holder: 'update-1', expiresAt: '2026-01-05T09:00:00.000Z' });
    await expect(handle(backup)).rejects.toThrow(LockHeldError);
    await handle({ ...backup, execution: 'backup-dev-1-by-hand' });
    expect(runs).toBe(2);
  });

  it.each(['lock', ...CLEAN_UP])('needs no lock for %s', async (state) => {
    await handle({ ...UPDATE, step: stepOf(state), state });

    expect(runs).toBe(1);
  });
});

describe('the hub handler', () => {
  it('refuses what is no call and an unknown step', async () => {
    await expect(handle({ step: 'work' })).rejects.toThrow(InputError);
    await expect(handle({ ...CALL, step: 'triple' })).rejects.toThrow('there is no step triple here');
    expect(runs).toBe(0);
  });

  it('connects once, and again after a failure', async () => {
    let connections = 0;
    const connect = async (): Promise<HubPorts> => {
      connections += 1;
      if (connections === 1) throw new TransientError('Secrets Manager answered 503');
      return ports;
    };
    const handler = createHubHandler([stepNamed('work')], connect);

    await expect(handler(CALL)).rejects.toThrow(TransientError);
    await handler(CALL);
    await handler(CALL);

    expect([connections, runs]).toEqual([2, 2]);
  });

  it('names steps that are there as those that clean up', async () => {
    const names = new Set((await readSteps()).map(({ name }) => name));

    expect([...CLEAN_UP].filter((name) => !names.has(stepOf(name)))).toEqual([]);
    expect(CLEAN_UP.size).toBeGreaterThan(0);
  });
});
