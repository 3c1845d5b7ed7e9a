import { describe, expect, it } from 'vitest';
import type { Manifest } from '#model/render.ts';
import { awaitNodes } from '../../../functions/cluster/await-nodes.ts';
import { reportDrain } from '../../../functions/cluster/report-drain.ts';
import { rollNodePools } from '../../../functions/cluster/roll-node-pools.ts';
import { aPod, aRender, CLUSTER, type ClusterWorld, CONTEXT, createClusterWorld, HASH } from '../../support/cluster-world.ts';
import { tasksOf } from '../../support/tasks.ts';

const GO = { decision: 'go' } as const;
const INPUT = { cluster: CLUSTER, render: { hash: HASH }, deadlineMinutes: 100_000, permission: GO };
const HOUR = 3600;
type Output = Awaited<ReturnType<typeof rollNodePools.run>>;

/** Three old nodes; the one of zone b is the first to be drained. */
async function aRoll(pods: (node: string) => Manifest[] = () => []): Promise<ClusterWorld> {
  const world = createClusterWorld();
  await world.deliver(aRender());
  world.instances.addGroup(CLUSTER.name, 'pool-general', { min: 3, max: 6, desired: 3 });
  for (const object of pods('i-0002')) world.kubernetes.put(object);
  world.instances.ties = () => 0;
  world.instances.setVersion(CLUSTER.name, 'pool-general', '2');
  return world;
}

/** Looks until nothing is left to be done at once, as the state machine would. */
async function look(world: ClusterWorld, previous?: Output, change: object = {}): Promise<Output> {
  const result = await rollNodePools.run(
    { ...INPUT, ...(previous === undefined ? {} : { rollNodePools: previous }), ...change },
    world.ports,
    CONTEXT,
  );
  world.instances.tick();
  return result;
}

function guarded(name: string, node: string, created = '2025-12-01T00:00:00Z'): Manifest {
  const ownerReferences = [{ kind: 'ReplicaSet', name: 'db', uid: 'db', controller: true }];
  return aPod(name, node, { labels: { app: 'db', team: 'shop' }, creationTimestamp: created, ownerReferences });
}

const BUDGET: Manifest = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'db', namespace: 'default' },
  spec: { maxUnavailable: 0, selector: { matchLabels: { app: 'db' } } },
};

/** A drain that a budget blocks, at its third look. */
async function blocked(
  kind?: 'budgets' | 'uncounted' | 'refusal',
  pods = ['db-1', 'db-2'],
): Promise<{ world: ClusterWorld; last: Output }> {
  const world = await aRoll((node) => [BUDGET, ...pods.map((name) => guarded(name, node))]);
  for (const name of pods) {
    world.kubernetes.blocked.set(`default/${name}`, 'the disruption budget db needs 2');
    if (kind !== undefined) world.kubernetes.blockedBy.set(`default/${name}`, kind);
  }
  let last: Output | undefined;
  for (let turn = 0; turn < 4; turn++) last = await look(world, last);
  if (last === undefined) throw new Error('no look');
  return { world, last };
}

const podsOf = (world: ClusterWorld): string[] => world.kubernetes.all('Pod').map(({ metadata }) => metadata.name);
const eventsOf = (world: ClusterWorld): unknown[] => world.kubernetes.all('Event').map((event) => [event['reason'], event['message']]);

describe('a drain that a budget blocks', () => {
  it('says who blocks, whose it is, what the server says and when it may be forced', async () => {
    const { world, last } = await blocked();

    world.pass(30 * 60);
    const later = await look(world, last);

    expect(last).toMatchObject({ done: false, forced: [] });
    expect(later.reason).toContain('evicting default/db-1, default/db-2 from i-0002 (for 30 min)');
    expect(later.reason).toMatch(
      /^blocked: default\/db-1 \(team shop\) since 2026-01-01 00:00 UTC: the disruption budget db needs 2; deleted at 2026-01-01 02:00 UTC at the earliest \| default\/db-2/,
    );
    expect(podsOf(world)).toEqual(['db-1', 'db-2']);
  });

  it('is forced, one pod at a time, when grace, age, siblings and spacing allow it; each is written down', async () => {
    const { world, last } = await blocked();
    world.pass(2 * HOUR - 1);
    const before = await look(world, last);
    world.pass(1);

    const first = await look(world, before);
    const again = await look(world, first);
    world.pass(300);
    const second = await look(world, again);

    expect(before.forced).toEqual([]);
    expect([podsOf(world), first.forced.length, again.forced.length]).toEqual([[], 1, 1]);
    expect(second.forced).toMatchObject([
      {
        pod: 'default/db-1',
        node: 'i-0002',
        owner: 'team shop',
        at: '2026-01-01T02:00:00.000Z',
        reason: expect.stringMatching(/^the disruption budget db needs 2; the drain is 2 h old \(needs 2 h\)/),
      },
      { pod: 'default/db-2', node: 'i-0002' },
    ]);
    expect(second.reason).toMatch(
      /deleted by force: default\/db-2 \(team shop\) on i-0002 at .* \| default\/db-1 .*: the disruption budget db needs 2; the drain is 2 h old/,
    );
    expect(eventsOf(world)).toEqual([
      ['ForcedByRoll', expect.stringContaining('Deleted for the replacement of node i-0002: the disruption budget db needs 2')],
      ['ForcedByRoll', expect.any(String)],
    ]);
  });

  it('notes it before the deletion, so that a crash in between does not make it two', async () => {
    const { world, last } = await blocked();
    world.pass(3 * HOUR);
    const remove = world.kubernetes.delete;
    Object.assign(world.kubernetes, {
      delete: async () => {
        throw new Error('ended here');
      },
    });

    await expect(look(world, last)).rejects.toThrow('ended here');
    Object.assign(world.kubernetes, { delete: remove });
    const next = await look(world, last);

    expect([podsOf(world), next.forced, eventsOf(world).length]).toEqual([['db-1', 'db-2'], [], 1]);
  });

  it('of two budgets for one pod is forced as well', async () => {
    const { world, last } = await blocked('budgets', ['db-1']);
    world.pass(3 * HOUR);

    expect((await look(world, last)).forced).toMatchObject([{ pod: 'default/db-1' }]);
  });

  it.each(['refusal', 'uncounted'] as const)('that something else than a budget’s count refuses is never forced: %s', async (kind) => {
    const { world, last } = await blocked(kind);
    world.pass(1000 * HOUR);

    const result = await look(world, last);

    expect([result.forced, podsOf(world)]).toEqual([[], ['db-1', 'db-2']]);
    expect(result.reason).not.toContain('at the earliest');
  });
});

describe('a roll that may not go on', () => {
  it('without the hub’s word touches nothing', async () => {
    const world = await aRoll();
    const { permission: _, ...unasked } = INPUT;

    const result = await rollNodePools.run(rollNodePools.input.parse(unasked), world.ports, CONTEXT);

    expect(result).toMatchObject({ done: false, reason: 'the hub did not say whether nodes may be replaced' });
    expect([...world.instances.calls, ...world.kubernetes.calls]).toEqual([]);
  });

  it('leaves its nodes for later, and those are then as good as new ones', async () => {
    const world = await aRoll();
    const later = { permission: { decision: 'later', reason: 'dev is frozen: sale' } };

    const rolled = await look(world, undefined, later);
    const waiting = await awaitNodes.run(INPUT, world.ports, CONTEXT);
    const awaited = await awaitNodes.run({ ...INPUT, rollNodePools: rolled }, world.ports, CONTEXT);

    expect(rolled).toMatchObject({ done: true, remaining: 3, deferred: { nodes: 3, reason: 'dev is frozen: sale' } });
    expect(rolled.reason).toBe('3 nodes are left to a later update: dev is frozen: sale');
    expect([waiting.done, awaited.done]).toEqual([false, true]);
    expect([...world.instances.calls, ...world.kubernetes.calls]).toEqual([]);
  });

  it('half-way finishes what is begun, gives the rest back, and the next one goes on from there', async () => {
    const world = await aRoll();
    let last: Output | undefined;
    const frozen = { permission: { decision: 'later', reason: 'sale' } };
    for (let turn = 0; turn < 3; turn++) last = await look(world, last);
    for (let turn = 0; turn < 20 && last?.done !== true; turn++) {
      world.pass(3);
      last = await look(world, last, frozen);
    }
    const left = last;
    const marks = world.kubernetes.all('Node').flatMap((node) => Object.keys((node.metadata['annotations'] as object | undefined) ?? {}));
    last = undefined;
    for (let turn = 0; turn < 60 && last?.done !== true; turn++) {
      world.pass(3);
      last = await look(world, last);
    }
    const group = await world.instances.group(CLUSTER.name, 'pool-general');

    expect(left?.deferred?.nodes).toBe(2);
    expect(marks).toEqual([]);
    expect(last).toMatchObject({ done: true, deferred: null, remaining: 0 });
    expect([group?.desired, group?.note, group?.rebalances]).toEqual([3, undefined, true]);
  });
});

describe('the report before a drain', () => {
  it('tells of what runs on old nodes, in the words of the check', async () => {
    const world = await aRoll((node) => [BUDGET, guarded('db-1', node), aPod('lone', node, { labels: { team: 'ops' } })]);

    const report = await reportDrain.run(INPUT, world.ports, CONTEXT);

    expect(report).toMatchObject({ done: true, nodes: 3, more: 0 });
    expect(report.risks.map(({ kind, object, owner }) => `${kind} ${object} ${owner}`)).toEqual([
      'budget PodDisruptionBudget default/db team shop',
      'bare-pod Pod default/lone team ops',
      'single-replica ReplicaSet default/db team shop',
    ]);
    expect(report.reason).toContain(
      '3 nodes are replaced; to know: PodDisruptionBudget default/db (team shop): it never lets its only pod go',
    );
  });

  it('asks the cluster nothing when no node is old', async () => {
    const world = await aRoll();
    world.instances.setVersion(CLUSTER.name, 'pool-general', '1');
    world.kubernetes.unreachable = true;

    expect(await reportDrain.run(INPUT, world.ports, CONTEXT)).toMatchObject({ reason: 'no node is replaced', risks: [] });
  });
});

describe('what a roll costs', () => {
  it('is at most 12 transitions a node, with the times of AWS', async () => {
    const world = createClusterWorld();
    const [pool] = aRender().pools;
    if (pool === undefined) throw new Error('no pool');
    const names = ['general', 'batch'];
    await world.deliver(aRender({ pools: names.map((name) => ({ ...pool, name })) }));
    for (const name of names) world.instances.addGroup(CLUSTER.name, `pool-${name}`, { min: 3, max: 6, desired: 3 });
    for (const { metadata } of world.kubernetes.all('Node'))
      world.kubernetes.put(
        aPod(`web-${metadata.name}`, metadata.name, { ownerReferences: [{ kind: 'ReplicaSet', name: 'w', uid: 'w', controller: true }] }),
      );
    for (const name of names) world.instances.setVersion(CLUSTER.name, `pool-${name}`, '2');
    const leaves = new Map<string, number>();
    let seconds = 0;
    world.kubernetes.onEvict = (pod) => {
      world.kubernetes.put({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2027-01-01T00:00:00Z' } });
      leaves.set(pod.metadata.name, seconds + 20);
    };
    let last: Output | undefined;
    const outputs: Output[] = [];
    while (last?.done !== true && outputs.length < 300) {
      last = await rollNodePools.run({ ...INPUT, ...(last === undefined ? {} : { rollNodePools: last }) }, world.ports, CONTEXT);
      outputs.push(last);
      for (let passed = 0; passed < last.waitSeconds; passed++) {
        world.pass(1);
        seconds += 1;
        // An instance is there half a minute after it was asked for, and its node as long after that.
        if (seconds % 30 === 0) world.instances.tick();
        for (const [name, at] of leaves)
          if (at <= seconds) void world.kubernetes.delete({ apiVersion: 'v1', kind: 'Pod', namespace: 'default', name });
      }
    }

    const tasks = tasksOf('roll-node-pools', outputs);
    const terminated = world.instances.calls.filter((call) => call.startsWith('terminate')).length;
    expect(last).toMatchObject({ done: true, rolled: 6 });
    expect(terminated).toBe(6);
    expect(tasks).toBeGreaterThan(1);
    expect((3 * tasks) / 6, `after ${seconds} s`).toBeLessThanOrEqual(12);
  });
});
