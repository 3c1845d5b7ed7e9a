import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import * as z from 'zod';
import type { ApiAddress } from '#adapters/kubernetes/http.ts';
import { createKubernetes } from '#adapters/kubernetes/kubernetes.ts';
import { API_PORT } from '#domain/network.ts';
import { Workload } from '#model/kubernetes.ts';
import type { Manifest, Render } from '#model/render.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';
import type { Child } from '../support/child.ts';
import { until } from '../support/child.ts';
import { aRender } from '../support/cluster-world.ts';
import { startControlPlane } from '../support/control-plane.ts';
import { controlPlaneFiles, startControllerManager } from '../support/whole-control-plane.ts';
import { provideBinaries } from './binaries.ts';
import { type Bench, type BenchContext, type Measure, percentile } from './measure.ts';
import { peerKubectl } from './peer.ts';

const run = promisify(execFile);

const VERSION = '1.36.3';
const EACH = 500;
const ROUNDS = 3;
/** Objects a file. */
const PER_FILE = 50;
const SETTLE_SECONDS = 240;

/** What apply-child.ts reads. */
export interface ApplyTask {
  readonly api: ApiAddress;
  readonly render: Render;
}

const Told = z.object({
  seconds: z.number(),
  cpuSeconds: z.number(),
  applied: z.int(),
  changed: z.int(),
  unchanged: z.int(),
  repaired: z.int(),
});

/** What one tool took for one kind of run. */
interface Taken {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

const KINDS = ['new', 'changed', 'unchanged'] as const;
type Kind = (typeof KINDS)[number];
const GOALS: Readonly<Record<Kind, number>> = { new: 1, changed: 1, unchanged: 0.3 };

interface World {
  readonly context: BenchContext;
  readonly api: ApiAddress;
  readonly kubernetes: Kubernetes;
  readonly kubeconfig: string;
}

/** The real step against a real control plane, and kubectl with the same files beside it. */
export const applyBench: Bench = {
  name: 'apply',
  what: [
    `Step \`apply-components\` with the real adapter, ${EACH} ConfigMaps and ${EACH} Deployments, against etcd, kube-apiserver and kube-controller-manager ${VERSION}: all new, all changed (a value of each ConfigMap, the image of each Deployment), nothing changed. Each run is a process of its own, measured from the call of the step to its end (connecting included, starting Node not).`,
    `Beside it \`kubectl apply --server-side\` ${VERSION} of the same objects as files (${PER_FILE} a file) in a namespace of its own, from the start of the process to its end; both take turns, the controllers are let come to rest before each run. \`-ratio\`: median wall time of ours over that of kubectl, of ${ROUNDS} rounds; \`-cpu-ratio\`: the same of the processes' CPU time.`,
    'After the last round another client changes a field of one object: the next run must find and mend just that one, or the bench fails.',
  ].join(' '),
  async run(context) {
    await provideBinaries(context.log);
    const plane = await startControlPlane({ version: VERSION, controllers: true });
    const children: Child[] = [];
    try {
      const { own, kubeconfig } = await controlPlaneFiles(plane, context.directory);
      // A controller manager that is slower than what it follows would never rest.
      const fast = ['--kube-api-qps=300', '--kube-api-burst=600'];
      children.push(startControllerManager(VERSION, own('controller-manager'), context.directory, plane.address, fast));
      const identity = await plane.client('kubernetes');
      const api = { ...identity, address: plane.address, port: API_PORT, serverName: 'kubernetes' };
      const world = { context, api, kubernetes: createKubernetes(api), kubeconfig: kubeconfig('kubectl', identity) };
      return await measure(world);
    } finally {
      for (const child of children) await child.stop();
      await plane.stop();
    }
  },
};

async function measure(world: World): Promise<Measure[]> {
  const taken = new Map<string, Taken[]>();
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const kind of KINDS) {
      // Who comes first has the server to itself and the other its caches: they take turns.
      const tools = round % 2 === 0 ? (['sluice', 'kubectl'] as const) : (['kubectl', 'sluice'] as const);
      for (const tool of tools) {
        const namespace = `${tool}-${round}`;
        if (kind === 'new') await makeNamespace(namespace, world);
        await settled(namespace, world);
        const objects = objectsOf(namespace, kind === 'new' ? '1' : '2');
        const one =
          tool === 'kubectl' ? await applyByKubectl(objects, `${namespace}-${kind}`, world) : await applyBySluice(objects, kind, world);
        world.context.log(`${kind}, ${tool}, ${round} of ${ROUNDS}: ${one.seconds.toFixed(2)} s, ${one.cpuSeconds.toFixed(2)} CPU s`);
        taken.set(`${tool} ${kind}`, [...(taken.get(`${tool} ${kind}`) ?? []), one]);
      }
    }
  }
  await mendsDrift(`sluice-${ROUNDS}`, world);
  return KINDS.flatMap((kind) => {
    const median = (tool: string, of: keyof Taken): number =>
      percentile(
        (taken.get(`${tool} ${kind}`) ?? []).map((one) => one[of]),
        50,
      );
    const ratio = (of: keyof Taken): number => median('sluice', of) / median('kubectl', of);
    return [
      { name: `apply.${kind}`, value: median('sluice', 'seconds'), unit: 's', goal: { op: '<=', number: 60 } },
      { name: `apply.${kind}-ratio`, value: ratio('seconds'), unit: 'x', goal: { op: '<=', number: GOALS[kind] } },
      { name: `apply.${kind}-cpu-ratio`, value: ratio('cpuSeconds'), unit: 'x', goal: { op: '<=', number: 2 } },
    ] satisfies Measure[];
  });
}

function objectsOf(namespace: string, value: string): Manifest[] {
  const names = Array.from({ length: EACH }, (_, index) => `one-${index}`);
  const labels = (name: string): Record<string, string> => ({ application: name, team: 'bench' });
  return [
    ...names.map((name) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace, labels: labels(name) },
      data: { 'settings.yaml': `level: info\nretries: 5\nendpoint: https://${name}.example.net\n`, value },
    })),
    ...names.map((name) => deployment(name, namespace, labels(name), value)),
  ];
}

function deployment(name: string, namespace: string, labels: Record<string, string>, value: string): Manifest {
  const container = {
    name: 'main',
    image: `registry.example.net/team/${name}:1.0.${value}`,
    args: ['--verbose', `--name=${name}`],
    ports: [{ name: 'http', containerPort: 8080 }],
    env: [
      { name: 'LEVEL', value: 'info' },
      { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    ],
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '128Mi' } },
    readinessProbe: { httpGet: { path: '/health', port: 'http' }, periodSeconds: 10 },
    volumeMounts: [{ name: 'settings', mountPath: '/etc/settings' }],
  };
  const template = { metadata: { labels }, spec: { containers: [container], volumes: [{ name: 'settings', configMap: { name } }] } };
  const spec = { replicas: 1, selector: { matchLabels: { application: name } }, template };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace, labels }, spec };
}

async function makeNamespace(name: string, { kubernetes }: World): Promise<void> {
  const { outcome, reason } = await kubernetes.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  if (outcome !== 'created') throw new Error(`namespace ${name}: ${outcome} ${reason ?? ''}`);
  await until(`the service account of ${name}`, async () =>
    kubernetes.get({ apiVersion: 'v1', kind: 'ServiceAccount', namespace: name, name: 'default' }),
  );
}

/** Waits until the controllers have followed, so that they do not take the machine from the next run. */
async function settled(namespace: string, { kubernetes }: World): Promise<void> {
  const resting = async (): Promise<true | undefined> => {
    const deployments = (await kubernetes.list('apps/v1', 'Deployment', namespace)).map((object) => Workload.parse(object));
    const followed = deployments.every(
      ({ metadata, status }) => status.observedGeneration === metadata.generation && status.updatedReplicas === 1,
    );
    return followed ? true : undefined;
  };
  await until(`the controllers to follow in ${namespace}`, resting, undefined, SETTLE_SECONDS);
}

async function applyByKubectl(objects: readonly Manifest[], name: string, { context, kubeconfig }: World): Promise<Taken> {
  const folder = join(context.directory, name);
  await mkdir(folder, { recursive: true });
  for (let start = 0; start < objects.length; start += PER_FILE) {
    const texts = objects.slice(start, start + PER_FILE).map((object) => stringify(object));
    await writeFile(join(folder, `${String(start).padStart(4, '0')}.yaml`), texts.join('---\n'));
  }
  // The shell tells what its child used.
  const script = '"$1" apply --server-side --kubeconfig "$2" -f "$3" > "$3.out"; code=$?; times; exit $code';
  const kubectl = await peerKubectl();
  const start = performance.now();
  const { stdout } = await run('bash', ['-c', script, 'bash', kubectl, kubeconfig, folder]);
  const seconds = (performance.now() - start) / 1000;
  const [user, system] = [...(stdout.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, rest]) => Number(minutes) * 60 + Number(rest),
  );
  if (user === undefined || system === undefined || user === 0) throw new Error(`the shell did not tell what kubectl used: ${stdout}`);
  return { seconds, cpuSeconds: user + system };
}

async function applyBySluice(objects: readonly Manifest[], kind: Kind, world: World): Promise<Taken> {
  const told = await runChild(objects, world);
  const expected = kind === 'unchanged' ? 0 : objects.length;
  if (told.applied !== objects.length || told.changed !== expected || told.unchanged !== objects.length - expected)
    throw new Error(`${kind}: ${JSON.stringify(told)}`);
  return told;
}

async function runChild(objects: readonly Manifest[], { context, api }: World): Promise<z.infer<typeof Told>> {
  const file = join(context.directory, 'task.json');
  const task: ApplyTask = { api, render: aRender({ components: [{ name: 'bench', phase: 'workloads', objects: [...objects] }] }) };
  await writeFile(file, JSON.stringify(task), { mode: 0o600 });
  const { stdout } = await run(process.execPath, [join(context.root, 'test/bench/apply-child.ts'), file], { cwd: context.root });
  return Told.parse(JSON.parse(stdout));
}

/** A bench that trusted a note of its own last run would be fast and see nothing. */
async function mendsDrift(namespace: string, world: World): Promise<void> {
  const id = { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: 'one-7' };
  const changed = [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'registry.example.net/by-hand:1' }];
  const args = ['patch', 'deployment', id.name, '-n', namespace, '--type=json', '-p', JSON.stringify(changed)];
  await run(await peerKubectl(), [...args, '--kubeconfig', world.kubeconfig]);
  const told = await runChild(objectsOf(namespace, '2'), world);
  if (told.changed !== 1 || told.repaired !== 1) throw new Error(`the change by hand was not mended: ${JSON.stringify(told)}`);
}
