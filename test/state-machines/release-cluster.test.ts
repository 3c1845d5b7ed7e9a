import { describe, expect, it } from 'vitest';
import { expectOutcome } from '../support/state-machines/outcome.ts';
import { scenariosFor } from '../support/state-machines/scenarios.ts';
import { CLUSTER, createStubFleet } from '../support/state-machines/stub-fleet.ts';

/** All that comes after the lock is clean-up, which a cancel does not end. */
const LATE = ['lock', 'release-nodes', 'unlock', 'unlock--failed', 'cluster-released'];

describe('release-cluster', () => {
  it('releases the nodes under the lock, and frees it', async () => {
    const fleet = createStubFleet();
    fleet.cordons.set(CLUSTER.name, 'update-a');

    const execution = await fleet.run('release-cluster');

    expect(execution.status).toBe('SUCCEEDED');
    expect(execution.history.entered()).toEqual(['lock', 'release-nodes', 'unlock', 'cluster-released']);
    expect([...fleet.cordons, ...fleet.locks]).toEqual([]);
  });

  it('waits until the lock is handed to it', async () => {
    const fleet = createStubFleet();
    fleet.locks.set(CLUSTER.name, 'update-a');
    const running = fleet.run('release-cluster');

    await fleet.world.until(() => fleet.calls.length >= 2);
    fleet.locks.clear();

    expect((await running).status).toBe('SUCCEEDED');
  });
});

describe('release-cluster, every fault at every state', async () => {
  const scenarios = await scenariosFor('release-cluster', 'release-cluster');

  it('covers many', () => {
    expect(scenarios.length).toBeGreaterThan(40);
  });

  it.each(scenarios)('$title', async (scenario) => {
    const fleet = createStubFleet({ faults: [scenario.fault], cleansUpAfterEnd: false });

    const execution = await fleet.run('release-cluster');

    expect(fleet.world.unusedFaults()).toEqual([]);
    expectOutcome(execution, scenario, LATE);
    if (scenario.uncatchable || (scenario.state.startsWith('unlock') && execution.status !== 'SUCCEEDED'))
      expect(fleet.ended).toContain(execution);
    else expect([...fleet.locks]).toEqual([]);
  });
});
