import { describe, expect, it } from 'vitest';
import { BackupStaleError } from '#model/errors.ts';
import type { Region, State } from '../support/asl/definition.ts';
import { readMachines } from '../support/state-machines/definitions.ts';
import { expectOutcome } from '../support/state-machines/outcome.ts';
import { errorChain, scenariosFor } from '../support/state-machines/scenarios.ts';
import { CLUSTER, createStubFleet, type StubFleet } from '../support/state-machines/stub-fleet.ts';

const CLEAN_UP_STATES = ['unlock', 'unlock--failed', 'release-nodes'];
const EXISTS = { clusters: [CLUSTER.name] };
/** etcd took so long that the backup is too old when the control plane's turn comes. */
const STALE = {
  ...EXISTS,
  answers: {
    'check-backup-gate': ({ state }: { state: string }) => {
      if (state === 'check-backup-gate--control-plane') throw new BackupStaleError('too old');
      return { until: null, reason: 'fresh' };
    },
  },
};

/** What must be as before, whoever cleaned up. */
function expectNothingHeld(fleet: StubFleet): void {
  expect([...fleet.locks]).toEqual([]);
  expect([...fleet.cordons]).toEqual([]);
}

describe('update-cluster, good path', () => {
  it('creates a cluster without backup and without components before the control plane', async () => {
    const fleet = createStubFleet();

    const execution = await fleet.run('update-cluster');

    expect(execution.status).toBe('SUCCEEDED');
    expect(execution.output).toMatchObject({ render: { hash: 'h' }, record: {} });
    expect(fleet.calls).not.toContain('backup-etcd/take-snapshot');
    expect(fleet.calls).not.toContain('update-cluster/apply-components--before-control-plane');
    expectNothingHeld(fleet);
  });

  it('updates a cluster after a backup, nodes awaited after system, workloads last, in the order of the design', async () => {
    const fleet = createStubFleet({ ...EXISTS, notYet: 0 });

    await fleet.run('update-cluster');

    expect(fleet.calls.map((call) => call.split('/')[1])).toEqual([
      ...['lock', 'read-what-runs', 'render', 'can-move', 'await-artifacts', 'deliver-render', 'issue-identity'],
      ...['mend-etcd-members', 'check-members', 'take-snapshot', 'prove-snapshot', 'prove-api', 'write-manifest', 'check-health--before'],
      ...['check-move', 'begin-update'],
      ...['advance-stack--etcd', 'check-backup-gate--etcd', 'roll-etcd-members'],
      ...['apply-components--before-control-plane'],
      ...[
        'advance-stack--control-plane',
        'check-backup-gate--control-plane',
        'roll-control-plane',
        'check-health--control-plane',
        'rewrite-secrets',
        'apply-components--system',
        'check-health--before-nodes',
      ],
      ...['advance-stack--pools', 'report-drain', 'roll-node-pools', 'await-nodes', 'await-workloads--system', 'check-health--system'],
      ...['apply-components--workloads', 'await-workloads--workloads', 'prune', 'check-health', 'protect-stacks', 'record', 'unlock'],
    ]);
    expectNothingHeld(fleet);
  });

  it('answers the render of a cluster that is up to date, and does nothing to it', async () => {
    const fleet = createStubFleet({ ...EXISTS, answers: { 'read-what-runs': () => ({ upToDate: true, creation: false }) } });

    const execution = await fleet.run('update-cluster');

    expect(execution).toMatchObject({ status: 'SUCCEEDED', output: { render: { hash: 'h' } } });
    expect(fleet.calls.map((call) => call.split('/')[1])).toEqual(['lock', 'read-what-runs', 'render', 'unlock']);
    expectNothingHeld(fleet);
  });

  it('needs 53 transitions when nothing rolls (60 are allowed), and stays below 32 KiB', async () => {
    const fleet = createStubFleet({ ...EXISTS, notYet: 0 });

    const execution = await fleet.run('update-cluster');

    expect(execution.history.entered()).toHaveLength(53);
    expect(execution.largestPayload).toBeLessThanOrEqual(32 * 1024);
  });

  it('tells begin-update what its backup holds, of as many resources as are named', async () => {
    const counts = Object.fromEntries(Array.from({ length: 250 }, (_, index) => [`group-${index}.example.org/resources`, 1000]));
    const file = { hash: 1, compactRevision: 50, counts, usedBytes: 4096 };
    const told: unknown[] = [];
    const answers = {
      'take-snapshot': () => ({ bytes: 8192, revision: 100, file }),
      'begin-update': ({ input }: { input: Readonly<Record<string, unknown>> }) => {
        told.push(input['backup']);
        return { written: true };
      },
    };
    const fleet = createStubFleet({ ...EXISTS, answers });

    const execution = await fleet.run('update-cluster');

    expect(told).toMatchObject([{ id: 'b1', bytes: 8192, revision: 100, clusterId: 'c1', file }]);
    expect(execution.largestPayload).toBeLessThanOrEqual(32 * 1024);
  });

  it('waits for the lock of another execution and goes on once it is free', async () => {
    const fleet = createStubFleet(EXISTS);
    fleet.locks.set(CLUSTER.name, 'another');
    const running = fleet.run('update-cluster');

    await fleet.world.until(() => fleet.calls.length >= 3);
    fleet.locks.clear();
    const execution = await running;

    expect(execution.status).toBe('SUCCEEDED');
  });

  it('gives up on a lock that stays held, and leaves it to its holder', async () => {
    const fleet = createStubFleet(EXISTS);
    fleet.locks.set(CLUSTER.name, 'another');

    const execution = await fleet.run('update-cluster');

    expect(execution).toMatchObject({ status: 'FAILED', error: 'LockHeldError' });
    expect(fleet.locks.get(CLUSTER.name)).toBe('another');
  });
});

describe.each([
  { way: 'creation', options: {} },
  { way: 'update', options: EXISTS },
  { way: 'update whose backup is too old for the control plane', options: STALE },
])('update-cluster, every fault at every state of a $way', async ({ options }) => {
  const scenarios = (await scenariosFor('update-cluster', 'update-cluster', options)).filter(
    // It refuses, so that no fault strikes what it answers.
    ({ state, fault }) =>
      options !== STALE || state !== 'check-backup-gate--control-plane' || (fault.when !== 'after' && fault.kind !== 'oversize'),
  );

  it('covers many', () => {
    expect(scenarios.length).toBeGreaterThan(400);
  });

  it.each(scenarios)('$title', async (scenario) => {
    const fleet = createStubFleet({ ...options, faults: [scenario.fault], cleansUpAfterEnd: false });

    const execution = await fleet.run('update-cluster');

    expect(fleet.world.unusedFaults()).toEqual([]);
    expectOutcome(execution, scenario, ['record', ...CLEAN_UP_STATES, 'cluster-updated']);
    if (scenario.uncatchable) expect(fleet.ended).toContain(execution);
    else if (execution.status === 'SUCCEEDED' || !CLEAN_UP_STATES.includes(scenario.state)) expectNothingHeld(fleet);
    else expect(fleet.ended).toContain(execution);
  });
});

describe('update-cluster, clean-up that fails itself', () => {
  const failing = { state: 'check-health', kind: 'error', error: 'DeadlineError' } as const;

  it('unlocks although nodes could not be released, and keeps the first error', async () => {
    const fleet = createStubFleet({
      ...EXISTS,
      faults: [failing, { state: 'release-nodes', kind: 'error', error: 'ClusterUnreachableError' }],
    });

    const execution = await fleet.run('update-cluster');

    expect(execution.error).toBe('DeadlineError');
    expect([...fleet.locks]).toEqual([]);
  });

  it('keeps the first error although the lock could not be freed, and leaves that to on-execution-ended', async () => {
    const fleet = createStubFleet({
      ...EXISTS,
      faults: [failing, { state: 'unlock--failed', kind: 'error', error: 'RefusedError' }],
      cleansUpAfterEnd: false,
    });

    const execution = await fleet.run('update-cluster');

    expect(execution.error).toBe('DeadlineError');
    expect(fleet.locks.get(CLUSTER.name)).toBe(execution.name);
    expect(fleet.ended).toEqual([execution]);
  });

  it('releases nodes and lock when a roll fails half-way', async () => {
    const fleet = createStubFleet({
      ...EXISTS,
      faults: [{ state: 'roll-node-pools', kind: 'error', error: 'DeadlineError', attempts: [2] }],
    });

    const execution = await fleet.run('update-cluster');

    expect(execution.error).toBe('DeadlineError');
    expect(execution.history.entered().slice(-3)).toEqual(['release-nodes', 'unlock--failed', 'cluster-not-updated']);
    expectNothingHeld(fleet);
  });
});

describe('update-cluster, before the first change', () => {
  it.each([
    ['can-move', 'GateClosedError'],
    ['check-move', 'GateClosedError'],
    ['begin-update', 'LockHeldError'],
  ])('changes nothing when %s refuses, and frees the lock', async (state, error) => {
    for (const options of [{}, EXISTS]) {
      const fleet = createStubFleet({ ...options, faults: [{ state, kind: 'error', error }] });

      const execution = await fleet.run('update-cluster');

      expect(execution).toMatchObject({ status: 'FAILED', error });
      expect(fleet.calls.filter((call) => /advance-stack|roll-|apply-|prune/.test(call))).toEqual([]);
      expectNothingHeld(fleet);
    }
  });

  it.each(['can-move', 'check-move', 'begin-update'])('no way leads to a change past %s', (gate) => {
    const { States, StartAt } = readMachines()['update-cluster'] as Region;
    const reached = new Set<string>();
    const open = [StartAt];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      if (name === gate || reached.has(name)) continue;
      reached.add(name);
      open.push(...nextOf(States[name] as State));
    }

    expect(reached.size).toBeGreaterThan(3);
    expect([...reached].filter((name) => /advance-stack|roll-|apply-|prune|^record/.test(name))).toEqual([]);
  });
});

/** Where a state may lead when it succeeds. */
function nextOf({ Next, Default, Choices }: State): string[] {
  return [Next, Default, ...(Choices ?? []).map((choice) => choice.Next)].flatMap((name) => name ?? []);
}

const { States, StartAt } = readMachines()['update-cluster'] as Region;

/** Where a state may lead while an existing cluster is updated, errors included. */
function nextOfExisting(state: State): string[] {
  const choices = (state.Choices ?? []).filter(
    ({ And }) => !(And ?? []).some(({ Variable, ...rule }) => Variable === '$.readWhatRuns.creation' && rule['BooleanEquals'] === true),
  );
  return [...nextOf({ ...state, Choices: choices }), ...(state.Catch ?? []).map(({ Next }) => Next)];
}

/** States that an update of an existing cluster reaches without entering one of `without`. */
function reachedWithout(without: readonly string[]): Set<string> {
  const reached = new Set<string>();
  const open = [StartAt];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (without.includes(name) || reached.has(name)) continue;
    reached.add(name);
    open.push(...nextOfExisting(States[name] as State));
  }
  return reached;
}

describe('update-cluster, phases that are to be ready before the next one', () => {
  it.each([
    ['check-health--control-plane', ['apply-components--system', 'roll-node-pools']],
    ['check-health--before-nodes', ['advance-stack--pools', 'roll-node-pools', 'apply-components--workloads']],
    ['check-health--system', ['apply-components--workloads']],
  ])('no way of an existing cluster leads past %s to what comes after it', (look, after) => {
    for (const state of after) expect(reachedWithout([])).toContain(state);
    const reached = reachedWithout([look]);

    expect(reached.size).toBeGreaterThan(10);
    for (const state of after) expect(reached).not.toContain(state);
    expect(States[look]?.Parameters).toMatchObject({ step: 'check-health', with: { scope: look.replace('check-health--', '') } });
  });

  it('the control plane is touched only after what comes before it was applied and looked at', async () => {
    expect(reachedWithout(['apply-components--before-control-plane'])).not.toContain('advance-stack--control-plane');
    const fleet = createStubFleet({
      ...EXISTS,
      faults: [{ state: 'apply-components--before-control-plane', kind: 'error', error: 'BlockedError' }],
    });

    const execution = await fleet.run('update-cluster');

    expect(execution).toMatchObject({ status: 'FAILED', error: 'BlockedError' });
    expect(fleet.calls.filter((call) => /stack--control-plane|roll-control-plane|pools/.test(call))).toEqual([]);
    expectNothingHeld(fleet);
  });

  it('touches no node when the system that was applied does not get ready, and frees the lock', async () => {
    const fleet = createStubFleet({ ...EXISTS, faults: [{ state: 'check-health--before-nodes', kind: 'error', error: 'DeadlineError' }] });

    const execution = await fleet.run('update-cluster');

    expect(execution).toMatchObject({ status: 'FAILED', error: 'DeadlineError' });
    expect(fleet.calls).toContain('update-cluster/apply-components--system');
    expect(fleet.calls.filter((call) => /pools|drain|await-nodes/.test(call))).toEqual([]);
    expectNothingHeld(fleet);
  });
});

describe('update-cluster, the gate of the backup', () => {
  it.each([
    ['roll-etcd-members', 'check-backup-gate--etcd', 'etcd'],
    ['roll-control-plane', 'check-backup-gate--control-plane', 'control-plane'],
  ])('no way of an existing cluster leads to %s past %s, not even of an error', (roll, gate, change) => {
    expect(reachedWithout([])).toContain(roll);
    const reached = reachedWithout([gate]);

    expect(reached.size).toBeGreaterThan(10);
    expect(reached).not.toContain(roll);
    expect(States[gate]?.Parameters).toMatchObject({ step: 'check-backup-gate', with: { change } });
  });

  it('a new backup is taken at one place, and is asked itself by a gate that asks for no other', () => {
    const renewing = Object.entries(States).filter(([, { Catch }]) =>
      (Catch ?? []).some(({ ErrorEquals }) => ErrorEquals.includes('BackupStaleError')),
    );

    expect(renewing.map(([name]) => name)).toEqual(['check-backup-gate--control-plane']);
    expect(nextOfExisting(States['backup-etcd--control-plane'] as State)).toEqual(['judge-backup', 'release-nodes']);
    expect(nextOfExisting(States['judge-backup'] as State)).toEqual(['check-backup-gate--control-plane-again', 'release-nodes']);
    expect(nextOfExisting(States['check-backup-gate--control-plane-again'] as State)).toEqual(['roll-control-plane', 'release-nodes']);
  });

  it('nothing but the look at what runs says that a cluster is created', () => {
    const writers = Object.entries(States).filter(([, { ResultPath }]) => ResultPath === '$.readWhatRuns');

    expect(writers.map(([name]) => name)).toEqual(['read-what-runs']);
  });

  it('asks no gate when a cluster is created', async () => {
    const fleet = createStubFleet();

    await fleet.run('update-cluster');

    expect(fleet.calls.filter((call) => call.includes('roll-'))).not.toEqual([]);
    expect(fleet.calls.filter((call) => call.includes('check-backup-gate'))).toEqual([]);
  });

  it.each([
    ['check-backup-gate--etcd', /roll-|control-plane/],
    ['check-backup-gate--control-plane', /roll-control-plane|roll-node-pools/],
  ])('replaces nothing when %s is shut, and frees the lock', async (state, never) => {
    const fleet = createStubFleet({ ...EXISTS, faults: [{ state, kind: 'error', error: 'BackupNotProvenError' }] });

    const execution = await fleet.run('update-cluster');

    expect(execution).toMatchObject({ status: 'FAILED', error: 'BackupNotProvenError' });
    expect(fleet.world.unusedFaults()).toEqual([]);
    expect(fleet.calls.filter((call) => never.test(call))).toEqual([]);
    expectNothingHeld(fleet);
  });

  it('takes a second backup when the first is too old for the control plane, and goes on by that', async () => {
    const fleet = createStubFleet({ ...STALE, notYet: 0 });

    const execution = await fleet.run('update-cluster');

    expect(execution.status).toBe('SUCCEEDED');
    expect(fleet.world.executions.filter(({ machine }) => machine === 'backup-etcd').map(({ name }) => name)).toEqual([
      'b-update-cluster-test',
      'b2-update-cluster-test',
    ]);
    const after = fleet.calls.slice(fleet.calls.lastIndexOf('backup-etcd/write-manifest') + 1);
    expect(after.slice(0, 3)).toEqual([
      'update-cluster/judge-backup',
      'update-cluster/check-backup-gate--control-plane-again',
      'update-cluster/roll-control-plane',
    ]);
  });

  it('tells who judges the second backup what it holds, as of the first', () => {
    const selectors = ['backup-etcd', 'backup-etcd--control-plane'].map((name) => States[name]?.['ResultSelector']);

    expect(Object.keys(selectors[0] ?? {})).toEqual(expect.arrayContaining(['id.$', 'bytes.$', 'revision.$', 'clusterId.$', 'file.$']));
    expect(selectors[1]).toEqual(selectors[0]);
  });

  it('replaces no control plane when the second backup lacks what was there before', async () => {
    const fleet = createStubFleet({ ...STALE, faults: [{ state: 'judge-backup', kind: 'error', error: 'GateClosedError' }] });

    const execution = await fleet.run('update-cluster');

    expect(execution).toMatchObject({ status: 'FAILED', error: 'GateClosedError' });
    expect(fleet.calls).not.toContain('update-cluster/roll-control-plane');
    expectNothingHeld(fleet);
  });

  it('takes no third one when the second is too old as well', async () => {
    const fleet = createStubFleet({
      ...STALE,
      faults: [{ state: 'check-backup-gate--control-plane-again', kind: 'error', error: 'BackupNotProvenError' }],
    });

    const execution = await fleet.run('update-cluster');

    expect(execution.error).toBe('BackupNotProvenError');
    expect(fleet.world.executions.filter(({ machine }) => machine === 'backup-etcd')).toHaveLength(2);
    expect(fleet.calls).not.toContain('update-cluster/roll-control-plane');
    expectNothingHeld(fleet);
  });
});

describe('update-cluster, backup', () => {
  it('changes nothing when the backup is not proven, and says so', async () => {
    const fleet = createStubFleet({
      ...EXISTS,
      faults: [{ machine: 'backup-etcd', state: 'prove-snapshot', kind: 'error', error: 'BackupNotProvenError' }],
    });

    const execution = await fleet.run('update-cluster');

    expect(errorChain(execution)).toEqual(['States.TaskFailed', 'BackupNotProvenError']);
    expect(fleet.calls).not.toContain('update-cluster/advance-stack--etcd');
    expectNothingHeld(fleet);
  });

  it.each(['check-members', 'take-snapshot', 'prove-snapshot', 'prove-api', 'write-manifest'])(
    'frees the lock when the backup is aborted at %s',
    async (state) => {
      const fleet = createStubFleet({ ...EXISTS, faults: [{ machine: 'backup-etcd', state, kind: 'abort' }] });

      const execution = await fleet.run('update-cluster');

      expect(execution.status).toBe('FAILED');
      expectNothingHeld(fleet);
    },
  );

  it('takes the backup down with itself when it is aborted', async () => {
    const fleet = createStubFleet({ ...EXISTS, answers: { 'take-snapshot': ({ sleep }) => sleep(600) } });
    const execution = fleet.world.start('update-cluster', 'u', {
      cluster: CLUSTER,
      revision: 'r1',
      purpose: 'rollout',
      rolloutId: 'x',
      progress: null,
    });
    await fleet.world.until(() => fleet.calls.includes('backup-etcd/take-snapshot'));

    fleet.world.stop(execution);
    await fleet.world.settle();

    expect(fleet.ended.map(({ machine, status }) => [machine, status])).toEqual([
      ['backup-etcd', 'ABORTED'],
      ['update-cluster', 'ABORTED'],
    ]);
    expectNothingHeld(fleet);
  });
});
