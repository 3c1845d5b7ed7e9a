import { describe, expect, it } from 'vitest';
import type { Fleet } from '../support/faults/fleet.ts';
import { begin, inputOf } from '../support/faults/run.ts';

/** States that one execution and what it started have entered. */
function transitions(fleet: Fleet, from: number): number {
  return fleet.world.executions.slice(from).reduce((sum, { history }) => sum + history.entered().length, 0);
}

/** All that is in the cluster, with what each write to it counts. */
function everything({ hardware }: Fleet): string[] {
  const objects = hardware.api().everything();
  return objects.map((object) => JSON.stringify(object)).sort();
}

async function withFleet(test: (fleet: Fleet) => Promise<void>): Promise<void> {
  const fleet = await begin('settings');
  try {
    await test(fleet);
  } finally {
    fleet.close();
  }
}

describe('two rolls of an unchanged revision, one after the other', () => {
  it('the second finds by the record that there is nothing to do', () =>
    withFleet(async (fleet) => {
      const { machine, input } = inputOf('create');
      const [from, before] = [fleet.world.executions.length, fleet.calls.changes.length];

      const second = await fleet.run(machine, 'second', input);

      expect(second.status).toBe('SUCCEEDED');
      expect(fleet.calls.changes.slice(before)).toEqual([]);
      expect(transitions(fleet, from)).toBeLessThanOrEqual(60);
    }));

  it('the second changes nothing when it must look at everything, since the settings have other words', () =>
    withFleet(async (fleet) => {
      const { machine, input } = inputOf('settings');
      const [from, before, objects] = [fleet.world.executions.length, fleet.calls.changes.length, everything(fleet)];
      const [stacks, instances] = [[...fleet.cloud.stacks.calls], [...fleet.cloud.instances.calls]];

      const second = await fleet.run(machine, 'second', input);

      expect(second.status).toBe('SUCCEEDED');
      expect(second.history.entered()).toEqual(
        expect.arrayContaining(['roll-etcd-members', 'roll-control-plane', 'roll-node-pools', 'prune']),
      );
      const changes = fleet.calls.changes.slice(before);
      expect(changes.filter((change) => / (kubernetes|instances|stacks|etcd|secrets)\./.test(change))).toEqual([]);
      expect(everything(fleet)).toEqual(objects);
      expect([fleet.cloud.stacks.calls, fleet.cloud.instances.calls]).toEqual([stacks, instances]);
      // A backup with it, and each phase looked at: more than where the record says that nothing is to be done.
      expect(transitions(fleet, from)).toBeLessThanOrEqual(70);
    }));
});
