import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { ClusterUnreachableError, RefusedError } from '#model/errors.ts';
import { type ClientIdentity, type KubernetesAnswer, type KubernetesApi, kubernetesApi } from './kubernetes-api.ts';
import { NETWORK_ANNOTATION, startKwok } from './kwok.ts';
import { MANAGED_LABEL, type NodeSpec, nodeObject } from './node-object.ts';
import type { ProcessTable, RunningProcess } from './processes.ts';

/** Between two looks at nodes that are not yet as they must be. */
const LOOK_MILLISECONDS = 500;

/** What a node tells of itself. */
export type NodeReport = (node: string, kind: 'waiting' | 'ready', reason: string) => void;

/** The nodes of one cluster and the process that plays their kubelets. */
export interface NodeSite {
  /** A node that joined already goes on by the new identity. */
  join(spec: NodeSpec, identity: ClientIdentity): void;
  /** Takes the node and the pods bound to it out of the API, as soon as the API lets it. */
  leave(name: string): void;
  /** Whether the node's kubelet is heard, as soon as the API lets it be told. */
  silence(name: string, silent: boolean): void;
  close(): Promise<void>;
}

export interface NodeSiteOptions {
  readonly cluster: string;
  /** Port of 127.0.0.1 at which the cluster's API is. */
  readonly apiPort: number;
  readonly directory: string;
  /** The cloud controller's: takes away Nodes whose machine is gone. kwok, which is every node's kubelet at once, has it too. */
  readonly cloudIdentity: ClientIdentity;
  readonly kwok: string;
  readonly stages: readonly string[];
  readonly processes: ProcessTable;
  readonly report: NodeReport;
  readonly log: (message: string) => void;
}

const Condition = z.object({ type: z.string(), status: z.string() });
const NodeList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), annotations: z.record(z.string(), z.string()).optional() }),
      status: z.object({ conditions: z.array(Condition).optional() }).optional(),
    }),
  ),
});
const PodList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), namespace: z.string() }),
      spec: z.object({
        containers: z.array(z.object({ name: z.string() })),
        volumes: z.array(z.object({ hostPath: z.object({ path: z.string() }).optional() })).optional(),
      }),
      status: z.object({ phase: z.string().optional() }).optional(),
    }),
  ),
});
const RealNode = z.object({
  status: z.object({ conditions: z.array(z.object({ type: z.string(), status: z.string(), message: z.string().optional() })).optional() }),
});
type Pod = z.infer<typeof PodList>['items'][number];

interface Node {
  readonly spec: NodeSpec;
  /** By the node's own certificate. */
  agent: KubernetesApi;
  state: 'wanted' | 'joined' | 'ready' | 'leaving';
  /** As wanted, and as the API was told last. */
  silent: boolean;
  toldSilent: boolean;
}

interface Site extends NodeSiteOptions {
  readonly cloud: KubernetesApi;
  readonly nodes: Map<string, Node>;
  strangersGone: boolean;
  closed: boolean;
  playing: RunningProcess | undefined;
}

/** Starts the site; kwok itself starts once the first node is let in, since before that its rights may not exist. */
export function startNodeSite(options: NodeSiteOptions): NodeSite {
  const site: Site = {
    ...options,
    cloud: kubernetesApi('127.0.0.1', options.cloudIdentity, options.apiPort),
    nodes: new Map(),
    strangersGone: false,
    closed: false,
    playing: undefined,
  };
  const looking = keepLooking(site);
  return {
    join: (spec, identity) => {
      const known = site.nodes.get(spec.name);
      const agent = kubernetesApi('127.0.0.1', identity, options.apiPort);
      known?.agent.close();
      if (known === undefined) site.nodes.set(spec.name, { spec, agent, state: 'wanted', silent: false, toldSilent: false });
      else known.agent = agent;
    },
    leave: (name) => {
      const node = site.nodes.get(name);
      if (node !== undefined) node.state = 'leaving';
    },
    silence: (name, silent) => {
      const node = site.nodes.get(name);
      if (node !== undefined) node.silent = silent;
    },
    close: async () => {
      site.closed = true;
      for (const node of site.nodes.values()) node.agent.close();
      site.cloud.close();
      await looking;
      await site.playing?.stop(0);
      rmSync(site.directory, { recursive: true, force: true });
    },
  };
}

/** Does for each node what is next, again and again; what the API does not let through now is tried at the next look. */
async function keepLooking(site: Site): Promise<void> {
  while (!site.closed) {
    for (const node of site.nodes.values()) {
      if ((node.state === 'ready' && node.silent === node.toldSilent) || site.closed) continue;
      try {
        await advance(site, node);
      } catch (error) {
        if (site.closed) return;
        site.report(node.spec.name, 'waiting', error instanceof Error ? error.message : String(error));
        if (!(error instanceof ClusterUnreachableError || error instanceof RefusedError))
          site.log(`node ${node.spec.name}: ${String(error)}`);
        if (error instanceof ClusterUnreachableError) break;
      }
    }
    await delay(LOOK_MILLISECONDS);
  }
}

async function advance(site: Site, node: Node): Promise<void> {
  const { name } = node.spec;
  if (node.state === 'leaving') {
    await removeNode(site.cloud, name);
    site.nodes.delete(name);
    node.agent.close();
    return;
  }
  if (node.spec.real === true) return advanceReal(site, node);
  if (node.state !== 'wanted' && node.silent !== node.toldSilent) await tellSilence(site, node);
  if (node.silent) return;
  if (node.state === 'wanted') {
    expect(await node.agent.call('POST', '/api/v1/nodes', nodeObject(node.spec)), [201, 409], 'the node may not join yet');
    if (node.state === 'wanted') node.state = 'joined';
  }
  site.playing ??= startKwok({ ...site, identity: site.cloudIdentity, binary: site.kwok });
  if (!site.strangersGone) await forgetStrangers(site);
  site.strangersGone = true;
  const waitsFor = await nextOfNode(node.agent, name);
  if (waitsFor !== undefined) return site.report(name, 'waiting', waitsFor);
  if (node.state === 'joined') node.state = 'ready';
  site.report(name, 'ready', 'node is Ready');
}

/** A real node does all of this itself; the room only tells how far it is. */
async function advanceReal(site: Site, node: Node): Promise<void> {
  const { name } = node.spec;
  node.toldSilent = node.silent;
  const answer = await site.cloud.call('GET', `/api/v1/nodes/${name}`);
  if (answer.status === 404) return site.report(name, 'waiting', 'its kubelet has not joined yet');
  const { status } = RealNode.parse(expect(answer, [200], 'the node cannot be read'));
  const ready = status.conditions?.find((condition) => condition.type === 'Ready');
  if (ready?.status !== 'True') return site.report(name, 'waiting', `joined; not Ready: ${ready?.message ?? 'no status yet'}`);
  if (node.state !== 'leaving') node.state = 'ready';
  site.report(name, 'ready', 'node is Ready');
}

/** kwok plays the nodes that carry the label's one value, and lets a node be that gets the other: its lease is not renewed any more. */
async function tellSilence(site: Site, node: Node): Promise<void> {
  const { silent } = node;
  const patch = { metadata: { labels: { [MANAGED_LABEL.key]: silent ? MANAGED_LABEL.silent : MANAGED_LABEL.value } } };
  expect(await site.cloud.call('PATCH', `/api/v1/nodes/${node.spec.name}`, patch), [200], 'the node cannot be changed');
  node.toldSilent = silent;
  if (!silent && node.state === 'ready') node.state = 'joined';
}

/** What a joined node waits for; undefined once it is Ready. */
async function nextOfNode(agent: KubernetesApi, name: string): Promise<string | undefined> {
  const found = NodeList.parse(
    expect(await agent.call('GET', `/api/v1/nodes?fieldSelector=metadata.name%3D${name}`), [200], 'nodes cannot be read'),
  ).items[0];
  if (found?.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True')) return undefined;
  if (found?.metadata.annotations?.[NETWORK_ANNOTATION] === 'true') return 'joined; not Ready yet';
  const missing = missingNetwork(await podsOf(agent, name));
  if (missing.length > 0) return `joined; waits for ${missing.join(' and ')}`;
  const patch = { metadata: { annotations: { [NETWORK_ANNOTATION]: 'true' } } };
  expect(await agent.call('PATCH', `/api/v1/nodes/${name}`, patch), [200], 'the node cannot be changed');
  return 'joined; its network runs';
}

/**
 * What keeps a node from being Ready: a kubelet waits for a network configuration in /etc/cni/net.d, which a pod with
 * that folder writes, and Services work once a container named kube-proxy runs.
 */
export function missingNetwork(pods: readonly Pod[]): string[] {
  const running = pods.filter((pod) => pod.status?.phase === 'Running');
  const network = running.some((pod) => pod.spec.volumes?.some((volume) => volume.hostPath?.path.replace(/\/$/, '') === '/etc/cni/net.d'));
  const proxy = running.some((pod) => pod.spec.containers.some((container) => container.name === 'kube-proxy'));
  return [...(network ? [] : ['a pod that sets up its network']), ...(proxy ? [] : ['kube-proxy'])];
}

async function podsOf(api: KubernetesApi, node: string): Promise<Pod[]> {
  return PodList.parse(expect(await api.call('GET', `/api/v1/pods?fieldSelector=spec.nodeName%3D${node}`), [200], 'pods cannot be listed'))
    .items;
}

/** Nodes that an earlier room left behind: their machines do not exist any more, as a cloud controller would find. */
async function forgetStrangers(site: Site): Promise<void> {
  const selector = encodeURIComponent(MANAGED_LABEL.key);
  const answer = expect(await site.cloud.call('GET', `/api/v1/nodes?labelSelector=${selector}`), [200], 'nodes cannot be listed');
  for (const { metadata } of NodeList.parse(answer).items) if (!site.nodes.has(metadata.name)) await removeNode(site.cloud, metadata.name);
}

/** The Node first, so that nothing is bound to it any more, then its pods without grace: their kubelet is gone. */
async function removeNode(cloud: KubernetesApi, name: string): Promise<void> {
  expect(await cloud.call('DELETE', `/api/v1/nodes/${name}`), [200, 202, 404], 'the node cannot be deleted');
  for (const { metadata } of await podsOf(cloud, name)) {
    const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}?gracePeriodSeconds=0`;
    expect(await cloud.call('DELETE', path), [200, 202, 404], 'a pod of a gone node cannot be deleted');
  }
}

function expect(answer: KubernetesAnswer, statuses: readonly number[], what: string): unknown {
  if (statuses.includes(answer.status)) return answer.body;
  throw new RefusedError(`${what}: ${answer.status} ${answer.message}`);
}
