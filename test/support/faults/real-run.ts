import * as z from 'zod';
import { hashOf } from '#domain/hash.ts';
import { keys } from '#domain/names.ts';
import { ClusterRecord } from '#model/records.ts';
import { Render } from '#model/render.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { Execution } from '../asl/execution.ts';
import type { Fault } from '../asl/faults.ts';
import { until } from '../child.ts';
import { freeNetwork } from '../control-plane.ts';
import { edited, referenceSnapshot } from '../reference-fleet.ts';
import { createFleetOn, type Fleet } from './fleet.ts';
import type { CallFault } from './invocation.ts';
import { createRandom, type Random } from './random.ts';
import { createRealHardware, type RealHardware } from './real-hardware.ts';
import { CLUSTER, FEWER } from './revisions.ts';
import { calm } from './state.ts';

/** What a cluster should be; each change alters one of it. */
interface Wanted {
  readonly kubernetes: '1.35.4' | '1.36.3';
  readonly more: boolean;
  readonly large: boolean;
  readonly etcdMark: number;
  readonly planeMark: number;
  readonly owner: string;
}

const FIRST: Wanted = { kubernetes: '1.35.4', more: false, large: false, etcdMark: 0, planeMark: 0, owner: 'team-a' };
const KINDS = ['manifests', 'worker-roll', 'settings', 'etcd-roll', 'control-plane-roll'] as const;
type Kind = (typeof KINDS)[number] | 'control-plane-minor' | 'delete' | 'create';
/** After so many runs the cluster is deleted, created and brought to the next minor, each with a fault. */
const LIFE = 40;

export interface RealTold {
  readonly seed: number;
  readonly kind: Kind;
  readonly fault: string;
  /** False when the state was not walked, or changed less. */
  readonly struck: boolean;
  readonly status: string;
  readonly wrong: readonly string[];
  readonly seconds: number;
}

/** Plays runs on one real control plane after the other; `tell` gets each. Always ends what it started. */
export async function playReal(seed: number, runs: number, tell: (told: RealTold) => void): Promise<void> {
  const network = await freeNetwork();
  const cluster: ClusterRef = { ...CLUSTER, network };
  const [states, calls]: [Fault[], CallFault[]] = [[], []];
  let overtaken: () => void = () => undefined;
  const fleet = createFleetOn((secrets) => createRealHardware(cluster, secrets), {
    states,
    calls,
    start: new Date(),
    onOvertaken: () => overtaken(),
  });
  let wanted: Wanted | undefined;
  try {
    for (let index = 0; index < runs; index++) {
      const from = Date.now();
      const random = createRandom(seed + index);
      const kind = kindOf(index, random, wanted);
      const next = kind === 'delete' ? undefined : nextOf(kind, wanted ?? FIRST);
      const [machine, input] = await inputOf(fleet, cluster, next);
      const name = `change-${seed + index}`;
      const fault = faultOf(machine, name, random);
      states.push(...fault.states);
      calls.push(...fault.calls);
      let second: Execution | undefined;
      overtaken = () => {
        expireLock(fleet);
        second = fleet.start(machine, `again-${seed + index}`, input);
      };
      const first = fleet.start(machine, name, input);
      await fleet.settle();
      const struck = states.length > fleet.world.unusedFaults().length || calls.some((one) => fleet.calls.struck.has(one));
      states.splice(0);
      calls.splice(0);
      fleet.calls.heal();
      await calm(fleet);
      second ??= await fleet.run(machine, `again-${seed + index}`, input);
      await calm(fleet);
      const wrong =
        second.status === 'SUCCEEDED' ? [] : [`one more run ended ${second.status}: ${second.error}: ${second.cause?.slice(0, 600)}`];
      wrong.push(...(await problems(fleet, cluster, next)));
      wanted = next;
      const seconds = (Date.now() - from) / 1000;
      tell({ seed: seed + index, kind, fault: JSON.stringify(fault), struck, status: first.status, wrong, seconds });
      if (second.status !== 'SUCCEEDED') return;
    }
  } finally {
    await fleet.hardware.stop();
    fleet.close();
  }
}

function kindOf(index: number, random: Random, wanted: Wanted | undefined): Kind {
  if (wanted === undefined) return 'create';
  const turn = index % LIFE;
  if (turn === LIFE - 1) return 'delete';
  return turn === 10 ? 'control-plane-minor' : random.pick(KINDS);
}

function nextOf(kind: Exclude<Kind, 'delete'>, from: Wanted): Wanted {
  switch (kind) {
    case 'create':
      return FIRST;
    case 'manifests':
      return { ...from, more: !from.more };
    case 'worker-roll':
      return { ...from, large: !from.large };
    case 'settings':
      return { ...from, owner: from.owner === 'team-a' ? 'team-b' : 'team-a' };
    case 'etcd-roll':
      return { ...from, etcdMark: from.etcdMark + 1 };
    case 'control-plane-roll':
      return { ...from, planeMark: from.planeMark + 1 };
    case 'control-plane-minor':
      return { ...from, kubernetes: '1.36.3' };
  }
}

/** Puts the revision there and answers what is to be run. */
async function inputOf(
  fleet: Fleet<RealHardware>,
  cluster: ClusterRef,
  wanted: Wanted | undefined,
): Promise<[string, Record<string, unknown>]> {
  if (wanted === undefined) return ['delete-cluster', { cluster, purpose: 'decommission', progress: null }];
  const { owner, ...rest } = wanted;
  const revision = hashOf(rest).slice(0, 40);
  await fleet.hub.put(keys.snapshot(revision), JSON.stringify(referenceSnapshot(filesOf(wanted), revision)));
  return ['update-cluster', { cluster: { ...cluster, owner }, revision, purpose: 'rollout', rolloutId: 'rollout-1', progress: null }];
}

function filesOf({ kubernetes, more, large, etcdMark, planeMark }: Wanted): Record<string, string | undefined> {
  const mark = (value: number): string => `files:\n  - path: /etc/sluice/mark\n    content: '${value}'\n`;
  return {
    ...FEWER,
    'versions.yaml': `kubernetes: ${kubernetes}\netcd: 3.6.16\nosImage: ami-0a1b2c3d4e5f60718\ne2eTests: 1.36.3\n`,
    'pools.yaml': `pools:\n  - name: general\n    instanceType: m6i.${large ? '2xlarge' : 'xlarge'}\n    size: 2\n    maxSize: 4\n`,
    ...edited('user-data/etcd.yaml', 'files:\n', mark(etcdMark)),
    ...edited('user-data/control-plane.yaml', 'files:\n', mark(planeMark)),
    ...(more ? edited('components/coredns/deployment.yaml', 'replicas: 2', 'replicas: 3') : {}),
    ...(more ? { 'components/resource-report/component.yaml': undefined, 'components/resource-report/deployment.yaml': undefined } : {}),
  };
}

const CHANGING: Readonly<Record<string, readonly string[]>> = {
  'update-cluster': [
    ...['lock', 'begin-update', 'issue-identity', 'advance-stack--etcd', 'advance-stack--etcd', 'roll-etcd-members'],
    ...['advance-stack--control-plane', 'roll-control-plane', 'apply-components--system', 'advance-stack--pools', 'roll-node-pools'],
    ...['roll-node-pools', 'roll-node-pools', 'await-nodes', 'apply-components--workloads', 'prune', 'check-health', 'record', 'unlock'],
  ],
  'delete-cluster': [
    'lock',
    'begin-deletion--backed-up',
    'remove-aws-resources',
    'advance-deletion',
    'delete-identity',
    'record--deleted',
    'unlock',
  ],
};
const SERVICES = ['hub-objects', 'kubernetes', 'instances', 'stacks', 'etcd'] as const;

/** Mostly functions that die in the middle of what they change; the rest loses answers, stops, comes late or is overtaken. */
function faultOf(machine: string, execution: string, random: Random): { states: Fault[]; calls: CallFault[] } {
  const state = random.pick(CHANGING[machine] ?? []);
  const base = { state, machine, execution };
  const when = random.pick(['before', 'after'] as const);
  const died: CallFault = { kind: 'dies', state, change: 1 + random.below(3), when };
  const ofCalls: CallFault[] = [
    ...[died, died, died, died],
    { kind: 'away', state, service: random.pick(SERVICES), seconds: 30 + random.below(600) },
    { kind: 'late', state, seconds: 900 + random.below(3600) },
    { kind: 'overtaken', state },
  ];
  const ofStates: Fault[] = [
    { ...base, kind: 'abort', when },
    { ...base, kind: 'machine-timeout' },
    { ...base, kind: 'error', error: random.pick(['Lambda.Unknown', 'RefusedError', 'States.Runtime']), when },
    { ...base, kind: 'task-timeout', when },
    { ...base, kind: 'cancel' },
  ];
  return random.next() < 0.6 ? { states: [], calls: [random.pick(ofCalls)] } : { states: [random.pick(ofStates)], calls: [] };
}

function expireLock({ hub, world }: Fleet<RealHardware>): void {
  const key = keys.lock(CLUSTER.name);
  const body = hub.contents()[key];
  if (body !== undefined) void hub.put(key, JSON.stringify({ ...JSON.parse(body), expiresAt: new Date(world.now() - 1000).toISOString() }));
}

/** What is not as wanted, or left behind. */
async function problems(fleet: Fleet<RealHardware>, cluster: ClusterRef, wanted: Wanted | undefined): Promise<string[]> {
  const contents = fleet.hub.contents();
  const held = Object.entries(contents).filter(([key, body]) => key.startsWith('locks/') && JSON.parse(body).holder !== null);
  const left = held.map(([key, body]) => `${key} is held by ${JSON.parse(body).holder}`);
  const stored: unknown = JSON.parse(contents[keys.cluster(cluster.name)] ?? 'null');
  const stacks = await fleet.cloud.stacks.listOfCluster(cluster.name);
  if (wanted === undefined) {
    const gone = z.object({ deleted: z.literal(true) }).safeParse(stored).success;
    return [...left, ...(gone ? [] : ['the record does not say that it is deleted']), ...stacks.map(({ name }) => `stack ${name} is left`)];
  }
  const record = ClusterRecord.safeParse(stored);
  if (!record.success) return [...left, 'there is no whole record'];
  const whole = record.data.updating === undefined ? [] : ['the record says that an update is under way'];
  const found = await until('the cluster to be as wanted', async () => {
    const wrong = [...(await groupProblems(fleet, stacks)), ...(await clusterProblems(fleet, wanted, record.data.renderHash))];
    return wrong.length === 0 ? [] : undefined;
  }).catch(async () => [...(await groupProblems(fleet, stacks)), ...(await clusterProblems(fleet, wanted, record.data.renderHash))]);
  return [...left, ...whole, ...found];
}

async function groupProblems(
  { cloud }: Fleet<RealHardware>,
  stacks: readonly { readonly tags: Readonly<Record<string, string>> }[],
): Promise<string[]> {
  const roles = stacks
    .map(({ tags }) => tags['sluice:role'] ?? '')
    .flatMap((role) => (role === 'etcd' ? ['etcd-a'] : role === 'network' ? [] : [role]));
  const groups = await Promise.all(roles.map((role) => cloud.instances.group(CLUSTER.name, role)));
  return groups.flatMap((group) => {
    if (group === undefined) return ['a group is missing'];
    const old = group.instances.filter(({ launchTemplateVersion }) => launchTemplateVersion !== group.launchTemplateVersion);
    return [
      ...(group.desired === group.min ? [] : [`${group.name} has ${group.desired} instances instead of ${group.min}`]),
      ...old.map(({ id }) => `${id} of ${group.name} is old`),
    ];
  });
}

const NodeMarks = z.looseObject({
  metadata: z.looseObject({ name: z.string(), labels: z.record(z.string(), z.string()).default({}) }),
  spec: z.looseObject({ unschedulable: z.boolean().default(false), taints: z.array(z.looseObject({ key: z.string() })).default([]) }),
  status: z.looseObject({ nodeInfo: z.looseObject({ kubeletVersion: z.string() }) }),
});

async function clusterProblems(fleet: Fleet<RealHardware>, wanted: Wanted, hash: string): Promise<string[]> {
  const kubernetes = await fleet.hardware.kubernetes();
  const version = await kubernetes.version();
  const nodes = (await kubernetes.list('v1', 'Node')).map((node) => NodeMarks.parse(node));
  const render = Render.parse(JSON.parse(fleet.hub.contents()[keys.render(hash)] ?? 'null'));
  const objects = render.components.flatMap((component) => component.objects);
  const missing = await Promise.all(
    objects.map(async ({ apiVersion, kind, metadata }) => {
      const { name, namespace } = metadata;
      const there = await kubernetes.get({ apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) });
      return there === undefined ? [`${kind} ${name} is missing`] : [];
    }),
  );
  const coredns = await kubernetes.get({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'kube-system', name: 'coredns' });
  const replicas = z.looseObject({ spec: z.looseObject({ replicas: z.number() }) }).parse(coredns).spec.replicas;
  const report = await kubernetes.get({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'resource-report', name: 'resource-report' });
  return [
    ...(version === wanted.kubernetes ? [] : [`the API has ${version}`]),
    ...(nodes.length === 2 ? [] : [`${nodes.length} nodes`]),
    ...nodes.flatMap(({ metadata, spec, status }) => [
      ...(status.nodeInfo.kubeletVersion === `v${wanted.kubernetes}` ? [] : [`${metadata.name} has ${status.nodeInfo.kubeletVersion}`]),
      ...(spec.unschedulable ? [`${metadata.name} is cordoned`] : []),
      ...spec.taints.map(({ key }) => `${metadata.name} has the taint ${key}`),
      ...(metadata.labels['lifecycle-status'] === 'decommission-pending' ? [`${metadata.name} is marked`] : []),
    ]),
    ...missing.flat(),
    ...(replicas === (wanted.more ? 3 : 2) ? [] : [`coredns has ${replicas} replicas`]),
    ...((report === undefined) === wanted.more ? [] : ['resource-report is there or not, the other way round']),
  ];
}
