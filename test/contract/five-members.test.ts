import { join } from 'node:path';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createInstances } from '#adapters/auto-scaling/instances.ts';
import { createEtcdVolumes } from '#adapters/ec2/volumes.ts';
import { createEtcdOf } from '#adapters/etcd/clusters.ts';
import { createObjects } from '#adapters/s3/objects.ts';
import { sha256 } from '#domain/hash.ts';
import { accountKeys, bucketName } from '#domain/names.ts';
import { ETCD_CLIENT_PORT, etcdSeatsOf } from '#domain/network.ts';
import type { ClientIdentity } from '#model/identity.ts';
import type { Render } from '#model/render.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { Etcd } from '#ports/etcd.ts';
import { restoreMembers } from '../../functions/etcd/restore-members.ts';
import { rollEtcdMembers } from '../../functions/etcd/roll-etcd-members.ts';
import { fastStages, type MachineRoom, startMachineRoom } from '../../local/machine-room/room.ts';
import { deployAccountStack } from '../support/account-stack.ts';
import { binary } from '../support/binaries.ts';
import { startWriter } from '../support/etcd-load.ts';
import { BACKUP, manifest } from '../support/etcd-world.ts';
import { createFakeObjects } from '../support/fakes/objects.ts';
import { mendMembers } from '../support/machine-room/mend-members.ts';
import { deliverStacks, renderedWith } from '../support/machine-room/production.ts';
import { type Cell, createCell, eventually, REGION, temporaryDirectory } from '../support/machine-room/world.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

const CLUSTER: ClusterRef = {
  name: 'five',
  account: '555555555555',
  region: REGION,
  environment: 'production',
  network: '127.84.0.0/16',
  etcdMembers: 5,
  channel: 'dev',
};
const SEATS = ['a', 'b', 'c', 'd', 'e'] as const;

let aws: Ministack;
let room: MachineRoom;
let cell: Cell;
let identity: ClientIdentity;
let etcd: Etcd;
const directory = temporaryDirectory();
const endpoints = etcdSeatsOf(CLUSTER).map(({ address }) => `https://${address}:${ETCD_CLIENT_PORT}`);

beforeAll(async () => {
  aws = await startMinistack();
  room = await startMachineRoom({
    awsEndpoint: aws.endpoint,
    region: REGION,
    accounts: [CLUSTER.account],
    directory: directory.path,
    binaries: async (name) => binary(name),
    log: () => undefined,
    kwok: { binary: binary('kwok'), stages: fastStages(join(binary('kwok'), '../stages')) },
  });
  await deployAccountStack(new CloudFormationClient(aws.of(CLUSTER.account)), CLUSTER.network);
  cell = await createCell(aws.endpoint, CLUSTER, true);
  await cell.issueIdentity();
  identity = await cell.client('etcd');
  etcd = await createEtcdOf(async () => identity)(CLUSTER);
  const what = await rendered('8589934592');
  for (const role of ['network', 'etcd']) await deliverStacks(aws, cell, what, [role]);
  await eventually('five members', 180, async () => (await well()) || undefined);
});

afterAll(async () => {
  await room?.close();
  await aws?.stop();
  directory.remove();
});

/** Each quota makes a launch template version. */
function rendered(quota: string): Promise<Render> {
  return renderedWith(CLUSTER, { 'user-data/etcd.yaml': [['--quota-backend-bytes=8589934592', `--quota-backend-bytes=${quota}`]] });
}

async function healthy(): Promise<number> {
  return (await etcd.status()).filter((member) => member.healthy && !member.learner).length;
}

async function well(): Promise<boolean> {
  return (await healthy()) === SEATS.length;
}

function instanceAt(seat: string): { id: string; zone: string; address?: string } {
  const found = room.instances().find(({ role, state }) => role === `etcd-${seat}` && state !== 'Terminating');
  if (found === undefined) throw new Error(`no instance of etcd-${seat}`);
  return found;
}

function scaling() {
  return { ...aws.of(CLUSTER.account), endpoint: room.autoscalingUrl };
}

describe('etcd of five members', () => {
  it('stands in three zones, each member at an address and with a volume of its own', async () => {
    const members = await etcd.status();
    const volumes = await createEtcdVolumes(scaling())(CLUSTER.name);

    expect(members.map(({ name }) => name).sort()).toEqual(SEATS.map((seat) => `etcd-${REGION}${seat}`));
    expect(SEATS.map((seat) => [instanceAt(seat).zone, instanceAt(seat).address])).toEqual([
      [`${REGION}a`, '127.84.0.11'],
      [`${REGION}b`, '127.84.16.11'],
      [`${REGION}c`, '127.84.32.11'],
      [`${REGION}a`, '127.84.0.12'],
      [`${REGION}b`, '127.84.16.12'],
    ]);
    expect(volumes.map(({ seat, instance }) => [seat, instance]).sort()).toEqual(SEATS.map((seat) => [seat, instanceAt(seat).id]));
    expect(new Set(volumes.map(({ id }) => id)).size).toBe(5);
  });

  it('is rolled under writes, one member at a time, the leader last, and no confirmed write is lost', async () => {
    const what = await rendered('8589934591');
    await deliverStacks(aws, cell, what, ['etcd']);
    const writer = startWriter(endpoints, identity);
    const leader = (await etcd.status()).find((member) => member.leader)?.name ?? '';
    const gone: string[] = [];
    room.events.on('event', ({ kind, role }) => kind === 'terminating' && gone.push(role));
    const instances = createInstances(scaling());
    const objects = createFakeObjects();
    // Each member has its data at this time: a volume that is younger is taken for a lost one.
    const takenAt = new Date().toISOString();
    let fewest: number = SEATS.length;
    let before: Awaited<ReturnType<typeof rollEtcdMembers.run>> | undefined;

    const reason = await eventually('etcd is rolled', 400, async () => {
      const members = await etcd.status();
      fewest = Math.min(fewest, members.filter((member) => member.healthy).length);
      const { clusterId } = members.find((member) => member.healthy) ?? { clusterId: '' };
      const stored = manifest();
      const proven = { ...stored, takenAt, etcd: { ...stored.etcd, clusterId, revision: 1 } };
      await objects.put(BACKUP.manifestKey, JSON.stringify(proven));
      const input = rollEtcdMembers.input.parse({ cluster: CLUSTER, render: what, backup: BACKUP, rollEtcdMembers: before });
      const ports = { etcd: async () => etcd, instances, volumes: createEtcdVolumes(scaling()), objects, clock: { now: () => new Date() } };
      before = await rollEtcdMembers.run(input, ports, { execution: 'test' });
      return before.done ? before.reason : undefined;
    });

    const { lost } = await writer.stop();
    expect(reason).toContain('5 healthy');
    expect(reason).toContain('have the same key-value hash');
    expect([...gone].sort()).toEqual(SEATS.map((seat) => `etcd-${seat}`));
    expect(gone.at(-1)).toBe(`etcd-${leader.slice(-1)}`);
    expect(fewest).toBeGreaterThanOrEqual(4);
    expect(writer.acknowledged.size).toBeGreaterThan(50);
    expect(lost).toEqual([]);
  });

  it('goes on writing while the zone is gone that has two of them', async () => {
    room.zoneDown('a', CLUSTER.name);
    await eventually('two do not answer', 60, async () => ((await healthy()) === 3 ? true : undefined));
    const left = etcdSeatsOf(CLUSTER).filter(({ seat }) => ['b', 'c', 'e'].includes(seat));
    const writer = startWriter(
      left.map(({ address }) => `https://${address}:${ETCD_CLIENT_PORT}`),
      identity,
    );
    await eventually('writes are confirmed', 60, async () => writer.acknowledged.size > 20 || undefined);
    room.zoneUp('a', CLUSTER.name);
    await eventually('all are back', 180, async () => (await well()) || undefined);

    expect((await writer.stop()).lost).toEqual([]);
  });

  it('lets two in anew whose volumes are lost, and leaves the others of their zones alone', async () => {
    await eventually('all are well', 120, async () => (await well()) || undefined);
    const before = new Map((await etcd.status()).map(({ name, memberId }) => [name, memberId]));
    const recorded = new Date().toISOString();
    for (const seat of ['d', 'e']) room.crash(instanceAt(seat).id, { state: 'lost', volume: 'lost' });
    await eventually('they are gone', 60, async () => ((await healthy()) === 3 ? true : undefined));

    const reasons = await mendMembers({ cluster: CLUSTER, etcd, scaling: scaling(), recorded, well, seconds: 300 });

    const after = new Map((await etcd.status()).map(({ name, memberId }) => [name, memberId]));
    expect([...reasons]).toEqual(expect.arrayContaining([`takes etcd-${REGION}d out`, `takes etcd-${REGION}e out`]));
    expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
    const others = [...after].filter(([name, id]) => before.get(name) !== id).map(([name]) => name);
    expect(others.sort()).toEqual([`etcd-${REGION}d`, `etcd-${REGION}e`]);
  });

  it('is restored from a backup: all five at once, each at its seat, as one new cluster', async () => {
    await eventually('all are well', 120, async () => (await well()) || undefined);
    const objects = createObjects(bucketName(CLUSTER.account, REGION), aws.of(CLUSTER.account));
    const [member] = await etcd.status();
    const chunks: Uint8Array[] = [];
    for await (const { bytes } of etcd.snapshot(member?.endpoint ?? '')) chunks.push(bytes);
    const snapshot = Buffer.concat(chunks);
    const key = accountKeys.backup(CLUSTER.name, 'b1', 'snapshot.db');
    await objects.put(key, snapshot);
    const old = new Set(SEATS.map((seat) => instanceAt(seat).id));
    const backup = { takeSnapshot: { key, sha256: sha256(snapshot), revision: member?.revision ?? 0 }, clusterId: member?.clusterId ?? '' };
    const restore = { id: 'r1', backup: '20260131T030000Z-422a689b6051', reason: 'test' };
    const ports = { etcd: async () => etcd, instances: createInstances(scaling()), objects, clock: { now: () => new Date() } };
    let previous: Awaited<ReturnType<typeof restoreMembers.run>> | undefined;

    const reason = await eventually('etcd is restored', 280, async () => {
      const input = { cluster: CLUSTER, restore, lock: { fence: 1 }, checkBackup: backup, restoreMembers: previous };
      previous = await restoreMembers.run(restoreMembers.input.parse(input), ports, { execution: 'test' });
      return previous.done ? previous.reason : undefined;
    });

    const members = await etcd.status();
    expect(reason).toContain('5 members are healthy');
    expect(members.map(({ name }) => name).sort()).toEqual(SEATS.map((seat) => `etcd-${REGION}${seat}`));
    expect(new Set(members.map(({ clusterId }) => clusterId)).size).toBe(1);
    expect(members[0]?.clusterId).not.toBe(member?.clusterId);
    expect(Math.min(...members.map(({ revision }) => revision))).toBeGreaterThan(1_000_000_000);
    expect(SEATS.filter((seat) => old.has(instanceAt(seat).id))).toEqual([]);
  });
});
