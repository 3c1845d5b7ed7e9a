import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEtcd } from '#adapters/etcd/etcd.ts';
import { createKubernetes } from '#adapters/kubernetes/kubernetes.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import { mintClient } from '#adapters/x509/clients.ts';
import { kubeconfigOf } from '#domain/kubeconfig.ts';
import { secretIds } from '#domain/names.ts';
import { API_PORT, clusterAddresses, ETCD_CLIENT_PORT } from '#domain/network.ts';
import { type ClientIdentity, IdentityFiles } from '#model/identity.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { Etcd } from '#ports/etcd.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';
import { type LoadBalancer, startLoadBalancer } from '../../../local/machine-room/load-balancer.ts';
import { nodeObject } from '../../../local/machine-room/node-object.ts';
import { type Child, until } from '../child.ts';
import { filesOf, startApi, startEtcd } from '../control-plane.ts';
import type { FakeSecrets } from '../fakes/secrets.ts';
import { startControllerManager, startKwok, startScheduler } from '../whole-control-plane.ts';

/** What runs for the instances of one cluster: real etcd, API servers behind a balancer, controllers, and nodes that kwok plays. */
export interface RealCluster {
  kubernetes(): Promise<Kubernetes>;
  etcd(): Promise<Etcd>;
  etcdUp(): void;
  etcdDown(): Promise<void>;
  /** Starts an API server of this version for an instance. */
  apiUp(instance: string, version: string): void;
  apiDown(instance: string): Promise<void>;
  /** Of an instance's API server. */
  addressOf(instance: string): string | undefined;
  nodeUp(instance: string, zone: string, kubelet: string): Promise<void>;
  nodeDown(instance: string): Promise<void>;
  /** Ends everything and forgets the data. */
  stop(): Promise<void>;
}

const clock = { now: () => new Date() };

/** @param secrets of the account; the cluster's identity must be there before the first instance */
export function createRealCluster(cluster: ClusterRef, secrets: FakeSecrets): RealCluster {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-real-'));
  const authority = createAuthority();
  const addresses = clusterAddresses(cluster.network);
  const member = addresses.etcd[0];
  const apis = new Map<string, { readonly address: string; readonly process: Child }>();
  const others: Child[] = [];
  let etcd: Child | undefined;
  let balancer: Promise<LoadBalancer> | undefined;
  let host = 20;
  /** Counts the clusters that were here. */
  let life = 0;
  let starting = false;
  const client = (target: 'kubernetes' | 'etcd'): Promise<ClientIdentity> =>
    mintClient({ secrets, authority, clock }, cluster.name, target);
  const pki = (): string => filesOf(secrets, secretIds.controlPlane(cluster.name), join(directory, 'pki'));
  const kubernetes = async (): Promise<Kubernetes> =>
    createKubernetes({ ...(await client('kubernetes')), address: addresses.api, port: API_PORT, serverName: 'kubernetes' });

  /** What goes through the balancer to whichever API server is there. It ends where there is none at its start. */
  async function startOthers(version: string): Promise<void> {
    const mine = life;
    await until('the API', async () => ((await (await kubernetes()).ready()) ? true : undefined), undefined, 120);
    if (mine !== life) return;
    const files = IdentityFiles.parse(JSON.parse((await secrets.get(secretIds.controlPlane(cluster.name))) ?? 'null'));
    const kubeconfig = (name: string, identity: ClientIdentity): string => {
      const path = join(directory, `${name}.kubeconfig`);
      writeFileSync(path, kubeconfigOf(`https://${addresses.api}:${API_PORT}`, 'kubernetes', identity), { mode: 0o600 });
      return path;
    };
    const own = (name: string): string =>
      kubeconfig(name, { ca: files['ca.crt'] ?? '', cert: files[`${name}.crt`] ?? '', key: files[`${name}.key`] ?? '' });
    const identity = await client('kubernetes');
    if (mine !== life) return;
    others.push(startControllerManager(version, own('controller-manager'), pki(), addresses.api));
    others.push(startScheduler(version, own('scheduler'), addresses.api));
    others.push(startKwok(kubeconfig('kwok', identity)));
  }

  return {
    kubernetes,
    etcd: async () => createEtcd({ endpoints: [`https://${member}:${ETCD_CLIENT_PORT}`], identity: await client('etcd') }),
    etcdUp() {
      const files = filesOf(secrets, secretIds.etcd(cluster.name), join(directory, 'etcd-pki'));
      etcd ??= startEtcd(member, directory, files, `etcd-${cluster.region}a`);
    },
    async etcdDown() {
      const ending = etcd;
      etcd = undefined;
      await ending?.stop(0);
    },
    apiUp(instance, version) {
      if (apis.has(instance)) return;
      host = host >= 250 ? 20 : host + 1;
      const address = addresses.api.replace(/\.\d+$/, `.${host}`);
      apis.set(instance, { address, process: startApi(address, member, version, pki(), true) });
      balancer ??= startLoadBalancer(
        [{ address: addresses.api }],
        () => [...apis.values()].map((api) => api.address),
        () => undefined,
      );
      if (others.length > 0 || starting) return;
      starting = true;
      void startOthers(version).finally(() => {
        starting = false;
      });
    },
    addressOf: (instance) => apis.get(instance)?.address,
    async apiDown(instance) {
      const api = apis.get(instance);
      apis.delete(instance);
      await api?.process.stop(0);
    },
    async nodeUp(instance, zone, kubelet) {
      const node = nodeObject({ name: instance, zone, address: '192.0.2.1', kubeletVersion: kubelet, instanceType: '', labels: {} });
      const api = await kubernetes();
      await until('the node', async () => {
        const applied = await api.apply(node as Parameters<Kubernetes['apply']>[0]).catch(() => undefined);
        return applied?.outcome === 'created' || applied?.outcome === 'unchanged' || applied?.outcome === 'changed' ? true : undefined;
      });
    },
    async nodeDown(instance) {
      const api = await kubernetes();
      await until('the node to be gone', async () => {
        const gone = await api.delete({ apiVersion: 'v1', kind: 'Node', name: instance }).catch(() => undefined);
        return gone === undefined ? undefined : true;
      });
    },
    async stop() {
      life += 1;
      const ending = [...others.splice(0), ...[...apis.values()].map((api) => api.process), ...(etcd === undefined ? [] : [etcd])];
      apis.clear();
      etcd = undefined;
      for (const child of ending) await child.stop(0);
      await (await balancer)?.close();
      balancer = undefined;
      rmSync(join(directory, 'etcd'), { recursive: true, force: true });
    },
  };
}
