import { describe, expect, it } from 'vitest';
import type { Region } from '../support/asl/definition.ts';
import { readMachines } from '../support/state-machines/definitions.ts';
import { expectOutcome } from '../support/state-machines/outcome.ts';
import { errorChain, scenariosFor } from '../support/state-machines/scenarios.ts';
import { CLUSTER, createStubFleet } from '../support/state-machines/stub-fleet.ts';

const EXISTS = { clusters: [CLUSTER.name] };
const LATE = ['report-leftovers', 'record--deleted', 'unlock', 'unlock--failed', 'cluster-deleted'];

describe('delete-cluster', () => {
  it('backs up, removes what made AWS resources, deletes stacks and identity, reports, records', async () => {
    const fleet = createStubFleet({ ...EXISTS, notYet: 0 });

    const execution = await fleet.run('delete-cluster');

    expect(execution.status).toBe('SUCCEEDED');
    expect(fleet.calls.map((call) => call.split('/')[1])).toEqual([
      ...[
        'lock',
        'begin-deletion',
        'check-members',
        'take-snapshot',
        'prove-snapshot',
        'prove-api',
        'write-manifest',
        'check-backup-gate',
        'begin-deletion--backed-up',
      ],
      ...['remove-aws-resources', 'advance-deletion'],
      ...['delete-identity', 'report-leftovers', 'record--deleted', 'unlock'],
    ]);
    expect([...fleet.clusters, ...fleet.locks]).toEqual([]);
  });

  it('takes no backup of an e2e cluster', async () => {
    const fleet = createStubFleet(EXISTS);

    await fleet.run('delete-cluster', { cluster: CLUSTER, purpose: 'e2e', progress: null });

    expect(fleet.calls).not.toContain('backup-etcd/take-snapshot');
    expect([...fleet.clusters]).toEqual([]);
  });

  it('takes none to go on with a deletion that has begun: etcd may be gone', async () => {
    const fleet = createStubFleet({ ...EXISTS, answers: { 'begin-deletion': () => ({ backupNeeded: false }) } });

    const execution = await fleet.run('delete-cluster');

    expect(execution.status).toBe('SUCCEEDED');
    expect(fleet.calls).not.toContain('backup-etcd/take-snapshot');
  });

  it('deletes nothing when the final backup fails', async () => {
    const fleet = createStubFleet({ ...EXISTS, faults: [{ state: 'prove-snapshot', kind: 'error', error: 'BackupNotProvenError' }] });

    const execution = await fleet.run('delete-cluster');

    expect(errorChain(execution)).toEqual(['States.TaskFailed', 'BackupNotProvenError']);
    expect([...fleet.clusters.keys()]).toEqual([CLUSTER.name]);
    expect([...fleet.locks]).toEqual([]);
  });

  it('deletes the stacks of a cluster whose API no longer answers', async () => {
    const fleet = createStubFleet({
      ...EXISTS,
      faults: [{ state: 'remove-aws-resources', kind: 'error', error: 'ClusterUnreachableError' }],
    });

    const execution = await fleet.run('delete-cluster', { cluster: CLUSTER, purpose: 'e2e', progress: null });

    expect(execution.status).toBe('SUCCEEDED');
    expect([...fleet.clusters]).toEqual([]);
  });
});

describe('delete-cluster, the gate of the backup', () => {
  it('deletes nothing when the gate does not find the final backup to be one of this deletion', async () => {
    const fleet = createStubFleet({ ...EXISTS, faults: [{ state: 'check-backup-gate', kind: 'error', error: 'BackupNotProvenError' }] });

    const execution = await fleet.run('delete-cluster');

    expect(execution).toMatchObject({ status: 'FAILED', error: 'BackupNotProvenError' });
    expect(fleet.calls).not.toContain('delete-cluster/begin-deletion--backed-up');
    expect([...fleet.clusters.keys()]).toEqual([CLUSTER.name]);
    expect([...fleet.locks]).toEqual([]);
  });

  it('no way leads from a backup to the note that the deletion has begun but through the gate', () => {
    const { States } = readMachines()['delete-cluster'] as Region;
    const before = Object.entries(States).filter(([, { Next, Default, Choices, Catch }]) =>
      [Next, Default, ...[...(Choices ?? []), ...(Catch ?? [])].map((one) => one.Next)].includes('begin-deletion--backed-up'),
    );

    expect(before.map(([name]) => name)).toEqual(['check-backup-gate']);
    expect(States['check-backup-gate']?.Parameters).toMatchObject({ step: 'check-backup-gate', with: { change: 'deletion' } });
    expect(States['backup-etcd']?.Next).toBe('check-backup-gate');
  });
});

describe('delete-cluster, every fault at every state', async () => {
  const scenarios = await scenariosFor('delete-cluster', 'delete-cluster', EXISTS);

  it('covers many', () => {
    expect(scenarios.length).toBeGreaterThan(100);
  });

  it.each(scenarios)('$title', async (scenario) => {
    const fleet = createStubFleet({ ...EXISTS, faults: [scenario.fault], cleansUpAfterEnd: false });

    const execution = await fleet.run('delete-cluster');

    expect(fleet.world.unusedFaults()).toEqual([]);
    const tolerated = scenario.state === 'remove-aws-resources' && !scenario.uncatchable && scenario.fault.kind !== 'cancel';
    if (!tolerated) expectOutcome(execution, scenario, LATE);
    if (scenario.uncatchable || (scenario.state.startsWith('unlock') && execution.status !== 'SUCCEEDED'))
      expect(fleet.ended).toContain(execution);
    else expect([...fleet.locks]).toEqual([]);
  });
});
