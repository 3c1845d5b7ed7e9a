import { describe, expect, it } from 'vitest';
import { NodeNotJoinedError } from '#model/errors.ts';
import { rollNodePools } from '../../../functions/cluster/roll-node-pools.ts';
import { aRender, CLUSTER, type ClusterWorld, CONTEXT, createClusterWorld, HASH } from '../../support/cluster-world.ts';

const INPUT = { cluster: CLUSTER, render: { hash: HASH }, deadlineMinutes: 720, permission: { decision: 'go' } as const };
const QUOTA =
  'You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket that the specified instance type belongs to. Launching EC2 instance failed.';
const CAPACITY =
  'We currently do not have sufficient m6i.xlarge capacity in the Availability Zone you requested (eu-central-1a). Launching EC2 instance failed.';
type Output = Awaited<ReturnType<typeof rollNodePools.run>>;

/** Three old nodes. */
async function aRoll(): Promise<ClusterWorld> {
  const world = createClusterWorld();
  await world.deliver(aRender());
  world.instances.addGroup(CLUSTER.name, 'pool-general', { min: 3, max: 6, desired: 3 });
  world.instances.ties = () => 0;
  world.instances.setVersion(CLUSTER.name, 'pool-general', '2');
  return world;
}

async function look(world: ClusterWorld, previous?: Output): Promise<Output> {
  const result = await rollNodePools.run(
    { ...INPUT, ...(previous === undefined ? {} : { rollNodePools: previous }) },
    world.ports,
    CONTEXT,
  );
  world.instances.tick();
  return result;
}

async function looks(world: ClusterWorld, count: number, previous?: Output): Promise<Output> {
  let last = previous;
  for (let turn = 0; turn < count; turn++) {
    last = await look(world, last);
    world.pass(5);
  }
  if (last === undefined) throw new Error('no look');
  return last;
}

function refuse(world: ClusterWorld, message: string): void {
  world.instances.refusal = { message, at: world.ports.clock.now() };
}

const groupOf = (world: ClusterWorld) => world.instances.group(CLUSTER.name, 'pool-general');

describe('instances that AWS does not start', () => {
  it('for want of capacity are waited for, with AWS’ words, and no node is touched', async () => {
    const world = await aRoll();
    refuse(world, CAPACITY);

    const last = await looks(world, 4);

    expect(last.done).toBe(false);
    expect(last.reason).toContain(`AWS started no instance of pool general at 2026-01-01 00:00 UTC: ${CAPACITY}`);
    expect(world.instances.calls.filter((call) => call.startsWith('terminate'))).toEqual([]);
    expect(world.kubernetes.all('Node').filter((node) => (node['spec'] as { unschedulable?: boolean }).unschedulable)).toEqual([]);
  });

  it('since a limit of the account is reached are done without: a node is replaced in place, and nothing of the surge is left', async () => {
    const world = await aRoll();
    refuse(world, QUOTA);
    let last = await looks(world, 4);
    expect(world.instances.calls.filter((call) => call.startsWith('terminate'))).toHaveLength(1);
    expect(last.reason).toContain(QUOTA);

    // Each instance that ends makes room for one.
    for (let turn = 0; turn < 40 && !last.done; turn++) {
      const { instances = [], desired = 0 } = (await groupOf(world)) ?? {};
      const live = instances.filter(({ lifecycleState }) => !lifecycleState.startsWith('Terminat')).length;
      world.instances.refusal = live < Math.min(3, desired) ? undefined : { message: QUOTA, at: world.ports.clock.now() };
      world.pass(30);
      last = await look(world, last);
    }

    expect(last).toMatchObject({ done: true, remaining: 0 });
    expect(await groupOf(world)).toMatchObject({ desired: 3, note: undefined, rebalances: true });
  });

  it('are no word of the roll that came before it', async () => {
    const world = await aRoll();
    world.instances.refusal = { message: QUOTA, at: new Date('2025-12-01T00:00:00Z') };

    await looks(world, 4);

    expect(world.instances.calls.filter((call) => call.startsWith('terminate'))).toEqual([]);
  });
});

describe('instances that never join', () => {
  it('end the roll after half an hour, by name and with the first thing to look at', async () => {
    const world = await aRoll();
    world.instances.onInService = () => {};
    const last = await looks(world, 3);
    world.pass(29 * 60);
    const waiting = await look(world, last);
    world.pass(60);

    const late = look(world, waiting);

    expect(waiting.done).toBe(false);
    await expect(late).rejects.toThrow(NodeNotJoinedError);
    await expect(late).rejects.toThrow(
      /i-0004 of the new version run for 30 minutes and have not joined.*get-console-output --latest --instance-id i-0004/,
    );
  });
});
