import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  AutoScalingClient,
  CompleteLifecycleActionCommand,
  DeleteLifecycleHookCommand,
  DescribeAutoScalingGroupsCommand,
  PutLifecycleHookCommand,
  ResumeProcessesCommand,
  SetDesiredCapacityCommand,
  SuspendProcessesCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterAddresses } from '#domain/network.ts';
import { type KubernetesApi, kubernetesApi } from '../../local/machine-room/kubernetes-api.ts';
import { fastStages, type MachineRoom, type RoomEvent, startMachineRoom } from '../../local/machine-room/room.ts';
import { binary } from '../support/binaries.ts';
import { deployJoinFunction } from '../support/machine-room/account-function.ts';
import { controlPlaneDocument, etcdDocument, groupTemplate, nodeDocument } from '../support/machine-room/documents.ts';
import { networkDaemonSet, webDeployment } from '../support/machine-room/objects.ts';
import { type Cell, createCell, eventually, REGION, temporaryDirectory } from '../support/machine-room/world.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

const NAME = 'room';
const VERSION = '1.35.4';
const ACCOUNT = '222222222222';
const NETWORK = '127.77.0.0/16';
const ADDRESSES = clusterAddresses(NETWORK);
const ZONES = ['a', 'b', 'c'].map((letter) => `${REGION}${letter}`);

let aws: Ministack;
let room: MachineRoom;
let cell: Cell;
let api: KubernetesApi;
let scaling: AutoScalingClient;
const events: RoomEvent[] = [];
const directory = temporaryDirectory();

beforeAll(async () => {
  aws = await startMinistack();
  room = await startMachineRoom({
    awsEndpoint: aws.endpoint,
    region: REGION,
    accounts: () => [ACCOUNT],
    directory: directory.path,
    binaries: async (name, version) => binary(name, name === 'etcd' ? undefined : version),
    log: () => undefined,
    kwok: { binary: binary('kwok'), stages: fastStages(join(binary('kwok'), '../stages')) },
  });
  room.events.on('event', (event) => events.push(event));
  scaling = new AutoScalingClient({ ...aws.of(ACCOUNT), endpoint: room.autoscalingUrl });
  cell = await createCell(aws.endpoint, {
    name: NAME,
    account: ACCOUNT,
    region: REGION,
    environment: 'test',
    network: NETWORK,
    channel: 'dev',
  });
  const client = await cell.admin();
  api = kubernetesApi(ADDRESSES.api, client);
}, 60_000);

afterAll(async () => {
  const pids = (room?.processes() ?? []).map((process) => process.pid);
  await room?.close();
  await aws?.stop();
  api?.close();
  directory.remove();
  expect(pids.length).toBeGreaterThan(0);
  expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
}, 60_000);

async function bringUp(
  role: string,
  document: { text: string; sha256: string },
  size: { min: number; max: number; zones: readonly string[] },
): Promise<void> {
  await cell.putDocument(document);
  await cell.putStack(role, groupTemplate(NAME, role, size), {
    IgnitionHash: document.sha256,
    Network: NETWORK,
    ApiAddress: ADDRESSES.api,
  });
}

async function group(role: string) {
  const { AutoScalingGroups } = await scaling.send(
    new DescribeAutoScalingGroupsCommand({ Filters: [{ Name: 'tag:sluice:role', Values: [role] }] }),
  );
  return AutoScalingGroups?.[0];
}

async function inService(role: string, count: number, seconds: number): Promise<string[]> {
  return eventually(`${count} instances of ${role} in service`, seconds, async () => {
    const instances = (await group(role))?.Instances ?? [];
    return instances.length === count && instances.every((instance) => instance.LifecycleState === 'InService')
      ? instances.map((instance) => instance.InstanceId ?? '')
      : undefined;
  });
}

async function readyNodes(): Promise<string[]> {
  const { body } = await api.call('GET', '/api/v1/nodes');
  const { items } = body as { items: { metadata: { name: string }; status: { conditions?: { type: string; status: string }[] } }[] };
  return items
    .filter((node) => node.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'))
    .map((node) => node.metadata.name);
}

describe('a cluster in the machine room', () => {
  it('shows an instance in service that waits for its identity, and says so', async () => {
    await bringUp('etcd', etcdDocument(NAME, ADDRESSES.etcd[0]), { min: 1, max: 1, zones: ZONES.slice(0, 1) });

    await eventually('the instance says what it waits for', 15, () =>
      events.find((event) => event.reason.includes('waits for its identity')),
    );
    const state = (await group('etcd'))?.Instances?.[0]?.LifecycleState;

    expect(state).toBe('InService');
    expect(room.processes()).toEqual([]);
  }, 30_000);

  it('boots etcd and a control plane from user data, ready behind the load balancer', async () => {
    await cell.issueIdentity();
    await bringUp('control-plane', controlPlaneDocument(NAME, ADDRESSES.api, ADDRESSES.etcd[0], VERSION), { min: 1, max: 2, zones: ZONES });

    await inService('control-plane', 1, 30);
    const ready = await eventually('/readyz', 60, async () => ((await api.call('GET', '/readyz')).status === 200 ? true : undefined));

    expect(ready).toBe(true);
    expect(room.instances().find((machine) => machine.role === 'etcd')?.address).toBe(ADDRESSES.etcd[0]);
  }, 120_000);

  it('makes instances nodes once they are certified, Ready once their network runs', async () => {
    await bringUp('pool-general', nodeDocument(NAME, VERSION), { min: 2, max: 4, zones: ZONES });
    await eventually('the instance says that nobody certifies it', 15, () => events.find((event) => event.reason.includes('sluice-join')));
    await deployJoinFunction(aws, ACCOUNT, room.autoscalingUrl);
    const names = await inService('pool-general', 2, 30);
    await eventually('the node waits for its network', 15, () =>
      events.find((event) => event.reason.includes('waits for a pod that sets up its network')),
    );
    expect(await readyNodes()).toEqual([]);
    expect((await api.call('POST', '/apis/apps/v1/namespaces/kube-system/daemonsets', networkDaemonSet())).status).toBe(201);
    const ready = await eventually('two nodes Ready', 40, async () => {
      const nodes = await readyNodes();
      return nodes.length === 2 ? nodes : undefined;
    });

    expect(ready.toSorted()).toEqual(names.toSorted());
  }, 120_000);

  it('labels a node by pool, generation, zone and type, with its instance as provider id', async () => {
    const name = (await group('pool-general'))?.Instances?.[0]?.InstanceId ?? '';

    const { body } = await api.call('GET', `/api/v1/nodes/${name}`);

    const zone = room.instances().find((machine) => machine.id === name)?.zone;
    expect(body).toMatchObject({
      metadata: {
        labels: {
          'topology.kubernetes.io/zone': zone,
          'sluice/pool': 'general',
          'sluice/generation': '1',
          'node.kubernetes.io/instance-type': 'm7i.large',
        },
      },
      spec: { providerID: `aws:///${zone}/${name}` },
      status: { nodeInfo: { kubeletVersion: `v${VERSION}` } },
    });
  });

  it('replaces a terminated node in its zone, and its pods run elsewhere within seconds', async () => {
    expect((await api.call('POST', '/apis/apps/v1/namespaces/default/deployments', webDeployment(4))).status).toBe(201);
    const running = async (): Promise<string[] | undefined> => {
      const { body } = await api.call('GET', '/api/v1/namespaces/default/pods');
      const pods = (body as { items: { spec: { nodeName: string }; status: { phase: string } }[] }).items;
      return pods.length === 4 && pods.every((pod) => pod.status.phase === 'Running') ? pods.map((pod) => pod.spec.nodeName) : undefined;
    };
    await eventually('four pods run', 30, running);
    const before = (await group('pool-general'))?.Instances?.map((instance) => instance.InstanceId ?? '') ?? [];
    const victim = before[0] ?? '';

    await scaling.send(new TerminateInstanceInAutoScalingGroupCommand({ InstanceId: victim, ShouldDecrementDesiredCapacity: false }));
    const places = await eventually('four pods run elsewhere', 15, async () => {
      const nodes = await running();
      return nodes !== undefined && !nodes.includes(victim) ? nodes : undefined;
    });
    const after = await inService('pool-general', 2, 20);
    await eventually('the new node is Ready', 30, async () =>
      (await readyNodes()).toSorted().join() === after.toSorted().join() ? true : undefined,
    );

    expect(places).toHaveLength(4);
    expect(after).not.toContain(victim);
  }, 120_000);

  it('scales a group within its bounds', async () => {
    const name = (await group('pool-general'))?.AutoScalingGroupName ?? '';

    const tooMany = scaling.send(new SetDesiredCapacityCommand({ AutoScalingGroupName: name, DesiredCapacity: 5 }));
    await expect(tooMany).rejects.toMatchObject({ name: 'ValidationError' });
    await scaling.send(new SetDesiredCapacityCommand({ AutoScalingGroupName: name, DesiredCapacity: 3 }));
    await inService('pool-general', 3, 20);

    expect(new Set((await group('pool-general'))?.Instances?.map((instance) => instance.AvailabilityZone))).toEqual(new Set(ZONES));
  }, 60_000);

  it('rolls a control plane by one more instance without a gap in the API', async () => {
    const [old] = await inService('control-plane', 1, 10);
    const name = (await group('control-plane'))?.AutoScalingGroupName ?? '';
    const client = await cell.admin();
    const failures: string[] = [];
    let rolling = true;
    const watching = (async () => {
      while (rolling) {
        // A new connection each time: one that is kept stays with the instance that ends, which says that it shuts down.
        const probe = kubernetesApi(ADDRESSES.api, client);
        const answer = await probe.call('GET', '/version').catch((error: unknown) => ({ status: 0, message: String(error) }));
        probe.close();
        if (answer.status !== 200) failures.push(answer.message);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();

    await scaling.send(new SetDesiredCapacityCommand({ AutoScalingGroupName: name, DesiredCapacity: 2 }));
    const both = await inService('control-plane', 2, 30);
    const address = await eventually(
      'its address',
      30,
      () => room.instances().find((machine) => both.includes(machine.id) && machine.id !== old)?.address,
    );
    const direct = kubernetesApi(address, await cell.admin());
    await eventually('the new control plane is ready', 60, async () =>
      (await direct.call('GET', '/readyz')).status === 200 ? true : undefined,
    );
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await scaling.send(new TerminateInstanceInAutoScalingGroupCommand({ InstanceId: old ?? '', ShouldDecrementDesiredCapacity: true }));
    await inService('control-plane', 1, 40);
    direct.close();
    rolling = false;
    await watching;

    expect(failures).toEqual([]);
  }, 180_000);

  it('gives a replaced etcd member its address and data again', async () => {
    const [member] = await inService('etcd', 1, 10);

    room.crash(member ?? '', { state: 'lost' });
    const next = await eventually('a new member', 30, async () => {
      const [instance] = (await group('etcd'))?.Instances ?? [];
      return instance?.InstanceId !== member && instance?.LifecycleState === 'InService' ? instance.InstanceId : undefined;
    });
    const nodes = await eventually('the API reads its old data', 60, async () =>
      (await api.call('GET', '/readyz')).status === 200 ? await readyNodes() : undefined,
    );

    expect(next).not.toBe(member);
    expect(room.instances().find((machine) => machine.id === next)?.address).toBe(ADDRESSES.etcd[0]);
    expect(nodes.length).toBeGreaterThanOrEqual(3);
  }, 120_000);

  it('holds the boot of new machines while a test wants it', async () => {
    const [name] = [(await group('pool-general'))?.AutoScalingGroupName ?? ''];
    room.bootDelay({ role: 'pool-general' }, Number.POSITIVE_INFINITY);

    await scaling.send(new SetDesiredCapacityCommand({ AutoScalingGroupName: name, DesiredCapacity: 4 }));
    const held = await eventually('the held machine', 10, () =>
      room.instances().find((machine) => machine.reason === 'boot is held' && machine.state === 'InService'),
    );
    expect(await readyNodes()).not.toContain(held.id);
    room.bootDelay({ role: 'pool-general' }, 0);

    await eventually('the held machine joins', 30, async () => ((await readyNodes()).includes(held.id) ? true : undefined));
  });

  it('waits for the lifecycle hooks of a group', async () => {
    const name = (await group('pool-general'))?.AutoScalingGroupName ?? '';
    const hook = { AutoScalingGroupName: name, LifecycleHookName: 'drained' };
    await scaling.send(new PutLifecycleHookCommand({ ...hook, LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING' }));
    const [victim] = await inService('pool-general', 4, 20);
    const lifecycleState = async (): Promise<string | undefined> =>
      (await group('pool-general'))?.Instances?.find(({ InstanceId }) => InstanceId === victim)?.LifecycleState;

    await scaling.send(new TerminateInstanceInAutoScalingGroupCommand({ InstanceId: victim ?? '', ShouldDecrementDesiredCapacity: true }));
    await eventually('the instance waits', 10, async () => ((await lifecycleState()) === 'Terminating:Wait' ? true : undefined));
    const node = await api.call('GET', `/api/v1/nodes/${victim}`);
    await scaling.send(new CompleteLifecycleActionCommand({ ...hook, InstanceId: victim ?? '', LifecycleActionResult: 'CONTINUE' }));
    await eventually('the instance is gone', 20, async () => ((await lifecycleState()) === undefined ? true : undefined));
    await scaling.send(new DeleteLifecycleHookCommand(hook));

    expect(node.status).toBe(200);
    expect(await inService('pool-general', 3, 20)).not.toContain(victim);
  }, 60_000);

  it('makes a node NotReady that nobody hears, and Ready again when its zone is back', async () => {
    const machine = room.instances().find(({ role, zone }) => role === 'pool-general' && zone === ZONES[2]);
    if (machine === undefined) throw new Error('no node in the third zone');
    const name = machine.group;
    await scaling.send(new SuspendProcessesCommand({ AutoScalingGroupName: name, ScalingProcesses: ['HealthCheck'] }));

    room.zoneDown('c', NAME);
    await eventually('the node is NotReady', 90, async () => ((await readyNodes()).includes(machine.id) ? undefined : true));
    const addresses = clusterAddresses(NETWORK).apiByZone;
    const client = await cell.admin();
    const answers = await Promise.all(
      addresses.map(async (address) => {
        const probe = kubernetesApi(address, client);
        const answer = await probe.call('GET', '/version').then(
          ({ status }) => status,
          (error: unknown) => (String(error).includes('no answer within') ? 'silence' : String(error)),
        );
        probe.close();
        return answer;
      }),
    );
    room.zoneUp('c', NAME);
    await eventually('the node is Ready', 60, async () => ((await readyNodes()).includes(machine.id) ? true : undefined));

    expect(answers).toEqual([200, 200, 'silence']);
    await scaling.send(new ResumeProcessesCommand({ AutoScalingGroupName: name }));
  }, 240_000);

  it('ends the instances of a deleted stack', async () => {
    await cell.deleteStack('pool-general');

    await eventually('no node instance is left', 20, () =>
      room.instances().some((machine) => machine.role === 'pool-general') ? undefined : true,
    );
    const nodes = await eventually('no Node is left', 20, async () => ((await readyNodes()).length === 0 ? true : undefined));

    expect(nodes).toBe(true);
  }, 60_000);
});
