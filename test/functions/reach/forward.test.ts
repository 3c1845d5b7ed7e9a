import { describe, expect, it } from 'vitest';
import { clusterSideFunctionOf } from '#domain/reach.ts';
import { InputError, SluiceError } from '#model/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { Reach } from '#ports/reach.ts';
import { parseAnswer } from '../../../functions/reach/answers.ts';
import { forward } from '../../../functions/reach/forward.ts';
import { createFakeObjects, type FakeObjects } from '../../support/fakes/objects.ts';
import { CLUSTER } from '../../support/stacks-world.ts';
import { readSteps } from '../../support/state-machines/steps.ts';

const CALL = {
  step: 'issue-identity',
  machine: 'update-cluster',
  state: 'issue-identity',
  execution: 'update-1',
  startedAt: '2026-01-05T08:00:00Z',
  input: { cluster: CLUSTER, render: { hash: 'a'.repeat(64) } },
  with: { phase: 'system' },
};

const IDENTITY = { created: true, version: 1, expires: '2027-01-05T08:00:00.000Z' };

type Invocation = Parameters<Reach['invoke']>;

function fakeReach(answer: () => unknown = () => IDENTITY): { reach: Reach; invoked: Invocation[]; objects: FakeObjects; clock: Clock } {
  const invoked: Invocation[] = [];
  return {
    invoked,
    objects: createFakeObjects(),
    clock: { now: () => new Date('2026-01-05T08:00:00Z') },
    reach: {
      async invoke(...invocation) {
        invoked.push(invocation);
        return answer();
      },
    },
  };
}

describe('forward', () => {
  it('sends the whole call into the cluster’s account, in the name of the execution', async () => {
    const { invoked, ...ports } = fakeReach();

    const answers = [await forward(CALL, ports, 'identity'), await forward(CALL, ports, 'identity')];

    expect(answers).toEqual([IDENTITY, IDENTITY]);
    expect(invoked).toEqual([
      [CLUSTER, 'identity', CALL, 'update-1'],
      [CLUSTER, 'identity', CALL, 'update-1'],
    ]);
  });

  it('tells what removes backups for which changes they are held, and that it does not know', async () => {
    const result = {
      removed: 0,
      removedBytes: 0,
      kept: 1,
      keptBytes: 9,
      left: 0,
      locked: 0,
      unclear: 0,
      objectLock: true,
      newest: null,
      told: [],
    };
    const { invoked, ...ports } = fakeReach(() => result);

    await forward(
      { ...CALL, step: 'remove-backups', input: { cluster: CLUSTER, changes: { holdDays: 0, open: [], ended: {} } } },
      ports,
      'remover',
    );

    // Nothing of the state's own data: the hub's facts, which are not there.
    expect(invoked[0]?.[2]).toMatchObject({ input: { changes: null } });
  });

  it('takes the e2e cluster from the slot that was claimed and hands it on as the cluster', async () => {
    const { invoked, ...ports } = fakeReach(() => ({
      passed: 1,
      failed: 0,
      durationSeconds: 2,
      failures: [],
      reportKey: 'e2e/a/junit.xml',
    }));
    const input = { claimSlot: { cluster: CLUSTER, slot: 'e2e-200000000091' } };

    await forward({ ...CALL, step: 'run-tests', input }, ports, 'drill');

    expect(invoked).toMatchObject([[CLUSTER, 'drill', { input: { ...input, cluster: CLUSTER }, with: { phase: 'system' } }, 'update-1']]);
  });

  it.each([
    ['no cluster', { ...CALL, input: {} }, 'neither $.cluster nor $.claimSlot.cluster'],
    ['a cluster of another shape', { ...CALL, input: { cluster: { name: 'dev-1' } } }, 'neither $.cluster nor $.claimSlot.cluster'],
    ['no call', 'issue-identity', 'not a call of a step'],
  ])('refuses %s and invokes nothing', async (_, call, message) => {
    const { invoked, ...ports } = fakeReach();

    const run = forward(call, ports, 'identity');

    await expect(run).rejects.toThrow(InputError);
    await expect(run).rejects.toThrow(message);
    expect(invoked).toEqual([]);
  });

  it('tells the roll of node pools, and only that, whether it may begin another node', async () => {
    const answer = {
      done: false,
      waitSeconds: 5,
      reason: 'x',
      since: '2026-01-05T08:00:00Z',
      rolled: 0,
      remaining: 1,
      forced: [],
      deferred: null,
    };
    const { invoked, ...ports } = fakeReach(() => answer);

    await forward({ ...CALL, step: 'roll-node-pools', input: { ...CALL.input, revision: 'a'.repeat(40) } }, ports, 'cluster');

    expect(invoked).toMatchObject([
      [CLUSTER, 'cluster', { input: { permission: { decision: 'wait', reason: expect.stringContaining('settings') } } }, 'update-1'],
    ]);
  });

  it("throws the remote step's error by its own name", async () => {
    const ports = fakeReach(() => {
      throw Object.defineProperty(new SluiceError('etcd does not answer'), 'name', { value: 'ClusterUnreachableError' });
    });

    await expect(forward(CALL, ports, 'etcd')).rejects.toMatchObject({
      name: 'ClusterUnreachableError',
      message: 'etcd does not answer',
    });
  });
});

describe('the answer of an account', () => {
  it.each([
    ['of another shape', { created: 'yes', version: 1 }, 'issue-identity answered in another shape at created'],
    ['that is none', null, 'issue-identity answered in another shape at its top'],
  ])('%s is refused', async (_, answer, message) => {
    const ports = fakeReach(() => answer);

    const run = forward(CALL, ports, 'identity');

    await expect(run).rejects.toThrow(InputError);
    await expect(run).rejects.toThrow(message);
  });

  it('that waits longer than a step may is refused: it would hold a machine of the hub', async () => {
    const ports = fakeReach(() => ({ done: false, waitSeconds: 31_536_000, reason: 'later' }));

    await expect(forward({ ...CALL, step: 'await-nodes' }, ports, 'cluster')).rejects.toThrow('await-nodes answered in another shape');
  });

  it('loses what the step does not know', async () => {
    const ports = fakeReach(() => ({ ...IDENTITY, cluster: { name: 'another' } }));

    expect(await forward(CALL, ports, 'identity')).toEqual(IDENTITY);
  });

  it('is known for every step that is forwarded, by the very schema of the step', async () => {
    const folders = new Set(['identity', 'cluster', 'etcd', 'drill']);
    const steps = (await readSteps()).filter(({ folder }) => folders.has(folder));

    expect(steps.length).toBeGreaterThan(10);
    for (const { name, output } of steps) {
      const own = output.safeParse({});
      if (own.success) expect(parseAnswer(name, {})).toEqual(own.data);
      else expect(() => parseAnswer(name, {})).toThrow(`${name} answered in another shape`);
    }
    expect(() => parseAnswer('plan', {})).toThrow(InputError);
  });
});

describe('the function that has a step', () => {
  it('is the folder that the step lies in, for each cluster-side step', async () => {
    const folders = new Set(['identity', 'cluster', 'etcd', 'drill']);
    const steps = (await readSteps()).filter(({ folder }) => folders.has(folder));

    expect(steps.length).toBeGreaterThan(10);
    expect(steps.map(({ name }) => [name, clusterSideFunctionOf(name)])).toEqual(steps.map(({ name, folder }) => [name, folder]));
  });

  it('is none for a step of the hub', () => {
    expect(() => clusterSideFunctionOf('plan')).toThrow(InputError);
  });
});
