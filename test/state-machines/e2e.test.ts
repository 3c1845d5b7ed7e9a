import { describe, expect, it } from 'vitest';
import type { Fault } from '../support/asl/faults.ts';
import { expectOutcome } from '../support/state-machines/outcome.ts';
import { errorChain, scenariosFor } from '../support/state-machines/scenarios.ts';
import { createStubFleet, type StubFleet } from '../support/state-machines/stub-fleet.ts';

/** Once these are reached, a cancel has nothing left to cancel. */
const LATE = ['collect-results', 'delete-cluster', 'release-slot', 'conclude-e2e', 'conclude-e2e--verdict', 'e2e-passed'];

function expectNothingLeft(fleet: StubFleet): void {
  expect([...fleet.clusters]).toEqual([]);
  expect([...fleet.slots]).toEqual([]);
  expect([...fleet.locks]).toEqual([]);
  expect([...fleet.cordons]).toEqual([]);
}

/** Whoever holds something is known to the rule that starts on-execution-ended. */
function expectHoldersEnded(fleet: StubFleet): void {
  const ended = fleet.ended.map(({ name }) => name);
  for (const holder of [...fleet.locks.values(), ...fleet.slots.values(), ...fleet.cordons.values()]) expect(ended).toContain(holder);
}

describe('e2e, good path', () => {
  it('creates at the base, loads, updates to the merge result, asserts, tests, deletes, frees the slot', async () => {
    const fleet = createStubFleet();

    const execution = await fleet.run('e2e');

    const own = execution.history.entered().filter((state) => !/-(wait|done|claimed)$/.test(state) && !state.endsWith('--from-scratch'));
    expect(execution.status).toBe('SUCCEEDED');
    expect([...new Set(own)]).toEqual([
      ...[
        'claim-slot',
        'choose-shape',
        'update-cluster--base',
        'await-workloads--base',
        'start-load',
        'update-cluster--head',
        'assert-forecast',
        'await-artifacts--tests',
      ],
      ...['run-tests', 'collect-results', 'delete-cluster', 'release-slot', 'conclude-e2e', 'conclude-e2e--verdict', 'e2e-passed'],
    ]);
    expectNothingLeft(fleet);
  });

  it('creates at the merge result where there is no base', async () => {
    const fleet = createStubFleet({ answers: { 'choose-shape': () => ({ fromScratch: true, baseRevision: null, headRevision: 'r1' }) } });

    const execution = await fleet.run('e2e');

    expect(execution.status).toBe('SUCCEEDED');
    expect(execution.history.entered()).not.toContain('update-cluster--base');
    expectNothingLeft(fleet);
  });

  it('passes and deletes when the cluster is up to date already', async () => {
    const fleet = createStubFleet({ answers: { 'read-what-runs': () => ({ upToDate: true, creation: false }) } });

    const execution = await fleet.run('e2e');

    expect(execution.status).toBe('SUCCEEDED');
    expect(execution.history.entered()).toContain('delete-cluster');
    expectNothingLeft(fleet);
  });

  it('backs up the e2e cluster before its update, and not before its deletion', async () => {
    const fleet = createStubFleet();

    await fleet.run('e2e');

    expect(fleet.world.executions.filter(({ machine }) => machine === 'backup-etcd').map(({ parent }) => parent?.execution.name)).toEqual([
      'u-e2e-test',
    ]);
  });
});

describe('e2e, every fault at every state', async () => {
  const scenarios = await scenariosFor('e2e', 'e2e');

  it('covers many', () => {
    expect(scenarios.length).toBeGreaterThan(150);
  });

  it.each(scenarios)('$title', async (scenario) => {
    const fleet = createStubFleet({ faults: [scenario.fault] });

    const execution = await fleet.run('e2e');

    expect(fleet.world.unusedFaults()).toEqual([]);
    const tolerated = scenario.state === 'conclude-e2e' && !scenario.uncatchable;
    if (!tolerated) expectOutcome(execution, scenario, LATE);
    if (scenario.uncatchable || (['delete-cluster', 'release-slot'].includes(scenario.state) && execution.status !== 'SUCCEEDED')) {
      expect(fleet.ended).toContain(execution);
      expectHoldersEnded(fleet);
    } else expectNothingLeft(fleet);
  });
});

describe.each([{ child: 'update-cluster' }, { child: 'delete-cluster' }])(
  'e2e, every fault at every state of its $child',
  async ({ child }) => {
    const scenarios = await scenariosFor('e2e', child);

    it('covers many', () => {
      expect(scenarios.length).toBeGreaterThan(100);
    });

    it.each(scenarios)('$title', async (scenario) => {
      const fleet = createStubFleet({ faults: [scenario.fault] });

      const execution = await fleet.run('e2e');

      const children = fleet.world.executions.filter(({ machine }) => machine === child);
      const broken = children.filter(({ status }) => status !== 'SUCCEEDED');
      expect(execution.status).toBe(broken.length === 0 ? 'SUCCEEDED' : 'FAILED');
      for (const one of broken) expect(fleet.ended).toContain(one);
      if (child === 'update-cluster' || broken.length === 0) expectNothingLeft(fleet);
      else expectHoldersEnded(fleet);
      const [first] = broken;
      if (first?.error !== undefined && first.status === 'FAILED') expect(errorChain(execution)).toContain(first.error);
    });
  },
);

describe('e2e, clean-up', () => {
  it('deletes only after the cluster is no longer worked on', async () => {
    const endless: Fault = { machine: 'update-cluster', state: 'roll-control-plane', kind: 'machine-timeout' };
    const fleet = createStubFleet({ faults: [endless] });

    const execution = await fleet.run('e2e');

    const [update, deletion] = ['update-cluster', 'delete-cluster'].map((machine) => fleet.world.find(machine));
    expect(errorChain(execution)).toEqual(['States.TaskFailed', 'States.Timeout']);
    expect(deletion?.startedAt).toBeGreaterThanOrEqual(update?.stoppedAt ?? Number.POSITIVE_INFINITY);
    expectNothingLeft(fleet);
  });

  it('waits for an update that works as long as its machine may', async () => {
    const endless = { done: false, waitSeconds: 300, reason: 'not yet' };
    const fleet = createStubFleet({ answers: { 'check-health': () => endless } });

    const execution = await fleet.run('e2e');

    expect(fleet.world.find('update-cluster')?.status).toBe('TIMED_OUT');
    expect(execution.status).toBe('FAILED');
    expectNothingLeft(fleet);
  });

  it('keeps the slot when the cluster could not be deleted, and tells the first error', async () => {
    const fleet = createStubFleet({
      faults: [
        { machine: 'e2e', state: 'run-tests', kind: 'error', error: 'TestsFailedError' },
        { machine: 'delete-cluster', state: 'advance-deletion', kind: 'error', error: 'StackFailedError' },
      ],
    });

    const execution = await fleet.run('e2e');

    expect(execution.error).toBe('TestsFailedError');
    expect([...fleet.slots.values()]).toEqual([execution.name]);
    expect(fleet.ended).toContain(execution);
  });

  it('is red when everything passed and the cluster leaked', async () => {
    const fleet = createStubFleet({
      faults: [{ machine: 'delete-cluster', state: 'advance-deletion', kind: 'error', error: 'StackFailedError' }],
    });

    const execution = await fleet.run('e2e');

    expect(execution.history.entered().at(-1)).toBe('e2e-leaked');
    expect(errorChain(execution)).toEqual(['States.TaskFailed', 'StackFailedError']);
  });

  it('takes all below it down when it is aborted, and every one of them is cleaned after', async () => {
    const fleet = createStubFleet({ answers: { 'take-snapshot': ({ sleep }) => sleep(600) } });
    const execution = fleet.world.start('e2e', 'e2e-test', {
      readPullRequest: {},
      snapshotConfiguration: {},
      plan: {},
      progress: null,
      root: 'pr',
    });
    await fleet.world.until(() => fleet.calls.includes('backup-etcd/take-snapshot'));

    fleet.world.stop(execution);
    await fleet.world.settle();

    expect(fleet.ended.map(({ machine, status }) => `${machine} ${status}`).sort()).toEqual([
      'backup-etcd ABORTED',
      'e2e ABORTED',
      'update-cluster ABORTED',
    ]);
    expectHoldersEnded(fleet);
  });

  it('a slot is waited for, and the wait can be cancelled', async () => {
    const fleet = createStubFleet({ answers: { 'claim-slot': () => ({ claimed: false, waitSeconds: 30, cluster: null, names: null }) } });
    fleet.world.start('e2e', 'e2e-test', { readPullRequest: {}, snapshotConfiguration: {}, plan: {}, progress: null, root: 'pr' });
    await fleet.world.until(() => fleet.calls.length >= 20);

    fleet.world.cancel('e2e-test');
    await fleet.world.settle();

    expect(fleet.world.find('e2e')).toMatchObject({ status: 'FAILED', error: 'CancelledError' });
    expectNothingLeft(fleet);
  });
});
