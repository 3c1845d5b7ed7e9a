import { accountKeys } from '#domain/names.ts';
import type { Manifest, Render } from '#model/render.ts';
import type { ClusterRef } from '#model/settings.ts';
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

export function aRender(change: Partial<Render> = {}): Render {
  return {
    cluster: CLUSTER.name,
    revision: 'a'.repeat(40),
    versions: { kubernetes: '1.36.3', etcd: '3.6.16', osImage: 'flatcar' },
    pools: [{ name: 'general', instanceType: 'm6i.xlarge', size: 3, maxSize: 6, market: 'on-demand', labels: {}, generation: 1 }],
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
  return {
    ports: { kubernetes: async () => kubernetes, instances, objects, secrets, clock: { now: () => now } },
    kubernetes,
    instances,
    objects,
    secrets,
    deliver: (render, hash = HASH) => objects.put(accountKeys.manifests(hash), JSON.stringify(render)),
    pass(seconds) {
      now = new Date(now.getTime() + seconds * 1000);
    },
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
