import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLive } from '#domain/instances.ts';
import { mustLeave } from '#domain/roll-nodes.ts';
import { ClusterUnreachableError } from '#model/errors.ts';
import { Node, Pod } from '#model/kubernetes.ts';
import type { Manifest } from '#model/render.ts';
import type { InstanceGroup } from '#ports/instances.ts';
import { releaseNodes } from '../../../functions/cluster/release-nodes.ts';
import { rollNodePools } from '../../../functions/cluster/roll-node-pools.ts';
import { aPod, aRender, CLUSTER, type ClusterWorld, CONTEXT, createClusterWorld, HASH } from '../../support/cluster-world.ts';

const POOLS = ['general', 'batch'];
const INPUT = { cluster: CLUSTER, render: { hash: HASH }, deadlineMinutes: 720 };

interface Scenario {
  sizes: number[];
  /** Room above the size. */
  room: number[];
  /** How far the minimum is below the size. */
  slack: number;
  podsPerNode: number;
  /** An evicted pod goes at the next tick only. */
  slowPods: boolean;
  /** After how many mutating calls the step breaks, again and again. */
  crashEvery: number;
  /** Every how many ticks somebody runs the clean-up. */
  releaseEvery: number;
}

const scenarios = fc.record<Scenario>({
  sizes: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 2 }),
  room: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 2, maxLength: 2 }),
  slack: fc.integer({ min: 0, max: 1 }),
  podsPerNode: fc.integer({ min: 0, max: 3 }),
  slowPods: fc.boolean(),
  crashEvery: fc.integer({ min: 2, max: 30 }),
  releaseEvery: fc.integer({ min: 5, max: 40 }),
});

async function build(scenario: Scenario): Promise<ClusterWorld> {
  const world = createClusterWorld();
  const pool = aRender().pools[0];
  if (pool === undefined) throw new Error('the render has no pool');
  await world.deliver(aRender({ pools: POOLS.map((name, index) => ({ ...pool, name, size: scenario.sizes[index] ?? 1 })) }));
  POOLS.forEach((name, index) => {
    const size = scenario.sizes[index] ?? 1;
    world.instances.addGroup(CLUSTER.name, `pool-${name}`, {
      min: size - scenario.slack,
      max: size + (scenario.room[index] ?? 0),
      desired: size,
    });
  });
  let number = 0;
  for (const node of world.kubernetes.all('Node')) {
    for (let index = 0; index < scenario.podsPerNode; index++) world.kubernetes.put(aPod(`pod-${++number}`, node.metadata.name));
    const ownerReferences = [{ kind: 'DaemonSet', name: 'agent', uid: 'x', controller: true }];
    world.kubernetes.put(aPod(`agent-${node.metadata.name}`, node.metadata.name, { ownerReferences }));
  }
  for (const name of POOLS) world.instances.setVersion(CLUSTER.name, `pool-${name}`, '2');
  return world;
}

/** Fails every n-th mutating call, before or after it took effect. */
function makeCrashing(world: ClusterWorld, every: number): { off(): void } {
  let calls = 0;
  let on = true;
  const crash = <A extends unknown[], R>(work: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      const fails = on && ++calls % every === 0;
      if (fails && calls % 2 === 0) throw new ClusterUnreachableError('broken before');
      const result = await work(...args);
      if (fails) throw new ClusterUnreachableError('broken after');
      return result;
    };
  };
  Object.assign(world.kubernetes, { patch: crash(world.kubernetes.patch), evict: crash(world.kubernetes.evict) });
  Object.assign(world.instances, {
    terminate: crash(world.instances.terminate),
    setDesiredCapacity: crash(world.instances.setDesiredCapacity),
  });
  return {
    off() {
      on = false;
    },
  };
}

async function groupsOf(world: ClusterWorld): Promise<InstanceGroup[]> {
  const groups = await Promise.all(POOLS.map((name) => world.instances.group(CLUSTER.name, `pool-${name}`)));
  return groups.flatMap((group) => (group === undefined ? [] : [group]));
}

/** What must hold whenever somebody looks. */
async function assertSafe(world: ClusterWorld): Promise<void> {
  const groups = await groupsOf(world);
  const instances = groups.flatMap((group) => group.instances);
  const nodes = world.kubernetes.all('Node').map((node) => Node.parse(node));
  const live = new Set(instances.filter(isLive).map(({ id }) => id));
  const draining = nodes.filter(({ metadata, spec }) => spec.unschedulable && live.has(metadata.name));
  expect(draining.length, 'nodes draining at once').toBeLessThanOrEqual(1);
  for (const group of groups) {
    expect(group.desired, group.name).toBeGreaterThanOrEqual(group.min);
    expect(group.desired, group.name).toBeLessThanOrEqual(group.max);
    const serving = group.instances.filter(isLive).length;
    expect(serving, `${group.name} without room for one more may miss one`).toBeGreaterThanOrEqual(
      group.max > group.min ? group.min : group.min - 1,
    );
  }
  const pods = world.kubernetes.all('Pod').map((pod) => Pod.parse(pod));
  for (const { id } of instances.filter((instance) => !isLive(instance)))
    expect(
      pods.filter((pod) => pod.spec.nodeName === id && mustLeave(pod)),
      `pods on ${id}, which is ended`,
    ).toEqual([]);
}

/** An evicted pod is made anew on a node that takes pods. */
function reschedule(world: ClusterWorld, pod: Manifest): void {
  const { name } = pod.metadata;
  const from = Pod.parse(pod).spec.nodeName;
  const target = world.kubernetes
    .all('Node')
    .map((node) => Node.parse(node))
    .find(({ metadata, spec }) => !spec.unschedulable && metadata.name !== from);
  void world.kubernetes.delete({ apiVersion: 'v1', kind: 'Pod', namespace: 'default', name });
  if (target !== undefined) world.kubernetes.put(aPod(`${name}x`, target.metadata.name));
}

describe('rolling the node pools', () => {
  it('is safe at every moment and always ends, whatever breaks in between', async () => {
    await fc.assert(
      fc.asyncProperty(scenarios, async (scenario) => {
        const world = await build(scenario);
        const crashing = makeCrashing(world, scenario.crashEvery);
        world.kubernetes.onEvict = (pod) => {
          if (scenario.slowPods) world.kubernetes.put({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: 'now' } });
          else reschedule(world, pod);
        };
        let done = false;
        for (let tick = 1; !done && tick < 400; tick++) {
          if (tick > 200) crashing.off();
          if (tick % scenario.releaseEvery === 0 && tick < 200) await releaseNodes.run(INPUT, world.ports, CONTEXT);
          try {
            done = (await rollNodePools.run(INPUT, world.ports, CONTEXT)).done;
          } catch (error) {
            if (!(error instanceof ClusterUnreachableError)) throw error;
          }
          await assertSafe(world);
          for (const pod of world.kubernetes.all('Pod')) if (pod.metadata['deletionTimestamp'] !== undefined) reschedule(world, pod);
          world.instances.tick();
          world.pass(3);
        }
        const groups = await groupsOf(world);
        expect(done, 'ends').toBe(true);
        groups.forEach((group, index) => {
          expect(group.instances.filter(isLive).every((instance) => instance.launchTemplateVersion === '2')).toBe(true);
          expect(group.desired, `${group.name} ends with the size it began with`).toBe(scenario.sizes[index]);
        });
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it('does nothing when it is called again after the end', async () => {
    const world = await build({
      sizes: [2, 1],
      room: [1, 1],
      slack: 0,
      podsPerNode: 1,
      slowPods: false,
      crashEvery: 1000,
      releaseEvery: 1000,
    });
    for (let tick = 0; tick < 100; tick++) {
      if ((await rollNodePools.run(INPUT, world.ports, CONTEXT)).done) break;
      world.instances.tick();
      world.pass(3);
    }
    const before = [...world.instances.calls, ...world.kubernetes.calls];

    const again = await rollNodePools.run(INPUT, world.ports, CONTEXT);

    expect(again).toMatchObject({ done: true, remaining: 0 });
    expect([...world.instances.calls, ...world.kubernetes.calls]).toEqual(before);
    expect(before.filter((call) => call.startsWith('terminate'))).toHaveLength(3);
  });
});
