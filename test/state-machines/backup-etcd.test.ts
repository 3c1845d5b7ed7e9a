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
      ...['check-members', 'take-snapshot', 'prove-snapshot', 'prove-api--needed', 'prove-api', 'write-manifest', 'backup-proven'],
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
