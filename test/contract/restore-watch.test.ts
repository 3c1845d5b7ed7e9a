import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { createEtcd } from '#adapters/etcd/etcd.ts';
import { createScratch } from '#adapters/files/scratch.ts';
import { createKubernetesOf } from '#adapters/kubernetes/clusters.ts';
import { secretIds } from '#domain/names.ts';
import { API_PORT, clusterAddresses, ETCD_CLIENT_PORT, ETCD_PEER_PORT } from '#domain/network.ts';
import { REVISION_BUMP } from '#domain/restore.ts';
import { binary } from '../support/binaries.ts';
import { type Child, until } from '../support/child.ts';
import { type ControlPlane, filesOf, startApi, startControlPlane, startEtcd } from '../support/control-plane.ts';
import { type Informer, startInformer } from '../support/informer.ts';
import { get } from '../support/tls.ts';

const run = promisify(execFile);
const VERSION = '1.35.4';
const PATH = '/api/v1/namespaces/default/configmaps';
/** Changes that clients see after the backup, and that the restore takes back. */
const TAKEN_BACK = 60;
const LATER = 10;

let stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.reverse()) await stop();
  stops = [];
});

describe('clients that watched past the backup, when the cluster is restored', () => {
  it('lose no event when the revision is raised and marked as compacted: they are told to list anew', async () => {
    const { old, fresh, truth, make, clusterIds } = await restoreUnder(['--bump-revision', String(REVISION_BUMP), '--mark-compacted']);

    await until('the old informer to know what is there', async () => (sameNames(old, truth) ? true : undefined));

    expect(fresh.names()).toEqual(truth);
    expect(new Set(clusterIds).size).toBe(2);
    // What comes after the list comes by the watch again.
    await make('last');
    await until('the old informer to hear of it', async () => (old.names().includes('last') ? true : undefined));
    expect(old.lists()).toBe(2);
  }, 120_000);

  it('lose events by a plain restore, and are never told', async () => {
    const { old, fresh, truth } = await restoreUnder([]);

    // Whoever lists after the restore is served well meanwhile.
    expect(fresh.names()).toEqual(truth);
    const lost = truth.filter((name) => !old.names().includes(name));
    const phantoms = old.names().filter((name) => !truth.includes(name));
    expect(lost).toHaveLength(LATER);
    expect(phantoms).toHaveLength(TAKEN_BACK);
    expect(old.lists()).toBe(1);
  }, 120_000);
});

function sameNames(informer: Informer, names: readonly string[]): boolean {
  return informer.names().join() === names.join();
}

interface Restored {
  readonly old: Informer;
  readonly fresh: Informer;
  readonly truth: string[];
  readonly make: (name: string) => Promise<void>;
  /** Of etcd before and after. */
  readonly clusterIds: readonly string[];
}

/** A control plane with an informer, restored to a backup that is older than what the informer has seen. */
async function restoreUnder(flags: readonly string[]): Promise<Restored> {
  const plane = await startControlPlane({ version: VERSION });
  stops.push(() => plane.stop());
  const root = mkdtempSync(join(tmpdir(), 'sl-restore-'));
  stops.push(() => rmSync(root, { recursive: true, force: true }));
  const kubernetes = await createKubernetesOf(() => plane.client('kubernetes'))(plane.cluster);
  const make = async (name: string): Promise<void> => {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } };
    // The server may just have come up.
    await until(name, async () => ((await kubernetes.apply(object).catch(() => undefined))?.outcome === 'created' ? true : undefined));
  };
  await make('before');
  const snapshot = await snapshotOf(plane, root);
  const identity = await plane.client('kubernetes');
  const old = startInformer(plane.address, identity, PATH);
  stops.push(() => old.stop());
  for (let index = 0; index < TAKEN_BACK; index++) await make(`taken-back-${index}`);
  await until('the informer to see them', async () => (old.names().length >= TAKEN_BACK + 1 ? true : undefined));

  const before = await clusterIdOf(plane);
  await plane.stopApi();
  await plane.killEtcd();
  await restore(plane, snapshot, root, flags);
  const clusterIds = [before, await clusterIdOf(plane)];

  const fresh = startInformer(plane.address, identity, PATH);
  stops.push(() => fresh.stop());
  await until('the first list after the restore', async () => (fresh.lists() > 0 ? true : undefined));
  for (let index = 0; index < LATER; index++) await make(`later-${index}`);
  const truth = ['before', ...Array.from({ length: LATER }, (_, index) => `later-${index}`)].sort();
  await until('the new informer to see them', async () =>
    LATER <= fresh.names().filter((name) => name.startsWith('later-')).length ? true : undefined,
  );
  return { old, fresh, truth, make, clusterIds };
}

async function clusterIdOf(plane: ControlPlane): Promise<string> {
  const etcd = createEtcd({ endpoints: [plane.etcdEndpoint], identity: await plane.client('etcd') });
  return (await etcd.status())[0]?.clusterId ?? '';
}

async function snapshotOf(plane: ControlPlane, root: string): Promise<string> {
  const etcd = createEtcd({ endpoints: [plane.etcdEndpoint], identity: await plane.client('etcd') });
  const path = join(root, 'snapshot.db');
  const chunks = async function* () {
    for await (const { bytes } of etcd.snapshot(plane.etcdEndpoint)) yield bytes;
  };
  await createScratch(root).spool(chunks(), path);
  return path;
}

/** New data from the snapshot, and etcd and the API server on it, at their old addresses. */
async function restore(plane: ControlPlane, snapshot: string, root: string, flags: readonly string[]): Promise<void> {
  const member = clusterAddresses(plane.cluster.network).etcd[0];
  const peer = `https://${member}:${ETCD_PEER_PORT}`;
  const own = ['--name', 'a', '--initial-cluster', `a=${peer}`, '--initial-advertise-peer-urls', peer];
  // A token of its own makes it another cluster, which members of the old one can't join.
  const place = ['--data-dir', join(root, 'etcd'), ...own, '--initial-cluster-token', 'restored'];
  await run(binary('etcdutl'), ['snapshot', 'restore', snapshot, ...place, ...flags]);
  const etcd = startEtcd(member, root, filesOf(plane.secrets, secretIds.etcd(plane.cluster.name), join(root, 'etcd-pki')));
  stops.push(() => etcd.stop());
  const etcdClient = await plane.client('etcd');
  await answers('etcd', () => get(member, ETCD_CLIENT_PORT, '/health', etcdClient, member), etcd);
  const pki = filesOf(plane.secrets, secretIds.controlPlane(plane.cluster.name), join(root, 'pki'));
  const api = startApi(plane.address, member, VERSION, pki, false);
  stops.push(() => api.stop());
  const identity = await plane.client('kubernetes');
  await answers('kube-apiserver', () => get(plane.address, API_PORT, '/readyz', identity, 'kubernetes'), api);
}

async function answers(what: string, ask: () => Promise<{ status: number } | undefined>, child: Child): Promise<void> {
  await until(what, async () => ((await ask())?.status === 200 ? true : undefined), child);
}
