import { describe, expect, it } from 'vitest';
import { CLUSTER } from '../support/cluster-ref.ts';
import { expectOutcome } from '../support/state-machines/outcome.ts';
import { scenariosFor } from '../support/state-machines/scenarios.ts';
import { createStubFleet } from '../support/state-machines/stub-fleet.ts';

describe('backup-etcd', () => {
  it('checks, takes, proves, and writes the manifest last', async () => {
    const fleet = createStubFleet();

    const execution = await fleet.run('backup-etcd');

    expect(execution.history.entered()).toEqual([
      ...[
        'check-members',
        'take-snapshot',
        'prove-hash--needed',
        'prove-snapshot',
        'prove-api--needed',
        'prove-api',
        'write-manifest',
        'backup-proven',
      ],
    ]);
    expect(execution.output).toMatchObject({ writeManifest: { proven: true } });
  });

  it('starts no API server when no drill is wanted', async () => {
    const fleet = createStubFleet();

    const execution = await fleet.run('backup-etcd', { cluster: CLUSTER, progress: null, drill: false });

    expect(execution.status).toBe('SUCCEEDED');
    expect(execution.history.entered()).not.toContain('prove-api');
  });

  it('restores a backup whose caller says nothing of it', async () => {
    const fleet = createStubFleet();

    const execution = await fleet.run('backup-etcd', { cluster: CLUSTER, progress: null });

    expect(execution.status).toBe('SUCCEEDED');
    expect(execution.history.entered()).toContain('prove-api');
  });
});

/** As a scheduled one, which leaves L3 to what members record. */
const AWAITS = { answers: { 'take-snapshot': () => ({ bytes: 1, revision: 100, file: { hash: 1 }, compactionSeconds: 330 }) } };

describe('backup-etcd that leaves L3 to what members record', async () => {
  const scenarios = (await scenariosFor('backup-etcd', 'backup-etcd', AWAITS)).filter(({ state }) => state.startsWith('prove-hash'));

  it('awaits the next compaction, before it proves the rest', async () => {
    const fleet = createStubFleet(AWAITS);

    const execution = await fleet.run('backup-etcd');

    const entered = execution.history.entered();
    expect(entered.slice(entered.indexOf('prove-hash--needed'), entered.indexOf('prove-snapshot') + 1)).toEqual([
      ...['prove-hash--needed', 'prove-hash--wait', 'prove-hash', 'prove-snapshot--needed', 'prove-snapshot'],
    ]);
    expect(execution.status).toBe('SUCCEEDED');
  });

  it('reads the object back once where no drill is wanted', async () => {
    const fleet = createStubFleet(AWAITS);

    const execution = await fleet.run('backup-etcd', { cluster: CLUSTER, progress: null, drill: false });

    expect(execution.status).toBe('SUCCEEDED');
    expect(execution.history.entered().slice(-4)).toEqual(['prove-hash', 'prove-snapshot--needed', 'write-manifest', 'backup-proven']);
  });

  it('covers many', () => {
    expect(scenarios.length).toBeGreaterThan(20);
  });

  it.each(scenarios)('$title', async (scenario) => {
    const fleet = createStubFleet({ ...AWAITS, faults: [scenario.fault] });

    const execution = await fleet.run('backup-etcd');

    expect(fleet.world.unusedFaults()).toEqual([]);
    expectOutcome(execution, scenario, ['write-manifest', 'backup-proven']);
    if (execution.status !== 'SUCCEEDED') expect(execution.history.entered()).not.toContain('write-manifest');
  });
});

describe('backup-etcd, every fault at every state', async () => {
  const scenarios = await scenariosFor('backup-etcd', 'backup-etcd');

  it('covers many', () => {
    expect(scenarios.length).toBeGreaterThan(60);
  });

  it.each(scenarios)('$title', async (scenario) => {
    const fleet = createStubFleet({ faults: [scenario.fault] });

    const execution = await fleet.run('backup-etcd');

    expect(fleet.world.unusedFaults()).toEqual([]);
    expectOutcome(execution, scenario, ['write-manifest', 'backup-proven']);
    const afterFailure = execution.history.entered().slice(execution.history.entered().indexOf(scenario.state) + 1);
    if (execution.status !== 'SUCCEEDED' && scenario.state !== 'backup-proven') expect(afterFailure).not.toContain('backup-proven');
  });
});
