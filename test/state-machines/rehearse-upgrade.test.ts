import { describe, expect, it } from 'vitest';
import { expectOutcome } from '../support/state-machines/outcome.ts';
import { errorChain, scenariosFor } from '../support/state-machines/scenarios.ts';
import { createStubFleet } from '../support/state-machines/stub-fleet.ts';

describe('rehearse-upgrade', () => {
  it('checks the backup, serves it by the versions to come, and keeps what came of it', async () => {
    const fleet = createStubFleet();

    const execution = await fleet.run('rehearse-upgrade');

    expect(execution.status).toBe('SUCCEEDED');
    expect(execution.history.entered()).toEqual(['check-rehearsal', 'prove-upgrade', 'record-rehearsal', 'upgrade-rehearsed']);
  });

  it.each([
    ['check-rehearsal', 'BackupNotProvenError', []],
    ['prove-upgrade', 'RefusedError', ['check-rehearsal']],
  ])('keeps nothing when %s ends with %s', async (state, error, before) => {
    const fleet = createStubFleet({ faults: [{ machine: 'rehearse-upgrade', state, kind: 'error', error }] });

    const execution = await fleet.run('rehearse-upgrade');

    expect(execution.status).toBe('FAILED');
    expect(errorChain(execution)).toEqual([error]);
    expect(execution.history.entered()).toEqual([...before, state, 'upgrade-not-rehearsed']);
  });
});

describe('rehearse-upgrade, every fault at every state', async () => {
  const scenarios = await scenariosFor('rehearse-upgrade', 'rehearse-upgrade');

  it('covers many', () => {
    expect(scenarios.length).toBeGreaterThan(45);
  });

  it.each(scenarios)('$title', async (scenario) => {
    const fleet = createStubFleet({ faults: [scenario.fault] });

    const execution = await fleet.run('rehearse-upgrade');

    expect(fleet.world.unusedFaults()).toEqual([]);
    expectOutcome(execution, scenario, ['record-rehearsal', 'upgrade-rehearsed']);
    // It changes no cluster, so there is nothing that it could leave.
    expect([...fleet.clusters, ...fleet.slots, ...fleet.locks]).toEqual([]);
  });
});
