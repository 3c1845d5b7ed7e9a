import { accountKeys } from '#domain/names.ts';
import type { Pool } from '#model/configuration.ts';
import type { Manifest, Render } from '#model/render.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { ApiProbe } from '#ports/kubernetes.ts';
import type { ClusterPorts } from '../../functions/cluster/ports.ts';
import { createFakeInstances, type FakeInstances } from './fakes/instances.ts';
import { createFakeKubernetes, type FakeKubernetes } from './fakes/kubernetes.ts';
import { createFakeObjects, type FakeObjects } from './fakes/objects.ts';
import { createFakeSecrets, type FakeSecrets } from './fakes/secrets.ts';

export const CLUSTER: ClusterRef = {
  name: 'dev-1',
  account: '111111111111',
  region: 'eu-central-1',
  environment: 'development',
  network: '10.20.0.0/16',
  channel: 'dev',
};
export const HASH = 'b'.repeat(64);
export const CONTEXT = { execution: 'update-dev-1' };

const A_POOL: Pool = {
  name: 'general',
  instanceType: 'm6i.xlarge',
  size: 3,
  maxSize: 6,
  market: 'on-demand',
  labels: {},
  surgePercent: 10,
  stateful: false,
  generation: 1,
};

export function aRender(change: Partial<Render> = {}): Render {
  return {
    cluster: CLUSTER.name,
    revision: 'a'.repeat(40),
    versions: { kubernetes: '1.36.3', etcd: '3.6.16', osImage: 'flatcar' },
    pools: [A_POOL],
    stacks: [{ role: 'network', stackName: 'sluice-dev-1-network', template: '{}', parameters: {} }],
    components: [],
    deletions: { before: [], after: [] },
    ...change,
  };
}

export interface ClusterWorld {
  readonly ports: ClusterPorts;
  readonly kubernetes: FakeKubernetes;
  readonly instances: FakeInstances;
  readonly objects: FakeObjects;
  readonly secrets: FakeSecrets;
  /** What instances of the control plane answer at their own address, by id; the others are ready with the render's version. */
  readonly own: Map<string, ApiProbe>;
  /** Puts the render where the steps read it. */
  deliver(render: Render, hash?: string): Promise<void>;
  pass(seconds: number): void;
}

/** Ports of the cluster's steps in memory; instances that get in service join as Ready nodes. */
export function createClusterWorld(): ClusterWorld {
  const kubernetes = createFakeKubernetes();
  const instances = createFakeInstances();
  const objects = createFakeObjects();
  const secrets = createFakeSecrets();
  let now = new Date('2026-01-01T00:00:00Z');
  instances.onInService = ({ id, zone }, _cluster, role) => {
    if (role.startsWith('pool-')) kubernetes.put(aNode(id, { zone }));
  };
  instances.onGone = ({ id }) => void kubernetes.delete({ apiVersion: 'v1', kind: 'Node', name: id });
  const own = new Map<string, ApiProbe>();
  const clock = { now: () => now };
  const addresses = async (ids: readonly string[]) => new Map(ids.map((id) => [id, addressOf(id)]));
  serveFromInstances(kubernetes, instances, own);
  return {
    ports: { kubernetes: async () => kubernetes, instances, addresses, objects, secrets, clock },
    kubernetes,
    own,
    instances,
    objects,
    secrets,
    deliver: (render, hash = HASH) => objects.put(accountKeys.manifests(hash), JSON.stringify(render)),
    pass(seconds) {
      now = new Date(now.getTime() + seconds * 1000);
    },
  };
}

/** Of `i-0012`: `10.20.0.12`. */
function addressOf(id: string): string {
  return `10.20.0.${Number(id.slice(2))}`;
}

/** Connections through the load balancer meet the control plane's instances in service in turn, and say so where they are ready. */
function serveFromInstances(kubernetes: FakeKubernetes, instances: FakeInstances, own: ReadonlyMap<string, ApiProbe>): void {
  const answer = kubernetes.probe;
  let turn = 0;
  kubernetes.probe = async (address) => {
    const group = await instances.group(CLUSTER.name, 'control-plane');
    const serving = (group?.instances ?? []).filter(({ lifecycleState }) => lifecycleState === 'InService');
    if (address !== undefined) {
      const at = serving.find(({ id }) => addressOf(id) === address);
      const ready = { ready: true, version: '1.36.3', milliseconds: 5, reason: 'ok', server: address };
      return at === undefined ? { ready: false, milliseconds: 5, reason: 'connect ECONNREFUSED' } : (own.get(at.id) ?? ready);
    }
    const met = serving[turn++ % Math.max(1, serving.length)];
    const probe = await answer();
    return met === undefined || !probe.ready ? probe : { server: addressOf(met.id), ...probe };
  };
}

export function aNode(id: string, { zone = 'eu-central-1a', kubelet = '1.36.3', ready = true } = {}): Manifest {
  const status = { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }], nodeInfo: { kubeletVersion: `v${kubelet}` } };
  return { apiVersion: 'v1', kind: 'Node', metadata: { name: id }, spec: { providerID: `aws:///${zone}/${id}` }, status };
}

export function aPod(name: string, nodeName: string, metadata: object = {}): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', ...metadata },
    spec: { nodeName },
    status: { phase: 'Running' },
  };
}
