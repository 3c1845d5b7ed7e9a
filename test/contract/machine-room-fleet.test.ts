import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { createInstances } from '#adapters/auto-scaling/instances.ts';
import { createStacks } from '#adapters/cloudformation/stacks.ts';
import { createAddresses } from '#adapters/ec2/addresses.ts';
import { createEtcd } from '#adapters/etcd/etcd.ts';
import { createKubernetes } from '#adapters/kubernetes/kubernetes.ts';
import { createObjects } from '#adapters/s3/objects.ts';
import { parseConfiguration } from '#domain/configuration.ts';
import { isReady as isReadyNode } from '#domain/drain/marks.ts';
import { isPodReady, isTerminating } from '#domain/drain/pods.ts';
import { hashOf, sha256 } from '#domain/hash.ts';
import { isLive } from '#domain/instances.ts';
import { accountKeys, bucketName, keys } from '#domain/names.ts';
import { API_PORT, clusterAddresses } from '#domain/network.ts';
import { render } from '#domain/render.ts';
import { readObject } from '#facts/stored.ts';
import { Node, Pod } from '#model/kubernetes.ts';
import type { Manifest, Render } from '#model/render.ts';
import { RestoreOrder } from '#model/restore.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { Instances } from '#ports/instances.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';
import { applyComponents } from '../../functions/cluster/apply-components.ts';
import { rollControlPlane } from '../../functions/cluster/roll-control-plane.ts';
import { rollNodePools } from '../../functions/cluster/roll-node-pools.ts';
import { restoreMembers } from '../../functions/etcd/restore-members.ts';
import { fastStages, type MachineRoom, type RoomEvent, startMachineRoom } from '../../local/machine-room/room.ts';
import { deployAccountStack } from '../support/account-stack.ts';
import { binary } from '../support/binaries.ts';
import { stackAdvancer } from '../support/bring-stacks.ts';
import { rollStateContract } from '../support/contracts/instances.ts';
import { createFakeInstances } from '../support/fakes/instances.ts';
import { createFakeObjects } from '../support/fakes/objects.ts';
import { createFakeSecrets } from '../support/fakes/secrets.ts';
import { deployJoinFunction } from '../support/machine-room/account-function.ts';
import { type Cell, createCell, eventually, REGION, temporaryDirectory } from '../support/machine-room/world.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

const CLUSTER: ClusterRef = {
  name: 'fleet',
  account: '333333333333',
  region: REGION,
  environment: 'production',
  network: '127.78.0.0/16',
  channel: 'dev',
};
const CONFIGURATION = join(import.meta.dirname, '../../channels/cluster');

let aws: Ministack;
let room: MachineRoom;
let cell: Cell;
let kubernetes: Kubernetes;
const events: RoomEvent[] = [];
const directory = temporaryDirectory();

beforeAll(async () => {
  aws = await startMinistack();
  room = await startMachineRoom({
    awsEndpoint: aws.endpoint,
    region: REGION,
    accounts: [CLUSTER.account],
    directory: directory.path,
    binaries: async (name, version) => binary(name, name.startsWith('etcd') ? undefined : version),
    log: () => undefined,
    kwok: { binary: binary('kwok'), stages: fastStages(join(binary('kwok'), '../stages')) },
  });
  room.events.on('event', (event) => events.push(event));
  await deployAccountStack(new CloudFormationClient(aws.of(CLUSTER.account)), CLUSTER.network);
  cell = await createCell(aws.endpoint, CLUSTER, true);
  await cell.issueIdentity();
  await deployJoinFunction(aws, CLUSTER.account, room.autoscalingUrl);
  kubernetes = await connect();
});

afterAll(async () => {
  await room?.close();
  await aws?.stop();
  directory.remove();
});

/** A client of its own: one that keeps its connection would stay with one API server. */
async function connect(): Promise<Kubernetes> {
  return createKubernetes({
    ...(await cell.admin()),
    address: clusterAddresses(CLUSTER.network).api,
    port: API_PORT,
    serverName: 'kubernetes',
  });
}

/** The fleet's own configuration, with another Kubernetes version where wanted. */
async function rendered(version?: string): Promise<Render> {
  const paths = (await readdir(CONFIGURATION, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const files = paths.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    const content = readFileSync(path, 'utf8');
    const relative = path.slice(CONFIGURATION.length + 1);
    return {
      path: relative,
      content:
        relative === 'versions.yaml' && version !== undefined ? content.replace(/kubernetes: .*/, `kubernetes: ${version}`) : content,
    };
  });
  const parsed = parseConfiguration({ revision: 'a'.repeat(40), files });
  if (parsed.value === undefined) throw new Error(JSON.stringify(parsed.findings));
  return render(parsed.value, CLUSTER);
}

async function deliver(what: Render, roles: string[]): Promise<void> {
  const objects = createFakeObjects();
  const hash = hashOf(what);
  await objects.put(keys.render(hash), JSON.stringify(what));
  for (const stack of what.stacks)
    if (stack.ignition !== undefined) await cell.putDocument({ text: stack.ignition, sha256: stack.ignitionHash ?? '' });
  const stacks = createStacks(new CloudFormationClient(aws.of(CLUSTER.account)));
  const advance = await stackAdvancer({ objects, stacks }, { cluster: CLUSTER, hash, roles, execution: hash.slice(0, 12) });
  await eventually(`stacks ${roles.join()}`, 60, advance);
}

/** By the step that does it on AWS; all but the API whose pods would have to answer. */
async function apply(what: Render, phase: 'before-control-plane' | 'system' | 'workloads'): Promise<void> {
  const objects = createFakeObjects();
  const hash = hashOf(what);
  const components = what.components.filter(({ name }) => name !== 'metrics-api');
  await objects.put(accountKeys.manifests(hash), JSON.stringify({ ...what, components }));
  const ports = {
    kubernetes: connect,
    instances: createFakeInstances(),
    addresses: async () => new Map<string, string>(),
    secrets: createFakeSecrets(),
    objects,
    clock: { now: () => new Date() },
  };
  await eventually(`the components of ${phase}`, 60, () =>
    applyComponents.run({ cluster: CLUSTER, render: { hash }, phase }, ports, { execution: 'test' }),
  );
}

function isReady(node: Manifest): boolean {
  const status = node['status'] as { conditions?: { type: string; status: string }[] };
  return status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
}

async function serves(version: string): Promise<true | undefined> {
  const fresh = await connect();
  return (await fresh.ready()) && (await fresh.version()) === version ? true : undefined;
}

describe('the reference configuration in the machine room', () => {
  it('brings up etcd and a control plane from its own templates and user data', async () => {
    const what = await rendered();
    await deliver(what, ['network']);
    await deliver(what, ['etcd']);
    await deliver(what, ['control-plane']);

    await eventually('the API', 60, () => serves('1.35.4'));

    expect(events.filter((event) => event.kind === 'refused')).toEqual([]);
  });

  it('makes six nodes of two pools in three zones, Ready once the system components run', async () => {
    const what = await rendered();
    await apply(what, 'before-control-plane');
    await apply(what, 'system');
    await deliver(what, ['pools']);

    const nodes = await eventually('six nodes Ready', 60, async () => {
      const found = (await kubernetes.list('v1', 'Node')).filter(isReady);
      return found.length === 6 ? found : undefined;
    });

    const labels = nodes.map((node) => (node.metadata as unknown as { labels: Record<string, string> }).labels);
    expect(new Set(labels.map((label) => `${label['sluice/pool']} ${label['topology.kubernetes.io/zone']}`)).size).toBe(6);
    expect(labels.filter((label) => label['workload'] === 'batch')).toHaveLength(3);
    expect(labels.filter((label) => label['lifecycle-status'] === 'ready')).toHaveLength(6);
  });

  it('runs its workloads', async () => {
    const what = await rendered();
    await apply(what, 'workloads');

    await eventually('all deployments available', 60, async () => {
      const deployments = await kubernetes.list('apps/v1', 'Deployment');
      const waiting = deployments.filter((deployment) => {
        const { spec, status } = deployment as unknown as { spec: { replicas: number }; status: { availableReplicas?: number } };
        return status.availableReplicas !== spec.replicas;
      });
      return deployments.length > 0 && waiting.length === 0 ? true : undefined;
    });
  });

  it('has three members of etcd, each in its zone, with a leader', async () => {
    const etcd = createEtcd({
      endpoints: clusterAddresses(CLUSTER.network).etcd.map((address) => `https://${address}:2379`),
      identity: await cell.client('etcd'),
    });

    const members = await etcd.status();

    expect(members.map(({ name, healthy }) => [name, healthy]).sort()).toEqual(
      ['a', 'b', 'c'].map((zone) => [`etcd-${REGION}${zone}`, true]),
    );
    expect(members.filter(({ leader }) => leader)).toHaveLength(1);
  });

  it('goes to the next minor, one control plane after the other, by the step that does it on AWS', async () => {
    const what = await rendered('1.36.3');
    await deliver(what, ['control-plane']);
    const objects = createFakeObjects();
    await objects.put(accountKeys.manifests(hashOf(what)), JSON.stringify(what));
    const instances = createInstances({ ...aws.of(CLUSTER.account), endpoint: room.autoscalingUrl });
    const addresses = createAddresses({ ...aws.of(CLUSTER.account), endpoint: room.autoscalingUrl });
    const serving = (): number => room.instances().filter(({ role, state }) => role === 'control-plane' && state === 'InService').length;
    expect(serving()).toBe(2);

    let fewest = serving();
    let previous: z.input<typeof rollControlPlane.input>['rollControlPlane'];
    const reason = await eventually('the control plane is rolled', 180, async () => {
      const ports = { kubernetes: connect, instances, addresses, objects, secrets: createFakeSecrets(), clock: { now: () => new Date() } };
      const input = rollControlPlane.input.parse({ cluster: CLUSTER, render: { hash: hashOf(what) }, rollControlPlane: previous });
      const answer = await rollControlPlane.run(input, ports, { execution: 'test' });
      previous = answer;
      fewest = Math.min(fewest, serving());
      return answer.done ? answer.reason : undefined;
    });

    expect(reason).toContain('1.36.3');
    expect(fewest).toBe(2);
    // A connection that was open goes on to the old instance until the load balancer lets it go.
    await eventually('every connection to reach the new version', 60, async () =>
      (await kubernetes.version()) === '1.36.3' ? true : undefined,
    );
    expect((await kubernetes.list('v1', 'Node')).filter(isReady)).toHaveLength(6);
  });

  describe('a group of the room', () => {
    rollStateContract(async () => ({ instances: instancesOf(), cluster: CLUSTER.name, role: 'pool-general' }));
  });

  it('rolls both pools, a zone at a time, with no node fewer and no pod of a budget missing', async () => {
    const what = await rendered('1.36.3');
    await apply(what, 'system');
    await deliver(what, ['pools']);
    await startGuarded();
    const objects = createFakeObjects();
    await objects.put(accountKeys.manifests(hashOf(what)), JSON.stringify(what));
    const before = (await kubernetes.list('v1', 'Node')).map(({ metadata }) => metadata.name);
    const seen = { zones: 0, nodes: 6, together: 0, pods: 6 };
    // A call of the step may begin and end a drain: what is true while it goes on is seen right before each of its acts.
    const ports = {
      kubernetes: async () => watched(await connect(), 'evict', seen),
      instances: watched(instancesOf(), 'terminate', seen),
      addresses: async () => new Map<string, string>(),
      secrets: createFakeSecrets(),
      objects,
      clock: { now: () => new Date() },
    };
    let previous: z.input<typeof rollNodePools.input>['rollNodePools'];
    let calls = 0;

    const reason = await eventually('the pools are rolled', 240, async () => {
      const answer = await rollNodePools.run(rollNodePools.input.parse({ ...rollOf(what), rollNodePools: previous }), ports, {
        execution: 'test',
      });
      previous = answer;
      calls += 1;
      await watch(seen);
      return answer.done ? answer.reason : undefined;
    });

    const nodes = (await kubernetes.list('v1', 'Node')).map((node) => Node.parse(node));
    const groups = await Promise.all(['general', 'batch'].map((pool) => ports.instances.group(CLUSTER.name, `pool-${pool}`)));
    expect(reason).toContain('6 instances');
    expect(seen.zones, 'zones drained at once').toBe(1);
    expect(seen.nodes, 'fewest nodes that take pods').toBe(6);
    expect(seen.together, 'most nodes drained at once').toBe(2);
    expect(seen.pods, 'fewest Ready pods of a budget of 5').toBeGreaterThanOrEqual(5);
    expect(nodes.filter(({ metadata }) => before.includes(metadata.name))).toEqual([]);
    expect(nodes.map(({ status }) => status.nodeInfo?.kubeletVersion)).toEqual(nodes.map(() => 'v1.36.3'));
    expect(
      nodes.flatMap(({ metadata, spec }) => [
        ...Object.keys(metadata.annotations).filter((key) => /^sluice\/|scale-down/.test(key)),
        ...spec.taints,
      ]),
    ).toEqual([]);
    expect(groups.map((group) => [group?.desired, group?.rebalances, group?.note])).toEqual([
      [3, true, undefined],
      [3, true, undefined],
    ]);
    for (const group of groups) expect(new Set(group?.instances.filter(isLive).map(({ zone }) => zone)).size).toBe(3);
    const again = await rollNodePools.run(rollNodePools.input.parse(rollOf(what)), ports, {
      execution: 'test',
    });
    expect(again).toMatchObject({ done: true, remaining: 0, forced: [] });
    expect(calls).toBeLessThan(400);
  });

  it('is restored from a backup: all members at once, as a new etcd cluster, with all nodes and without what came later', async () => {
    const objects = createObjects(bucketName(CLUSTER.account, REGION), aws.of(CLUSTER.account));
    const etcdOf = async () =>
      createEtcd({
        endpoints: clusterAddresses(CLUSTER.network).etcd.map((address) => `https://${address}:2379`),
        identity: await cell.client('etcd'),
      });
    const etcd = await etcdOf();
    await put('kept', 'before');
    const [member] = await etcd.status();
    const chunks: Uint8Array[] = [];
    for await (const { bytes } of etcd.snapshot(member?.endpoint ?? '')) chunks.push(bytes);
    const snapshot = Buffer.concat(chunks);
    const key = accountKeys.backup(CLUSTER.name, 'b1', 'snapshot.db');
    await objects.put(key, snapshot);
    await put('kept', 'after');
    await put('later', 'after');
    const nodes = (await kubernetes.list('v1', 'Node')).map(({ metadata }) => metadata.name).sort();
    const old = room.instances().filter(({ role }) => role.startsWith('etcd') || role === 'control-plane');
    const backup = { takeSnapshot: { key, sha256: sha256(snapshot), revision: member?.revision ?? 0 }, clusterId: member?.clusterId ?? '' };
    const restore = { id: 'r1', backup: '20260131T030000Z-422a689b6051', reason: 'test' };
    const ports = { etcd: etcdOf, instances: instancesOf(), objects, clock: { now: () => new Date() } };
    let previous: { since: string } | undefined;
    const started = Date.now();

    const reason = await eventually('etcd is restored', 180, async () => {
      const answer = await restoreMembers.run(
        restoreMembers.input.parse({ cluster: CLUSTER, restore, lock: { fence: 1 }, checkBackup: backup, restoreMembers: previous }),
        ports,
        { execution: 'test' },
      );
      previous = answer;
      return answer.done ? answer.reason : undefined;
    });
    await eventually('the API on the restored data', 120, () => serves('1.36.3'));
    const seconds = (Date.now() - started) / 1000;
    console.info(`restored: ${reason}; the API serves after ${seconds.toFixed(0)} s`);

    kubernetes = await connect();
    const members = await etcd.status();
    expect(members.map(({ healthy }) => healthy)).toEqual([true, true, true]);
    expect(new Set(members.map(({ clusterId }) => clusterId))).not.toContain(member?.clusterId);
    expect(Math.min(...members.map(({ revision }) => revision))).toBeGreaterThan(1_000_000_000);
    expect(await read('kept')).toBe('before');
    expect(await read('later')).toBeUndefined();
    const there = room.instances().map(({ id }) => id);
    expect(old.length).toBe(5);
    expect(old.filter(({ id }) => there.includes(id))).toEqual([]);
    await eventually('the same nodes Ready', 60, async () => {
      const found = (await kubernetes.list('v1', 'Node')).filter(isReady).map(({ metadata }) => metadata.name);
      return JSON.stringify(found.sort()) === JSON.stringify(nodes) ? true : undefined;
    });
    // Once is once: the same again finds it done and ends nobody.
    const again = await restoreMembers.run(
      restoreMembers.input.parse({ cluster: CLUSTER, restore, lock: { fence: 1 }, checkBackup: backup }),
      ports,
      {
        execution: 'test',
      },
    );
    expect(again.done).toBe(true);
    expect(room.instances().map(({ id }) => id)).toEqual(there);
    expect(await readObject(objects, accountKeys.restoreOrder(CLUSTER.name), RestoreOrder)).toMatchObject({ state: 'done' });
  });
});

async function put(name: string, value: string): Promise<void> {
  const metadata = { name, namespace: 'kube-public' };
  await kubernetes.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { value } });
}

async function read(name: string): Promise<unknown> {
  const found = await kubernetes.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-public', name });
  return (found as unknown as { data: { value: string } } | undefined)?.data.value;
}

function rollOf(what: Render): object {
  return { cluster: CLUSTER, render: { hash: hashOf(what) }, permission: { decision: 'go' } };
}

function instancesOf(): Instances {
  return createInstances({ ...aws.of(CLUSTER.account), endpoint: room.autoscalingUrl });
}

/** Six pods of which five must always be there, spread over the nodes. */
async function startGuarded(): Promise<void> {
  const labels = { app: 'guarded' };
  const spread = {
    maxSkew: 1,
    topologyKey: 'kubernetes.io/hostname',
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: labels },
  };
  const containers = [{ name: 'main', image: 'none' }];
  const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, topologySpreadConstraints: [spread], containers } };
  const metadata = { name: 'guarded', namespace: 'kube-public' };
  const spec = { replicas: 6, selector: { matchLabels: labels }, template };
  await kubernetes.apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec });
  await kubernetes.apply({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata,
    spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
  });
  await eventually('the guarded pods', 60, async () => ((await guarded()) === 6 ? true : undefined));
}

async function guarded(): Promise<number> {
  const pods = (await kubernetes.list('v1', 'Pod', 'kube-public')).map((pod) => Pod.parse(pod));
  return pods.filter((pod) => isPodReady(pod) && !isTerminating(pod)).length;
}

/** Keeps the extremes of what is seen. */
interface Seen {
  zones: number;
  nodes: number;
  together: number;
  pods: number;
}

/** A port that looks before each call of one of its methods. */
function watched<T extends object>(port: T, method: keyof T, seen: Seen): T {
  return new Proxy(port, {
    get(target, name, receiver): unknown {
      const value: unknown = Reflect.get(target, name, receiver);
      if (name !== method || typeof value !== 'function') return value;
      return async (...values: unknown[]): Promise<unknown> => {
        await watch(seen);
        return Reflect.apply(value, target, values);
      };
    },
  });
}

async function watch(seen: Seen): Promise<void> {
  const nodes = (await kubernetes.list('v1', 'Node')).map((node) => Node.parse(node));
  const live = new Set(room.instances().flatMap(({ id, state }) => (state === 'Terminating' ? [] : [id])));
  const cordoned = nodes.filter(({ metadata, spec }) => spec.unschedulable && live.has(metadata.name));
  const zones = new Set(cordoned.map(({ metadata }) => metadata.labels['topology.kubernetes.io/zone']));
  seen.zones = Math.max(seen.zones, zones.size);
  seen.together = Math.max(seen.together, cordoned.length);
  seen.nodes = Math.min(
    seen.nodes,
    nodes.filter((node) => isReadyNode(node) && !node.spec.unschedulable && live.has(node.metadata.name)).length,
  );
  seen.pods = Math.min(seen.pods, await guarded());
}
