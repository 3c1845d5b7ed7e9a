/**
 * The full update under load, in a network and mount namespace of its own: `node child.ts DIRECTORY`. Writes lines for
 * people and, last, the JSON of FullUpdateResult.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kubeconfigOf } from '#domain/kubeconfig.ts';
import { API_PORT, clusterAddresses, SERVICE_NETWORK } from '#domain/network.ts';
import type { ClusterRef } from '#model/settings.ts';
import { AGNHOST, PAUSE, writeNodeImages } from '../../../local/machine-room/real/images.ts';
import { fastStages, type MachineRoom, startMachineRoom } from '../../../local/machine-room/room.ts';
import { ETCD_BEFORE, ETCD_VERSION, KUBERNETES_VERSIONS } from '../../../local/toolchain/versions.ts';
import { binary } from '../binaries.ts';
import { type Child, startChild } from '../child.ts';
import { deployJoinFunction } from '../machine-room/account-function.ts';
import { eventually } from '../machine-room/world.ts';
import { startMinistack } from '../ministack.ts';
import { cniImageOf, snapshotAt } from './configuration.ts';
import type { LoadPlan } from './load.ts';
import { Measured } from './measure.ts';
import { webObjects } from './web.ts';
import { createUpdateWorld, type UpdateWorld } from './world.ts';

const REGION = 'eu-central-1';
const [BEFORE, AFTER] = KUBERNETES_VERSIONS;
const CLUSTER: ClusterRef = {
  name: 'full',
  account: '444444444444',
  region: REGION,
  environment: 'production',
  network: '127.79.0.0/16',
  channel: 'dev',
};
const ADDRESSES = clusterAddresses(CLUSTER.network);
/** Address of the service; of the upper part of the service network, from which none is given by chance. */
const WEB = '10.96.200.200';
const SERVICE_LOAD = { clients: 4, everyMilliseconds: 100, timeoutMilliseconds: 3000, retries: 0 };
const API_LOAD = { clients: 2, everyMilliseconds: 200, timeoutMilliseconds: 900, retries: 1 };
const PROBE = '/api/v1/namespaces/default/configmaps/probe';
const API_CALLS: LoadPlan['calls'] = [
  { method: 'GET', path: PROBE },
  { method: 'PATCH', path: PROBE },
];

const [directory = ''] = process.argv.slice(2);
const startedAt = Date.now();
const tell = (line: string): void => void process.stdout.write(`${((Date.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${line}\n`);
const debian = binary('debian');

execFileSync('ip', ['link', 'set', 'lo', 'up']);
const children: Child[] = [];
const aws = await startMinistack();
const images = writeNodeImages(join(directory, 'images'), {
  debian,
  agnhost: binary('agnhost', AFTER),
  kubeProxies: Object.fromEntries(KUBERNETES_VERSIONS.map((version) => [version, binary('kube-proxy', version)])),
  cni: cniImageOf(snapshotAt({ kubernetes: BEFORE, etcd: ETCD_BEFORE }), REGION),
});
const room = await startMachineRoom({
  awsEndpoint: aws.endpoint,
  region: REGION,
  accounts: [CLUSTER.account],
  directory: join(directory, 'room'),
  binaries: async (name, version) => (name === 'etcd' && version === ETCD_VERSION ? binary(name) : binary(name, version)),
  log: () => undefined,
  kwok: { binary: binary('kwok'), stages: fastStages(join(binary('kwok'), '../stages')) },
  realNodes: { roles: ['pool-web'], debian: async () => debian, images: async () => images, pauseImage: PAUSE },
});
room.events.on('event', ({ kind, role, instance, reason }) => tell(`  ${role} ${instance}: ${kind}: ${reason}`));
try {
  await deployJoinFunction(aws, CLUSTER.account, room.autoscalingUrl);
  await fullUpdate(room);
} finally {
  for (const child of children.reverse()) await child.stop();
  await room.close();
  await aws.stop();
}
// What was started to bundle and to listen would keep it; all that matters has ended.
process.exit();

async function fullUpdate({ autoscalingUrl }: MachineRoom): Promise<void> {
  const world = await createUpdateWorld({
    aws,
    autoscalingUrl,
    cluster: CLUSTER,
    directory,
    onStep: ({ state, seconds, reason }) => tell(`${state} (${seconds.toFixed(1)} s): ${reason}`),
  });
  await world.publish('etcd', ETCD_BEFORE, [binary('etcd', ETCD_BEFORE), binary('etcdutl', ETCD_BEFORE)]);
  await world.publish('etcd', ETCD_VERSION, [binary('etcd'), binary('etcdutl')]);
  for (const version of KUBERNETES_VERSIONS) await world.publish('kubernetes', version, [binary('kube-apiserver', version)]);
  await world.update('create', snapshotAt({ kubernetes: BEFORE, etcd: ETCD_BEFORE }));
  tell('the cluster is up');
  await startService(world);
  const service = startLoad('service', { host: WEB, port: 80, calls: [{ method: 'GET', path: '/hostname' }], ...SERVICE_LOAD });
  const api = startLoad('api', {
    host: ADDRESSES.api,
    port: API_PORT,
    calls: API_CALLS,
    identity: await world.identity('kubernetes'),
    ...API_LOAD,
  });
  const from = Date.now();
  await world.update('update', snapshotAt({ kubernetes: AFTER, etcd: ETCD_VERSION }));
  const seconds = (Date.now() - from) / 1000;
  const [serviceSeen, apiSeen] = [await seen(service), await seen(api)];
  const nodes = await (await world.kubernetes()).list('v1', 'Node');
  const kubelets = nodes.map(({ status }) => (status as { nodeInfo: { kubeletVersion: string } }).nodeInfo.kubeletVersion);
  process.stdout.write(`${JSON.stringify({ seconds, service: serviceSeen, api: apiSeen, kubelets })}\n`);
}

/** The service on its two real nodes, reached from here as from any other machine with a kube-proxy. */
async function startService(world: UpdateWorld): Promise<void> {
  const kubernetes = await world.kubernetes();
  const probe = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'probe', namespace: 'default' }, data: {} };
  for (const object of [...webObjects(AGNHOST, WEB), probe]) {
    const applied = await kubernetes.apply(object);
    if (applied.outcome === 'refused') throw new Error(`${object.kind}: ${applied.reason}`);
  }
  const nodes = await eventually('both replicas on nodes of their own', 120, async () => {
    const pods = (await kubernetes.list('v1', 'Pod')).filter(({ metadata }) => metadata.name.startsWith('web-'));
    const ready = pods.filter(isReady);
    return ready.length === 2 ? ready.map((pod) => (pod as unknown as { spec: { nodeName: string } }).spec.nodeName) : undefined;
  });
  if (new Set(nodes).size !== 2) throw new Error(`both replicas are on ${nodes[0]}`);
  await startKubeProxy(world);
  await eventually('the service to answer at its address', 60, async () => {
    const answer = await fetch(`http://${WEB}/hostname`, { signal: AbortSignal.timeout(1000) });
    return answer.ok ? true : undefined;
  });
  tell(`two replicas serve on ${nodes.join(' and ')}`);
}

function isReady(pod: object): boolean {
  const { status } = pod as { status?: { conditions?: { type: string; status: string }[] } };
  return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
}

async function startKubeProxy(world: UpdateWorld): Promise<void> {
  const kubeconfig = join(directory, 'kube-proxy.kubeconfig');
  writeFileSync(kubeconfig, kubeconfigOf(`https://${ADDRESSES.api}:${API_PORT}`, 'kubernetes', await world.identity('kubernetes')), {
    mode: 0o600,
  });
  const config = join(directory, 'kube-proxy.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      mode: 'iptables',
      bindAddress: '127.0.0.1',
      healthzBindAddress: '127.0.0.1:10256',
      metricsBindAddress: '127.0.0.1:10249',
      clientConnection: { kubeconfig },
      conntrack: { maxPerCore: 0 },
      iptables: { localhostNodePorts: false },
    }),
  );
  // A packet needs a way before its address is changed to that of a pod.
  execFileSync('ip', ['route', 'replace', SERVICE_NETWORK, 'dev', 'sluice']);
  const programs = join(directory, 'iptables');
  mkdirSync(programs, { recursive: true });
  const libraries = join(debian, 'usr/lib/x86_64-linux-gnu');
  for (const name of ['iptables', 'iptables-save', 'iptables-restore', 'ip6tables', 'ip6tables-save', 'ip6tables-restore'])
    symlinkSync(join(debian, 'usr/sbin/xtables-legacy-multi'), join(programs, name));
  children.push(
    startChild(binary('kube-proxy', BEFORE), [`--config=${config}`, '--hostname-override=client'], {
      PATH: `${programs}:${process.env['PATH']}`,
      LD_LIBRARY_PATH: libraries,
      XTABLES_LIBDIR: join(libraries, 'xtables'),
    }),
  );
}

function startLoad(name: string, plan: LoadPlan): Child {
  const file = join(directory, `load-${name}.json`);
  writeFileSync(file, JSON.stringify(plan), { mode: 0o600 });
  const child = startChild(process.execPath, [join(import.meta.dirname, 'load.ts'), file]);
  children.push(child);
  return child;
}

async function seen(load: Child): Promise<Measured> {
  await load.stop(20_000);
  return Measured.parse(JSON.parse(load.output()));
}
