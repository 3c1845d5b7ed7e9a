import { describe, expect, it } from 'vitest';
import { expectOutcome } from '../support/state-machines/outcome.ts';
import { scenariosFor } from '../support/state-machines/scenarios.ts';
import { createStubFleet } from '../support/state-machines/stub-fleet.ts';

describe('propose-upgrade', () => {
  it('chooses, reports, proposes', async () => {
    const fleet = createStubFleet();

    const execution = await fleet.run('propose-upgrade');

    expect(execution.status).toBe('SUCCEEDED');
    expect(execution.history.entered()).toEqual([
      ...['choose-upgrade', 'choose-upgrade--found', 'report-upgrade', 'propose-upgrade', 'upgrade-proposed'],
    ]);
  });

  it('ends when there is nothing to propose', async () => {
    const fleet = createStubFleet({ answers: { 'choose-upgrade': () => ({ decision: 'nothing' }) } });

    const execution = await fleet.run('propose-upgrade');

    expect(execution.status).toBe('SUCCEEDED');
    expect(execution.history.entered()).toEqual(['choose-upgrade', 'choose-upgrade--found', 'nothing-to-propose']);
  });
});

describe('propose-upgrade, every fault at every state', async () => {
  const scenarios = await scenariosFor('propose-upgrade', 'propose-upgrade');

  it('covers many', () => {
    expect(scenarios.length).toBeGreaterThan(40);
  });

  it.each(scenarios)('$title', async (scenario) => {
    const fleet = createStubFleet({ faults: [scenario.fault] });

    const execution = await fleet.run('propose-upgrade');

    expect(fleet.world.unusedFaults()).toEqual([]);
    expectOutcome(execution, scenario, ['propose-upgrade', 'upgrade-proposed']);
  });
});
