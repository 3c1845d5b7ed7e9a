import { sha256 } from '#domain/hash.ts';
import { keys, stackName } from '#domain/names.ts';
import type { Render, RenderedStack } from '#model/render.ts';
import type { ClusterRef } from '#model/settings.ts';
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
  };
  /** CloudFormation and bucket of the cluster's account. */
  readonly stacks: FakeStacks;
  readonly bucket: FakeObjects;
  /** Keeps a render of these stacks in the hub's bucket; answers its hash. */
  deliver(stacks: readonly RenderedStack[]): Promise<string>;
}

export function createStacksWorld(): StacksWorld {
  const ports = { objects: createFakeObjects(), stacks: createFakeAccountStacks(), accountObjects: createFakeAccountObjects() };
  return {
    ports,
    stacks: ports.stacks.of(CLUSTER.account, CLUSTER.region, 'test'),
    bucket: ports.accountObjects.of(CLUSTER.account, CLUSTER.region, 'test'),
    async deliver(stacks) {
      const body = JSON.stringify(renderOf(stacks));
      const hash = sha256(body);
      await ports.objects.put(keys.render(hash), body);
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
