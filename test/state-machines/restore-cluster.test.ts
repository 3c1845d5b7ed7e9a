import { describe, expect, it } from 'vitest';
import { expectOutcome } from '../support/state-machines/outcome.ts';
import { scenariosFor } from '../support/state-machines/scenarios.ts';
import { CLUSTER, createStubFleet } from '../support/state-machines/stub-fleet.ts';

const EXISTS = { clusters: [CLUSTER.name] };
/** From here on members of before are gone. */
const FENCES = 'restore-members';
const LATE = [
  'report-drift',
  'conclude-restore',
  'conclude-restore--checked',
  'close-restore',
  'unlock',
  'unlock--failed',
  'cluster-restored',
];
/** Without these it goes on. */
const TOLERATED = ['backup-etcd', 'report-drift', 'close-restore'];
const INPUT = {
  cluster: CLUSTER,
  restore: { id: 'r1', backup: 'b0', reason: 'lost' },
  commit: 'c',
  repository: { owner: 'o', name: 'r' },
  progress: null,
};

function statesOf(calls: readonly string[]): string[] {
  return calls.map((call) => call.split('/')[1] ?? '');
}

describe('restore-cluster', () => {
  it('claims, proves the backup anew, backs up what is there, restores, looks, writes down, proposes to take the line out', async () => {
    const fleet = createStubFleet({ ...EXISTS, notYet: 0 });

    const execution = await fleet.run('restore-cluster', INPUT);

    expect(execution.status).toBe('SUCCEEDED');
    expect(statesOf(fleet.calls)).toEqual([
      ...['lock', 'claim-restore', 'check-backup', 'prove-snapshot', 'prove-api'],
      ...['check-members', 'take-snapshot', 'prove-snapshot', 'write-manifest'],
      ...['begin-restore', 'restore-members', 'check-health--control-plane', 'replace-lost-nodes', 'report-drift'],
      ...['conclude-restore', 'close-restore', 'unlock'],
    ]);
    expect([...fleet.locks]).toEqual([]);
  });

  it('changes nothing in a dry run', async () => {
    const fleet = createStubFleet(EXISTS);

    const execution = await fleet.run('restore-cluster', { ...INPUT, restore: { ...INPUT.restore, dryRun: true } });

    expect(execution.status).toBe('SUCCEEDED');
    expect(statesOf(fleet.calls)).toEqual([
      ...['lock', 'claim-restore', 'check-backup', 'prove-snapshot', 'prove-api'],
      ...['begin-restore--checked', 'conclude-restore--checked', 'unlock'],
    ]);
  });

  it('goes on without a backup of what is there: etcd may be gone', async () => {
    const fleet = createStubFleet({ ...EXISTS, faults: [{ state: 'check-members', kind: 'error', error: 'ClusterUnreachableError' }] });

    const execution = await fleet.run('restore-cluster', INPUT);

    expect(execution.status).toBe('SUCCEEDED');
    expect(statesOf(fleet.calls)).toContain(FENCES);
  });

  it.each(['lock', 'claim-restore', 'check-backup', 'prove-snapshot', 'prove-api', 'begin-restore'])(
    'fences nobody when %s fails',
    async (state) => {
      const fleet = createStubFleet({ ...EXISTS, faults: [{ state, kind: 'error', error: 'GateClosedError' }] });

      const execution = await fleet.run('restore-cluster', INPUT);

      expect(execution.status).toBe('FAILED');
      expect(statesOf(fleet.calls)).not.toContain(FENCES);
      expect(statesOf(fleet.calls)).toContain('conclude-restore--failed');
      expect([...fleet.locks]).toEqual([]);
    },
  );

  it('is whole without its last pull request', async () => {
    const fleet = createStubFleet({ ...EXISTS, faults: [{ state: 'close-restore', kind: 'error', error: 'RefusedError' }] });

    const execution = await fleet.run('restore-cluster', INPUT);

    expect(execution.status).toBe('SUCCEEDED');
  });
});

describe('restore-cluster, every fault at every state', async () => {
  const scenarios = await scenariosFor('restore-cluster', 'restore-cluster', EXISTS);

  it('covers many', () => {
    expect(scenarios.length).toBeGreaterThan(100);
  });

  it.each(scenarios)('$title', async (scenario) => {
    const fleet = createStubFleet({ ...EXISTS, faults: [scenario.fault], cleansUpAfterEnd: false });

    const execution = await fleet.run('restore-cluster', INPUT);

    expect(fleet.world.unusedFaults()).toEqual([]);
    const tolerated = TOLERATED.includes(scenario.state) && !scenario.uncatchable && scenario.fault.kind !== 'cancel';
    if (tolerated) expect(execution.status).toBe('SUCCEEDED');
    else expectOutcome(execution, scenario, LATE);
    if (execution.status === 'FAILED' && !scenario.uncatchable && !LATE.includes(scenario.state))
      expect(statesOf(fleet.calls)).toContain('conclude-restore--failed');
    if (scenario.uncatchable || (scenario.state.startsWith('unlock') && execution.status !== 'SUCCEEDED'))
      expect(fleet.ended).toContain(execution);
    else expect([...fleet.locks]).toEqual([]);
  });
});
