import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byGeneration } from '#domain/instances.ts';
import { type ControlPlaneObservation, decideControlPlane } from '#domain/roll-control-plane.ts';
import type { Instance, InstanceGroup } from '#ports/instances.ts';
import type { ApiProbe } from '#ports/kubernetes.ts';

const WANTED = '1.36.3';

interface World {
  group: InstanceGroup;
  /** Instances whose API server is ready at its own address. */
  readonly ready: Set<string>;
  last: number;
}

const event = fc.oneof(
  { weight: 6, arbitrary: fc.constant('time' as const) },
  { weight: 2, arbitrary: fc.constant('sick' as const) },
  { weight: 2, arbitrary: fc.constant('unmet' as const) },
  { weight: 1, arbitrary: fc.constant('crash' as const) },
  { weight: 1, arbitrary: fc.constant('skew' as const) },
);

function start(min: number): World {
  const instances = Array.from({ length: min }, (_, index) => instance(`i-${index + 1}`, '1', 'InService'));
  const group = { name: 'cp', min, max: min + 1, desired: min, launchTemplateVersion: '2', instances };
  return { group, ready: new Set(instances.map(({ id }) => id)), last: min };
}

function instance(id: string, launchTemplateVersion: string, lifecycleState: string): Instance {
  return { id, zone: 'eu-central-1a', lifecycleState, healthStatus: 'Healthy', launchTemplateVersion };
}

/** Instances that end are gone, those that boot serve, and the group starts what it lacks. */
function pass(world: World, sick: boolean): void {
  const left = world.group.instances.filter(({ lifecycleState }) => lifecycleState !== 'Terminating');
  const served = left.map((one) => (one.lifecycleState === 'Pending' ? { ...one, lifecycleState: 'InService' } : one));
  for (const one of served) if (!sick) world.ready.add(one.id);
  const missing = Math.max(0, world.group.desired - served.length);
  const fresh = Array.from({ length: missing }, () => instance(`i-${++world.last}`, '2', 'Pending'));
  world.group = { ...world.group, instances: [...served, ...fresh] };
}

function observe(world: World, unmet: boolean): ControlPlaneObservation {
  const serving = world.group.instances.filter(({ id, lifecycleState }) => lifecycleState === 'InService' && world.ready.has(id));
  const probeOf = (one: Instance): ApiProbe => {
    const good = world.ready.has(one.id) && one.lifecycleState === 'InService';
    const version = one.launchTemplateVersion === '2' ? WANTED : '1.35.4';
    return good
      ? { ready: true, version, server: one.id, milliseconds: 5, reason: 'ok' }
      : { ready: false, milliseconds: 5, reason: 'connect ECONNREFUSED' };
  };
  const met = unmet ? serving.filter(({ launchTemplateVersion }) => launchTemplateVersion === '1') : serving;
  const down: ApiProbe = { ready: false, milliseconds: 5, reason: 'connect ECONNREFUSED' };
  const own = new Map(world.group.instances.map((one) => [one.id, { address: one.id, probe: probeOf(one) }]));
  return { group: world.group, probes: met.length === 0 ? [down] : met.map(probeOf), own, version: WANTED, skew: [] };
}

describe('whatever happens while the control plane is replaced', () => {
  it('an old one ends only beside new ones that serve, the group keeps its minimum, and all are new in the end', () => {
    let rolled = 0;
    fc.assert(
      fc.property(fc.constantFrom(1, 2), fc.array(event, { maxLength: 25 }), (min, events) => {
        const world = start(min);
        const queue = [...events];
        for (let looks = 0; looks < 80; looks += 1) {
          const what = queue.shift() ?? 'time';
          if (what === 'crash') {
            const [first] = byGeneration(world.group).fresh;
            if (first !== undefined) world.ready.delete(first.id);
          }
          const seen = observe(world, what === 'unmet');
          const decision = decideControlPlane(what === 'skew' ? { ...seen, skew: ['too far'] } : seen);
          const { old, fresh } = byGeneration(world.group);
          if (what === 'skew' && old.length > 0) expect(decision).toMatchObject({ refused: true });
          if (decision.done) {
            expect(old).toEqual([]);
            rolled += 1;
            return;
          }
          const { action } = decision;
          if (action?.type === 'set-desired') {
            expect(action.desired).toBeLessThanOrEqual(world.group.max);
            world.group = { ...world.group, desired: action.desired };
          }
          if (action?.type === 'terminate') {
            const ended = world.group.instances.find(({ id }) => id === action.instance);
            expect(world.group.desired - 1).toBeGreaterThanOrEqual(min);
            if (ended?.launchTemplateVersion === '1') {
              expect(fresh.length).toBeGreaterThan(0);
              for (const { id } of fresh) expect(seen.probes.some(({ server, ready }) => ready && server === id)).toBe(true);
            }
            const instances = world.group.instances.map((one) =>
              one.id === action.instance ? { ...one, lifecycleState: 'Terminating' } : one,
            );
            world.group = { ...world.group, desired: world.group.desired - 1, instances };
          }
          pass(world, what === 'sick');
        }
        throw new Error('never done');
      }),
      { numRuns: 500 },
    );
    expect(rolled).toBeGreaterThan(400);
  });
});
