import { describe, expect, it } from 'vitest';
import { expectOutcome } from '../support/state-machines/outcome.ts';
import { scenariosFor } from '../support/state-machines/scenarios.ts';
import { CLUSTER, createStubFleet } from '../support/state-machines/stub-fleet.ts';

const OTHER = { ...CLUSTER, name: 'kube-2' };
const item = (cluster: typeof CLUSTER) => ({ cluster, drill: false, executionName: `scheduled-${cluster.name}-7-0` });
const due = (...clusters: readonly (typeof CLUSTER)[]) => ({
  'find-due-backups': () => ({ items: clusters.map(item), found: clusters.length, clusters: clusters.length, unreadable: [] }),
});

describe('backup-fleet', () => {
  it('takes each backup that is due, writes down what it came to, and reports', async () => {
    const fleet = createStubFleet({ answers: due(CLUSTER, OTHER) });

    const execution = await fleet.run('backup-fleet');

    expect(execution.status).toBe('SUCCEEDED');
    const taken = fleet.world.executions.filter(({ machine }) => machine === 'backup-etcd').map(({ name }) => name);
    expect(taken.sort()).toEqual(['scheduled-kube-1-7-0', 'scheduled-kube-2-7-0']);
    expect(fleet.calls.filter((call) => call === 'backup-fleet/record-backup--proven')).toHaveLength(2);
    expect(fleet.calls.at(-1)).toBe('backup-fleet/report-backups');
    // No drill was wanted.
    expect(fleet.calls).not.toContain('backup-etcd/prove-api');
  });

  it('reports also when none is due', async () => {
    const fleet = createStubFleet({ answers: due() });

    await fleet.run('backup-fleet');

    expect(fleet.calls).toEqual(['backup-fleet/find-due-backups', 'backup-fleet/report-backups']);
  });

  it('goes on with the others when a backup fails, and writes down that it did', async () => {
    const answers = {
      ...due(CLUSTER, OTHER),
      'take-snapshot': ({ input }: { input: Readonly<Record<string, unknown>> }) => {
        if ((input['cluster'] as typeof CLUSTER).name === CLUSTER.name)
          throw Object.assign(new Error('down'), { name: 'BackupNotProvenError' });
        return { bytes: 1, revision: 100, file: { hash: 1, compactRevision: 50, counts: {} } };
      },
    };
    const fleet = createStubFleet({ answers });

    const execution = await fleet.run('backup-fleet');

    expect(execution.status).toBe('SUCCEEDED');
    expect(fleet.calls.filter((call) => call.startsWith('backup-fleet/record-backup')).sort()).toEqual([
      'backup-fleet/record-backup--failed',
      'backup-fleet/record-backup--proven',
    ]);
  });

  it('removes old backups when that is due, and writes down what that came to', async () => {
    const fleet = createStubFleet();

    const execution = await fleet.run('backup-fleet');

    expect(execution.status).toBe('SUCCEEDED');
    expect(fleet.calls.filter((call) => /remov|record/.test(call))).toEqual([
      'backup-fleet/record-backup--proven',
      'backup-fleet/remove-backups',
      'backup-fleet/record-removal--done',
      'backup-fleet/record-copy--done',
    ]);
    expect(fleet.calls).toContain('backup-fleet/copy-backups');
  });

  it('writes down that old backups were not removed, and fails nothing by it', async () => {
    const answers = {
      'remove-backups': () => {
        throw Object.assign(new Error('the newest is not there'), { name: 'RefusedError' });
      },
    };
    const fleet = createStubFleet({ answers });

    const execution = await fleet.run('backup-fleet');

    expect(execution.status).toBe('SUCCEEDED');
    expect(fleet.calls).toContain('backup-fleet/record-removal--failed');
    expect(fleet.calls).not.toContain('backup-fleet/record-removal--done');
    // The copies don't wait for it.
    expect(fleet.calls).toContain('backup-fleet/record-copy--done');
  });

  it('writes down that backups were not copied, and fails nothing by it', async () => {
    const answers = {
      'copy-backups': () => {
        throw Object.assign(new Error('no such bucket'), { name: 'RefusedError' });
      },
    };
    const fleet = createStubFleet({ answers });

    const execution = await fleet.run('backup-fleet');

    expect(execution.status).toBe('SUCCEEDED');
    expect(fleet.calls).toContain('backup-fleet/record-copy--failed');
    expect(fleet.calls).not.toContain('backup-fleet/record-copy--done');
  });

  it('removes nothing while that is not due', async () => {
    const fleet = createStubFleet({ answers: { 'record-backup': () => ({ failures: 0, reason: 'proven', removalDue: false }) } });

    await fleet.run('backup-fleet');

    expect(fleet.calls).toContain('backup-fleet/record-backup--proven');
    expect(fleet.calls.filter((call) => /remov|copy/.test(call))).toEqual([]);
  });

  it('removes nothing after a backup that failed', async () => {
    const answers = {
      'take-snapshot': () => {
        throw Object.assign(new Error('down'), { name: 'BackupNotProvenError' });
      },
    };
    const fleet = createStubFleet({ answers });

    await fleet.run('backup-fleet');

    expect(fleet.calls).toContain('backup-fleet/record-backup--failed');
    expect(fleet.calls).not.toContain('backup-fleet/remove-backups');
  });

  it('takes one backup when two looks find the same one due', async () => {
    const fleet = createStubFleet({ answers: due(CLUSTER) });

    await Promise.all([fleet.world.run('backup-fleet', 'one', {}), fleet.world.run('backup-fleet', 'two', {})]);
    await fleet.world.settle();

    expect(fleet.world.executions.filter(({ machine }) => machine === 'backup-etcd')).toHaveLength(1);
    expect(
      fleet.world.executions.filter(({ machine, status }) => machine === 'backup-fleet' && status === 'SUCCEEDED').length,
    ).toBeGreaterThanOrEqual(2);
  });
});

describe('backup-fleet, every fault at every state', async () => {
  const scenarios = await scenariosFor('backup-fleet', 'backup-fleet');

  it('covers many', () => {
    expect(scenarios.length).toBeGreaterThan(40);
  });

  it.each(scenarios)('$title', async (scenario) => {
    const fleet = createStubFleet({ faults: [scenario.fault] });

    const execution = await fleet.run('backup-fleet');

    expect(fleet.world.unusedFaults()).toEqual([]);
    // What befalls a backup is written down and ends nothing else.
    const inside = [
      'backup-etcd',
      'record-backup--proven',
      'remove-backups--due',
      'remove-backups',
      'record-removal--done',
      'copy-backups',
      'record-copy--done',
      'backup-recorded',
    ];
    if (inside.includes(scenario.state)) expect(execution.status).toBe('SUCCEEDED');
    else expectOutcome(execution, scenario, ['report-backups', 'backups-reported']);
  });
});
