import { hashOf } from '#domain/hash.ts';
import { keys, stackName } from '#domain/names.ts';
import { takeLock } from '#facts/lock.ts';
import type { Reached } from '#model/records.ts';
import type { Render, RenderedStack } from '#model/render.ts';
import type { ClusterRef } from '#model/settings.ts';
import { createFakeClock, type FakeClock } from './fakes/clock.ts';
import { createFakeAccountObjects, createFakeObjects, type FakeObjects } from './fakes/objects.ts';
import { createFakeAccountStacks, type FakeStacks } from './fakes/stacks.ts';
import { gitId } from './fleet.ts';

export const CLUSTER: ClusterRef = {
  name: 'dev-1',
  account: '200000000001',
  region: 'eu-central-1',
  environment: 'development',
  network: '10.1.0.0/16',
  channel: 'dev',
};

/** Ports of the stack steps in memory. */
export interface StacksWorld {
  readonly ports: {
    readonly objects: FakeObjects;
    readonly stacks: ReturnType<typeof createFakeAccountStacks>;
    readonly accountObjects: ReturnType<typeof createFakeAccountObjects>;
    readonly clock: FakeClock;
  };
  /** CloudFormation and bucket of the cluster's account. */
  readonly stacks: FakeStacks;
  readonly bucket: FakeObjects;
  /** Gives the cluster's lock to this execution; answers its number. */
  lock(execution: string): Promise<number>;
  /** Notes that this execution updates the cluster; what was noted as reached stays. */
  begin(execution: string): Promise<void>;
  reached(): Reached;
  /** Keeps a render of these stacks in the hub's bucket; answers its hash. */
  deliver(stacks: readonly RenderedStack[]): Promise<string>;
}

export function createStacksWorld(): StacksWorld {
  const ports = {
    objects: createFakeObjects(),
    stacks: createFakeAccountStacks(),
    accountObjects: createFakeAccountObjects(),
    clock: createFakeClock(),
  };
  const reached = (): Reached => {
    const body = ports.objects.contents()[keys.cluster(CLUSTER.name)];
    return body === undefined ? {} : JSON.parse(body).updating.reached;
  };
  return {
    ports,
    stacks: ports.stacks.of(CLUSTER.account, CLUSTER.region, 'test'),
    bucket: ports.accountObjects.of(CLUSTER.account, CLUSTER.region, 'test'),
    async lock(execution) {
      const taken = await takeLock(ports.objects, CLUSTER.name, execution, 3600);
      if (taken.outcome === 'held') throw new Error(`held by ${taken.holder}`);
      return taken.lock.fence;
    },
    async begin(execution) {
      const versions = { kubernetes: '1.35.4', etcd: '3.6.16', osImage: 'ami-1' };
      const [settingsHash, renderHash] = ['1'.repeat(64), '2'.repeat(64)];
      const updating = { execution, revision: gitId('a'), settingsHash, renderHash, versions, since: '2026-01-05T08:00:00.000Z' };
      await ports.objects.put(
        keys.cluster(CLUSTER.name),
        JSON.stringify({ creating: true, cluster: CLUSTER, updating: { ...updating, reached: reached() } }),
      );
    },
    reached,
    async deliver(stacks) {
      const render = renderOf(stacks);
      const hash = hashOf(render);
      await ports.objects.put(keys.render(hash), JSON.stringify(render));
      return hash;
    },
  };
}

export function aStack(role: string, change: Partial<RenderedStack> = {}): RenderedStack {
  return { role, stackName: stackName(CLUSTER.name, role), template: `Resources: of ${role}`, parameters: {}, ...change };
}

function renderOf(stacks: readonly RenderedStack[]): Render {
  return {
    cluster: CLUSTER.name,
    revision: gitId('a'),
    versions: { kubernetes: '1.35.4', etcd: '3.6.5', osImage: 'ami-1' },
    pools: [],
    stacks: [...stacks],
    components: [],
    deletions: { before: [], after: [] },
  };
}
