import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { secretIds, stackName } from '#domain/names.ts';
import { clusterAddresses } from '#domain/network.ts';
import { InputError, TransientError } from '#model/errors.ts';
import { requireLoopback } from './addresses.ts';
import type { AccountView } from './aws.ts';
import type { ClientIdentity } from './kubernetes-api.ts';
import { type LoadBalancer, startLoadBalancer } from './load-balancer.ts';
import type { NodeSpec } from './node-object.ts';
import { type NodeReport, type NodeSite, startNodeSite } from './nodes.ts';
import type { ProcessTable } from './processes.ts';
import type { RealNodes } from './real/real-nodes.ts';
import type { GroupSpec } from './scaling.ts';
import type { Machine, MachineRoomOptions } from './types.ts';

/** What a cluster has besides its machines: the API's load balancer, its nodes' kubelets, its volumes. */
export interface Clusters {
  /** Brings load balancers and sites in line with an account's groups and machines. */
  update(account: string, view: AccountView, groups: readonly GroupSpec[], machines: readonly Readonly<Machine>[]): Promise<void>;
  joinNode(account: string, cluster: string, spec: NodeSpec, identity: Readonly<Record<string, string>>): Promise<void>;
  leaveNode(account: string, cluster: string, node: string): void;
  /** A silent node's kubelet says nothing more, until it is heard again. */
  silenceNode(account: string, cluster: string, node: string, silent: boolean): void;
  close(): Promise<void>;
}

interface Cluster {
  readonly account: string;
  readonly name: string;
  readonly view: AccountView;
  /** The account's machines at the last look; their state is always the present one. */
  machines: readonly Readonly<Machine>[];
  /** The load balancer's addresses in zones a, b, c. */
  addresses: readonly string[];
  /** Kept over a control plane that is made anew: nodes know it. */
  namePort: number;
  /** What was last told about a load balancer that cannot be opened. */
  told: string | undefined;
  balancer: LoadBalancer | undefined;
  site: NodeSite | undefined;
  /** The site while it is being opened: nodes that join together share one. */
  opening: Promise<NodeSite> | undefined;
}

export interface ClustersOptions {
  readonly directory: string;
  readonly kwok: MachineRoomOptions['kwok'];
  readonly processes: ProcessTable;
  readonly log: MachineRoomOptions['log'];
  readonly report: NodeReport;
  readonly zoneDown: (cluster: string, zone: string) => boolean;
  readonly realNodes?: RealNodes | undefined;
}

export function createClusters(options: ClustersOptions): Clusters {
  const clusters = new Map<string, Cluster>();
  return {
    update: async (account, view, groups, machines) => {
      for (const name of new Set(groups.map((group) => group.cluster))) {
        const key = `${account}/${name}`;
        const cluster: Cluster = clusters.get(key) ?? {
          account,
          name,
          view,
          machines: [],
          addresses: [],
          namePort: 0,
          told: undefined,
          balancer: undefined,
          site: undefined,
          opening: undefined,
        };
        clusters.set(key, cluster);
        cluster.machines = machines;
        const exists = groups.some((group) => group.cluster === name && group.role === 'control-plane');
        // A balancer that cannot be opened (address taken, or off loopback) must not stop the groups.
        await updateBalancer(cluster, view, exists, options).catch((error: unknown) => {
          const words = error instanceof Error ? error.message : String(error);
          if (cluster.told !== words) options.log('no load balancer', { account, cluster: name, error: words });
          cluster.told = words;
        });
      }
      for (const [key, cluster] of clusters) {
        if (cluster.account !== account || groups.some((group) => group.cluster === cluster.name)) continue;
        await closeCluster(cluster);
        if ((await view.stackValues(stackName(cluster.name, 'etcd'))) !== undefined) continue;
        clusters.delete(key);
        rmSync(join(options.directory, account, 'volumes', cluster.name), { recursive: true, force: true });
      }
    },
    joinNode: async (account, name, spec, identity) => {
      const cluster = clusters.get(`${account}/${name}`);
      if (cluster?.balancer === undefined)
        throw new TransientError(`waits for the address of the API of ${name}: there is no control plane stack with ApiAddress`);
      cluster.opening ??= openSite(cluster, cluster.balancer.namePort, options).finally(() => {
        cluster.opening = undefined;
      });
      cluster.site ??= await cluster.opening;
      cluster.site.join(spec, nodeIdentity(identity));
    },
    leaveNode: (account, name, node) => clusters.get(`${account}/${name}`)?.site?.leave(node),
    silenceNode: (account, name, node, silent) => clusters.get(`${account}/${name}`)?.site?.silence(node, silent),
    close: async () => {
      await Promise.all([...clusters.values()].map(closeCluster));
      clusters.clear();
    },
  };
}

async function updateBalancer(cluster: Cluster, view: AccountView, exists: boolean, options: ClustersOptions): Promise<void> {
  if (!exists) {
    await cluster.balancer?.close();
    cluster.balancer = undefined;
    return;
  }
  cluster.balancer ??= await openBalancer(cluster, view, options);
  cluster.namePort = cluster.balancer?.namePort ?? cluster.namePort;
  cluster.balancer?.setSilent(new Set(cluster.addresses.filter((_address, index) => options.zoneDown(cluster.name, 'abc'.charAt(index)))));
}

async function openBalancer(cluster: Cluster, view: AccountView, options: ClustersOptions): Promise<LoadBalancer | undefined> {
  const values = await view.stackValues(stackName(cluster.name, 'control-plane'));
  const network = values?.['Network'];
  const named = ['ApiAddress', 'ApiAddressB', 'ApiAddressC'].map((name) => values?.[name]).filter((address) => address !== undefined);
  const addresses = network === undefined ? named : clusterAddresses(network).apiByZone;
  if (addresses.length === 0) return undefined;
  cluster.addresses = addresses.map((address) => requireLoopback(address, `ApiAddress of cluster ${cluster.name}`));
  const mirrors = (await options.realNodes?.mirror(cluster.addresses)) ?? [];
  return startLoadBalancer(
    cluster.addresses.map((address, index) => ({ address, mirror: mirrors[index] })),
    () => targetsOf(cluster),
    (target, healthy) =>
      options.log(healthy ? 'control plane is healthy' : 'control plane is not healthy', { cluster: cluster.name, target }),
    cluster.namePort,
  );
}

/** Addresses of the control planes in service. */
function targetsOf({ name, machines }: Cluster): string[] {
  const serving = machines.filter(
    (machine) => machine.cluster === name && machine.role === 'control-plane' && machine.state === 'InService',
  );
  return serving.map((machine) => machine.address).filter((address) => address !== undefined);
}

async function openSite(cluster: Cluster, apiPort: number, options: ClustersOptions): Promise<NodeSite> {
  const { binary, stages } = options.kwok;
  const kwok = typeof binary === 'string' ? binary : await binary();
  return startNodeSite({
    cluster: cluster.name,
    apiPort,
    directory: join(options.directory, cluster.account, `kwok-${cluster.name}`),
    cloudIdentity: await cloudIdentity(cluster),
    kwok,
    stages: typeof stages === 'function' ? await stages() : stages,
    processes: options.processes,
    report: options.report,
    log: (message) => options.log(message, { cluster: cluster.name }),
  });
}

/** A cloud controller's place is the control plane: the room takes Nodes away as one, by the control plane's own client certificate. */
async function cloudIdentity({ name, view }: Cluster): Promise<ClientIdentity> {
  const id = secretIds.controlPlane(name);
  const files = await view.secretFiles(id);
  if (files === undefined) throw new TransientError(`waits for the control plane's identity: there is no secret ${id}`);
  return clientIdentity(id, files, 'kubelet-client');
}

/** A node's own, of the files that joining gave it. */
function nodeIdentity({ 'ca.crt': ca, 'node.pem': pem }: Readonly<Record<string, string>>): ClientIdentity {
  if (ca === undefined || pem === undefined) throw new InputError('a node needs /etc/sluice/join.json: it has no certificate of its own');
  return { ca, cert: pem, key: pem };
}

function clientIdentity(secret: string, files: Readonly<Record<string, string>>, name: string): ClientIdentity {
  const { 'ca.crt': ca, [`${name}.crt`]: cert, [`${name}.key`]: key } = files;
  if (ca === undefined || cert === undefined || key === undefined)
    throw new InputError(`secret ${secret} must hold ca.crt, ${name}.crt and ${name}.key`);
  return { ca, cert, key };
}

async function closeCluster(cluster: Cluster): Promise<void> {
  const { balancer, site } = cluster;
  cluster.balancer = undefined;
  cluster.site = undefined;
  await Promise.all([balancer?.close(), site?.close()]);
}
