import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isReady } from '#domain/drain/marks.ts';
import { mustLeave } from '#domain/drain/pods.ts';
import { instanceOf, isLive } from '#domain/instances.ts';
import { ClusterUnreachableError } from '#model/errors.ts';
import { Node, Pod } from '#model/kubernetes.ts';
import type { Manifest } from '#model/render.ts';
import type { ZonedGroup } from '#ports/instances.ts';
import { releaseNodes } from '../../../functions/cluster/release-nodes.ts';
import { rollNodePools } from '../../../functions/cluster/roll-node-pools.ts';
import { aPod, aRender, CLUSTER, type ClusterWorld, CONTEXT, createClusterWorld, HASH } from '../../support/cluster-world.ts';

const POOLS = ['general', 'batch'];
const RUNS = Number(process.env['FAST_CHECK_RUNS'] ?? 40);
const INPUT = { cluster: CLUSTER, render: { hash: HASH }, deadlineMinutes: 720, permission: { decision: 'go' as const } };

interface Scenario {
  sizes: number[];
  /** Room above the size. */
  room: number[];
  /** How far the minimum is below the size. */
  slack: number;
  surgePercent: number;
  stateful: boolean[];
  /** Every node but the last has a volume. */
  volumes: boolean;
  podsPerNode: number;
  /** An evicted pod goes at the next tick only, and what replaces it is Ready one tick later. */
  slowPods: boolean;
  /** Zones of equally few instances are filled in this order. */
  ties: number;
  addresses: number | undefined;
  /** After how many mutating calls the step breaks, again and again. */
  crashEvery: number;
  /** Every how many ticks somebody runs the clean-up. */
  releaseEvery: number;
  /** Ticks at which an instance ends by itself. */
  losses: number[];
  /** No instance of the first new version ever joins; after so many ticks there is another version. */
  brokenFor?: number;
}

const QUIET: Scenario = {
  sizes: [2, 1],
  room: [1, 1],
  slack: 0,
  surgePercent: 10,
  stateful: [false, false],
  volumes: false,
  podsPerNode: 1,
  slowPods: false,
  ties: 0,
  addresses: 10_000,
  crashEvery: 10_000,
  releaseEvery: 10_000,
  losses: [],
};

const two = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(one, { minLength: 2, maxLength: 2 });
const scenarios = fc.record<Scenario>({
  sizes: two(fc.integer({ min: 1, max: 7 })),
  room: two(fc.integer({ min: 0, max: 4 })),
  slack: fc.integer({ min: 0, max: 1 }),
  surgePercent: fc.integer({ min: 1, max: 100 }),
  stateful: two(fc.boolean()),
  volumes: fc.boolean(),
  podsPerNode: fc.integer({ min: 0, max: 3 }),
  slowPods: fc.boolean(),
  ties: fc.integer({ min: 0, max: 5 }),
  addresses: fc.constantFrom(undefined, 0, 250, 10_000),
  crashEvery: fc.integer({ min: 2, max: 30 }),
  releaseEvery: fc.integer({ min: 5, max: 40 }),
  losses: fc.constant([]),
});

async function build(scenario: Scenario): Promise<ClusterWorld> {
  const world = createClusterWorld();
  const pool = aRender().pools[0];
  if (pool === undefined) throw new Error('the render has no pool');
  const { surgePercent } = scenario;
  await world.deliver(
    aRender({
      pools: POOLS.map((name, index) => ({
        ...pool,
        name,
        size: scenario.sizes[index] ?? 1,
        surgePercent,
        stateful: scenario.stateful[index] ?? false,
      })),
    }),
  );
  POOLS.forEach((name, index) => {
    const size = scenario.sizes[index] ?? 1;
    const max = size + (scenario.room[index] ?? 0);
    world.instances.addGroup(CLUSTER.name, `pool-${name}`, { min: size - scenario.slack, max, desired: size });
  });
  let ties = scenario.ties;
  world.instances.ties = () => ties++;
  world.instances.addresses = scenario.addresses;
  let number = 0;
  for (const node of world.kubernetes.all('Node')) {
    for (let index = 0; index < scenario.podsPerNode; index++) {
      const uid = `rs-${number % 3}`;
      world.kubernetes.put(owned(`pod-${++number}`, node.metadata.name, uid, true));
    }
    const ownerReferences = [{ kind: 'DaemonSet', name: 'agent', uid: 'x', controller: true }];
    world.kubernetes.put(aPod(`agent-${node.metadata.name}`, node.metadata.name, { ownerReferences }));
    if (scenario.volumes && number > 0) attach(world, node.metadata.name);
  }
  for (const name of POOLS) world.instances.setVersion(CLUSTER.name, `pool-${name}`, '2');
  const join = world.instances.onInService;
  world.instances.onInService = (instance, cluster, role) => {
    if (scenario.brokenFor === undefined || instance.launchTemplateVersion !== '2') join(instance, cluster, role);
  };
  return world;
}

function owned(name: string, node: string, uid: string, ready: boolean): Manifest {
  const pod = aPod(name, node, { ownerReferences: [{ kind: 'ReplicaSet', name: uid, uid, controller: true }] });
  return { ...pod, status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] } };
}

function attach(world: ClusterWorld, node: string): void {
  world.kubernetes.put({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'VolumeAttachment',
    metadata: { name: `va-${node}` },
    spec: { nodeName: node },
  });
}

/** The volume of a node goes with its last pod. */
function detach(world: ClusterWorld): void {
  const pods = world.kubernetes.all('Pod').map((pod) => Pod.parse(pod));
  for (const { metadata, spec } of world.kubernetes.all('VolumeAttachment').map((one) => one as Manifest & { spec: { nodeName: string } }))
    if (!pods.some((pod) => pod.spec.nodeName === spec.nodeName && mustLeave(pod)))
      void world.kubernetes.delete({ apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttachment', name: metadata.name });
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
    setRebalance: crash(world.instances.setRebalance),
    setNote: crash(world.instances.setNote),
  });
  return {
    off() {
      on = false;
    },
  };
}

async function groupsOf(world: ClusterWorld): Promise<ZonedGroup[]> {
  const groups = await Promise.all(POOLS.map((name) => world.instances.group(CLUSTER.name, `pool-${name}`)));
  return groups.flatMap((group) => (group === undefined ? [] : [group]));
}

interface Sight {
  readonly groups: readonly ZonedGroup[];
  readonly nodes: readonly Node[];
  /** Live nodes that are cordoned. */
  readonly cordoned: readonly { readonly name: string; readonly zone: string }[];
  /** Zones with a live node or a new instance that is not Ready. */
  readonly sick: ReadonlySet<string>;
}

async function seeIn(world: ClusterWorld): Promise<Sight> {
  const groups = await groupsOf(world);
  const nodes = world.kubernetes.all('Node').map((node) => Node.parse(node));
  const live = groups.flatMap(({ instances, launchTemplateVersion }) =>
    instances.filter(isLive).map((instance) => ({ ...instance, fresh: instance.launchTemplateVersion === launchTemplateVersion })),
  );
  const nodeOf = new Map(nodes.map((node) => [instanceOf(node.spec.providerID), node]));
  return {
    groups,
    nodes,
    cordoned: live.flatMap(({ id, zone }) => (nodeOf.get(id)?.spec.unschedulable === true ? [{ name: id, zone }] : [])),
    sick: new Set(
      live.flatMap(({ id, zone, fresh }) => {
        const node = nodeOf.get(id);
        const bad = node === undefined ? fresh : !isReady(node);
        return bad && node?.spec.unschedulable !== true ? [zone] : [];
      }),
    ),
  };
}

/** What must hold whenever somebody looks. */
function assertSafe(world: ClusterWorld, scenario: Scenario, before: Sight, now: Sight): void {
  expect(new Set(now.cordoned.map(({ zone }) => zone)).size, 'zones in which nodes are drained').toBeLessThanOrEqual(1);
  const begun = now.cordoned.filter(({ name }) => !before.cordoned.some((one) => one.name === name));
  for (const { zone } of begun)
    expect(
      [...before.sick].filter((sick) => sick !== zone),
      `not Ready elsewhere as ${zone} began`,
    ).toEqual([]);
  const takers = new Set(now.nodes.filter((node) => isReady(node) && !node.spec.unschedulable).map(({ metadata }) => metadata.name));
  now.groups.forEach((group, index) => {
    expect(group.desired, group.name).toBeGreaterThanOrEqual(group.min);
    expect(group.desired, group.name).toBeLessThanOrEqual(group.max);
    const size = scenario.sizes[index] ?? 1;
    const inPlace = scenario.room[index] === 0 || scenario.addresses === 0;
    if (scenario.losses.length > 0) return;
    const serving = group.instances.filter((instance) => isLive(instance) && takers.has(instance.id)).length;
    expect(serving, `${group.name}: nodes that take pods`).toBeGreaterThanOrEqual(inPlace ? size - 1 : size);
    const drained = group.instances.filter((instance) => now.cordoned.some(({ name }) => name === instance.id)).length;
    if (scenario.stateful[index] === true) expect(drained, `${group.name} is stateful`).toBeLessThanOrEqual(1);
  });
  const pods = world.kubernetes.all('Pod').map((pod) => Pod.parse(pod));
  const ended = now.groups.flatMap(({ instances }) => instances.filter((instance) => !isLive(instance)));
  if (scenario.losses.length === 0)
    for (const { id } of ended)
      expect(
        pods.filter((pod) => pod.spec.nodeName === id && mustLeave(pod)),
        `pods on ${id}, which is ended`,
      ).toEqual([]);
}

/** An evicted pod is made anew on a node that takes pods. */
function reschedule(world: ClusterWorld, pod: Manifest, ready = true): void {
  const { name } = pod.metadata;
  const { spec, metadata } = Pod.parse(pod);
  const target = world.kubernetes
    .all('Node')
    .map((node) => Node.parse(node))
    .find((node) => !node.spec.unschedulable && node.metadata.name !== spec.nodeName);
  void world.kubernetes.delete({ apiVersion: 'v1', kind: 'Pod', namespace: 'default', name });
  const uid = metadata.ownerReferences[0]?.uid;
  if (uid !== undefined) world.kubernetes.put(owned(`${name}x`, target?.metadata.name ?? '', uid, ready && target !== undefined));
}

/** What the rest of the world does between two looks. */
function tick(world: ClusterWorld): void {
  for (const pod of world.kubernetes.all('Pod')) {
    const { metadata, spec, status } = Pod.parse(pod);
    const gone = world.kubernetes.all('Node').every((node) => node.metadata.name !== spec.nodeName);
    if (metadata.deletionTimestamp !== undefined) reschedule(world, pod, false);
    else if (gone) reschedule(world, pod);
    else if (status.conditions.some((condition) => condition.status === 'False'))
      world.kubernetes.put(owned(metadata.name, spec.nodeName, metadata.ownerReferences[0]?.uid ?? '', true));
  }
  detach(world);
  world.instances.tick();
  world.pass(3);
}

async function roll(world: ClusterWorld, scenario: Scenario): Promise<boolean> {
  const crashing = makeCrashing(world, scenario.crashEvery);
  world.kubernetes.onEvict = (pod) => {
    if (scenario.slowPods) world.kubernetes.put({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-02T00:00:00Z' } });
    else reschedule(world, pod);
  };
  let done = false;
  for (let turn = 1; !done && turn < 600; turn++) {
    if (turn > 300) crashing.off();
    if (turn % scenario.releaseEvery === 0 && turn < 300) await releaseNodes.run(INPUT, world.ports, CONTEXT).catch(onlyBroken);
    const before = await seeIn(world);
    const result = await rollNodePools.run(INPUT, world.ports, CONTEXT).catch(onlyBroken);
    done = result?.done === true && turn > (scenario.brokenFor ?? 0);
    assertSafe(world, scenario, before, await seeIn(world));
    tick(world);
    if (turn === scenario.brokenFor) for (const name of POOLS) world.instances.setVersion(CLUSTER.name, `pool-${name}`, '3');
    if (scenario.losses.includes(turn)) {
      const instances = (await groupsOf(world)).flatMap((group) => group.instances.filter(isLive));
      world.instances.lose(instances[turn % instances.length]?.id ?? '');
    }
  }
  return done;
}

function onlyBroken(error: unknown): undefined {
  if (!(error instanceof ClusterUnreachableError)) throw error;
  return undefined;
}

async function assertEnded(world: ClusterWorld, scenario: Scenario): Promise<void> {
  const { groups, nodes } = await seeIn(world);
  groups.forEach((group, index) => {
    expect(
      group.instances.filter(isLive).map((instance) => instance.launchTemplateVersion),
      group.name,
    ).toEqual(group.instances.filter(isLive).map(() => (scenario.brokenFor === undefined ? '2' : '3')));
    expect(group.desired, `${group.name} ends with the size it began with`).toBe(scenario.sizes[index]);
    expect([group.rebalances, group.note], `${group.name} balances its zones again`).toEqual([true, undefined]);
    const perZone = group.zones.map((zone) => group.instances.filter((instance) => isLive(instance) && instance.zone === zone).length);
    if (scenario.losses.length === 0 && group.instances.every(isLive))
      expect(Math.max(...perZone) - Math.min(...perZone), `${group.name} over zones ${perZone.join(' ')}`).toBeLessThanOrEqual(1);
  });
  for (const { metadata, spec } of nodes) {
    expect(Object.keys(metadata.annotations), metadata.name).toEqual([]);
    expect([spec.unschedulable, spec.taints, metadata.labels['lifecycle-status'] ?? 'ready'], metadata.name).toEqual([false, [], 'ready']);
  }
}

async function assertEnds(scenario: Scenario): Promise<void> {
  const world = await build(scenario);

  const done = await roll(world, scenario);

  expect(done, 'ends').toBe(true);
  await assertEnded(world, scenario);
}

describe('rolling the node pools', () => {
  it('is safe at every moment and always ends, whatever breaks in between', async () => {
    await fc.assert(
      fc.asyncProperty(scenarios, async (scenario) => {
        await assertEnds(scenario);
      }),
      { numRuns: RUNS },
    );
  }, 120_000);

  it('ends as it began although instances end by themselves meanwhile', async () => {
    const losses = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(scenarios, losses, async (quiet, when) => {
        const scenario = { ...quiet, losses: when, releaseEvery: 10_000, slack: 0 };
        await assertEnds(scenario);
      }),
      { numRuns: Math.ceil(RUNS / 2) },
    );
  }, 120_000);

  it('ends although no instance of a version before ever joined', async () => {
    await fc.assert(
      fc.asyncProperty(scenarios, fc.integer({ min: 1, max: 40 }), async (working, brokenFor) => {
        const scenario = { ...working, brokenFor };
        await assertEnds(scenario);
      }),
      { numRuns: Math.ceil(RUNS / 2) },
    );
  }, 120_000);

  it('does nothing when it is called again after the end', async () => {
    const world = await build(QUIET);
    await roll(world, QUIET);
    const before = [...world.instances.calls, ...world.kubernetes.calls];

    const again = await rollNodePools.run(INPUT, world.ports, CONTEXT);

    expect(again).toMatchObject({ done: true, remaining: 0 });
    expect([...world.instances.calls, ...world.kubernetes.calls].slice(-1)).toEqual(before.slice(-1));
    expect([...world.instances.calls, ...world.kubernetes.calls]).toHaveLength(before.length);
    expect(before.filter((call) => call.startsWith('terminate'))).toHaveLength(3);
  });
});
