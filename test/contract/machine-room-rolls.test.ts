import { openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createInstances } from '#adapters/auto-scaling/instances.ts';
import { createAddresses } from '#adapters/ec2/addresses.ts';
import { createEtcdVolumes } from '#adapters/ec2/volumes.ts';
import { createEtcd } from '#adapters/etcd/etcd.ts';
import { createKubernetes } from '#adapters/kubernetes/kubernetes.ts';
import { hashOf } from '#domain/hash.ts';
import { accountKeys } from '#domain/names.ts';
import { API_PORT, clusterAddresses } from '#domain/network.ts';
import { DeadlineError, GateClosedError } from '#model/errors.ts';
import type { ClientIdentity } from '#model/identity.ts';
import type { Render } from '#model/render.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { Etcd, MemberStatus } from '#ports/etcd.ts';
import { rollControlPlane } from '../../functions/cluster/roll-control-plane.ts';
import { rollEtcdMembers } from '../../functions/etcd/roll-etcd-members.ts';
import { volumePath } from '../../local/machine-room/boot.ts';
import { fastStages, type MachineRoom, startMachineRoom } from '../../local/machine-room/room.ts';
import { ETCD_NEXT_VERSION, ETCD_VERSION } from '../../local/toolchain/versions.ts';
import { deployAccountStack } from '../support/account-stack.ts';
import { pollApi } from '../support/api-load.ts';
import { binary } from '../support/binaries.ts';
import { put, setNoSpace, startWriter } from '../support/etcd-load.ts';
import { BACKUP, manifest } from '../support/etcd-world.ts';
import { createFakeObjects } from '../support/fakes/objects.ts';
import { createFakeSecrets } from '../support/fakes/secrets.ts';
import { mendMembers } from '../support/machine-room/mend-members.ts';
import { deliverStacks, type Edits, renderedWith } from '../support/machine-room/production.ts';
import { type Cell, createCell, eventually, REGION, temporaryDirectory } from '../support/machine-room/world.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

const CLUSTER: ClusterRef = {
  name: 'rolls',
  account: '333333333333',
  region: REGION,
  environment: 'production',
  network: '127.79.0.0/16',
  channel: 'dev',
};
const ADDRESSES = clusterAddresses(CLUSTER.network);
const ENDPOINTS = ADDRESSES.etcd.map((address) => `https://${address}:2379`);

let aws: Ministack;
let room: MachineRoom;
let cell: Cell;
let identity: ClientIdentity;
let etcd: Etcd;
const directory = temporaryDirectory();

beforeAll(async () => {
  aws = await startMinistack();
  room = await startMachineRoom({
    awsEndpoint: aws.endpoint,
    region: REGION,
    accounts: [CLUSTER.account],
    directory: directory.path,
    binaries: async (name, version) => binary(name, name === 'etcd' && version === ETCD_VERSION ? undefined : version),
    log: () => undefined,
    kwok: { binary: binary('kwok'), stages: fastStages(join(binary('kwok'), '../stages')) },
  });
  await deployAccountStack(new CloudFormationClient(aws.of(CLUSTER.account)), CLUSTER.network);
  cell = await createCell(aws.endpoint, CLUSTER, true);
  await cell.issueIdentity();
  identity = await cell.client('etcd');
  etcd = createEtcd({ endpoints: ENDPOINTS, identity });
  const what = await rendered({});
  for (const role of ['network', 'etcd', 'control-plane']) await deliverStacks(aws, cell, what, [role]);
  await eventually('three members', 120, async () => (await well()) || undefined);
  await eventually('the API', 180, async () => ((await (await connect()).ready()) ? true : undefined));
});

afterAll(async () => {
  await room?.close();
  await aws?.stop();
  directory.remove();
});

async function connect() {
  return createKubernetes({ ...(await cell.admin()), address: ADDRESSES.api, port: API_PORT, serverName: 'kubernetes' });
}

/** Each edit of user data makes a launch template version. */
function rendered(versions: { etcd?: string; kubernetes?: string; quota?: string }): Promise<Render> {
  const edits: Edits = {
    'versions.yaml': [
      [`etcd: ${ETCD_VERSION}`, `etcd: ${versions.etcd ?? ETCD_VERSION}`],
      ['kubernetes: 1.35.4', `kubernetes: ${versions.kubernetes ?? '1.35.4'}`],
    ],
    'user-data/etcd.yaml': [['--quota-backend-bytes=8589934592', `--quota-backend-bytes=${versions.quota ?? '8589934592'}`]],
  };
  return renderedWith(CLUSTER, edits);
}

async function well(): Promise<boolean> {
  const members = await etcd.status();
  return members.length === 3 && members.every(({ healthy, learner }) => healthy && !learner);
}

function instanceOf(zone: string): string {
  const found = room.instances().find(({ role, state }) => role === `etcd-${zone}` && state !== 'Terminating');
  if (found === undefined) throw new Error(`no instance of etcd in zone ${zone}`);
  return found.id;
}

type Rolled = Awaited<ReturnType<typeof rollEtcdMembers.run>>;

/** The step, its state carried on; `at` moves its clock. */
function etcdRoll(what: Render, through: Etcd = etcd) {
  const scaling = { ...aws.of(CLUSTER.account), endpoint: room.autoscalingUrl };
  const objects = createFakeObjects();
  const instances = createInstances(scaling);
  let before: Rolled | undefined;
  return async (at: Date = new Date()): Promise<Rolled> => {
    const { clusterId } = (await etcd.status()).find(({ clusterId: id }) => id !== '') ?? { clusterId: '' };
    const stored = manifest();
    const proven = { ...stored, takenAt: new Date().toISOString(), etcd: { ...stored.etcd, clusterId, revision: 1 } };
    await objects.put(BACKUP.manifestKey, JSON.stringify(proven));
    const input = rollEtcdMembers.input.parse({ cluster: CLUSTER, render: what, backup: BACKUP, rollEtcdMembers: before });
    const ports = { etcd: async () => through, instances, volumes: createEtcdVolumes(scaling), objects, clock: { now: () => at } };
    before = await rollEtcdMembers.run(input, ports, { execution: 'test' });
    return before;
  };
}

async function rollToTheEnd(look: (at?: Date) => Promise<Rolled>, each: () => Promise<void> = async () => undefined): Promise<string> {
  return eventually('etcd is rolled', 240, async () => {
    await each();
    const { done, reason } = await look();
    return done ? reason : undefined;
  });
}

function versionsOf(members: readonly MemberStatus[]): string[] {
  return [...new Set(members.map(({ version }) => version))];
}

describe('etcd of a production cluster', () => {
  it('is rolled under writes: no confirmed write is lost, two members are always up, the leader goes last', async () => {
    const what = await rendered({ quota: '8589934591' });
    await deliverStacks(aws, cell, what, ['etcd']);
    const writer = startWriter(ENDPOINTS, identity);
    const firstLeader = (await etcd.status()).find(({ leader }) => leader)?.name ?? '';
    const gone: string[] = [];
    room.events.on('event', ({ kind, role }) => kind === 'terminating' && gone.push(role));
    let fewest = 3;

    const reason = await rollToTheEnd(etcdRoll(what), async () => {
      fewest = Math.min(fewest, (await etcd.status()).filter(({ healthy }) => healthy).length);
    });

    const { lost } = await writer.stop();
    expect(reason).toContain('have the same key-value hash');
    expect(gone).toHaveLength(3);
    expect(`etcd-${firstLeader.slice(-1)}`).toBe(gone.at(-1));
    expect(fewest).toBeGreaterThanOrEqual(2);
    expect(writer.acknowledged.size).toBeGreaterThan(50);
    expect(lost).toEqual([]);
  });

  it('stops with a quorum when another member is gone in the middle, and goes on when it is back', async () => {
    const what = await rendered({ quota: '8589934590' });
    await deliverStacks(aws, cell, what, ['etcd']);
    const look = etcdRoll(what);
    await eventually('the first one is replaced', 60, async () => ((await look()).reason.startsWith('replaces') ? true : undefined));
    await eventually('it is back', 90, async () => (await well()) || undefined);
    const follower = (await etcd.status()).find(({ leader, name }) => !leader && isOld(name));
    const zone = follower?.name.slice(-1) ?? '';
    room.bootDelay({ cluster: CLUSTER.name, role: `etcd-${zone}` }, Number.POSITIVE_INFINITY);
    room.crash(instanceOf(zone), { state: 'lost' });
    await eventually('it is gone', 60, async () => ((await etcd.status()).some(({ healthy }) => !healthy) ? true : undefined));

    const waiting = await look();
    const late = look(new Date(Date.now() + 20 * 60_000));

    expect(waiting.done).toBe(false);
    expect(waiting.reason).toMatch(new RegExp(`etcd-${REGION}${zone}|instance i-`));
    await expect(late).rejects.toBeInstanceOf(DeadlineError);
    expect((await etcd.status()).filter(({ healthy }) => healthy)).toHaveLength(2);
    room.bootDelay({ cluster: CLUSTER.name, role: `etcd-${zone}` }, 0);
    expect(await rollToTheEnd(etcdRoll(what))).toContain('3 healthy');
  });

  it('stops at an alarm, and at data that differs, with all members up', async () => {
    const what = await rendered({ quota: '8589934589' });
    await deliverStacks(aws, cell, what, ['etcd']);
    const before = room
      .instances()
      .filter(({ role }) => role.startsWith('etcd'))
      .map(({ id }) => id)
      .sort();
    const [asked] = (await etcd.status()).filter(({ leader }) => !leader);

    await setNoSpace(asked?.endpoint ?? '', identity, asked?.memberId ?? '', true);
    await expect(etcdRoll(what)()).rejects.toThrow(/alarm:NOSPACE/);
    await setNoSpace(asked?.endpoint ?? '', identity, asked?.memberId ?? '', false);
    await put(asked?.endpoint ?? '', identity, '/sluice-load/marked', 'value-before-the-disk-broke');
    await eventually('the write is on the disk', 30, () => spoil(asked?.peerUrls[0] ?? '') || undefined);
    const stopped = etcdRoll(what)();

    await expect(stopped).rejects.toBeInstanceOf(GateClosedError);
    await expect(stopped).rejects.toThrow(new RegExp(`key-value hashes at revision \\d+ differ: .*${asked?.name}`));
    expect(
      room
        .instances()
        .filter(({ role }) => role.startsWith('etcd'))
        .map(({ id }) => id)
        .sort(),
    ).toEqual(before);
    expect(await well()).toBe(true);
  });

  it('lets the member whose volume is lost in anew, as a learner', async () => {
    const [spoilt] = (await etcd.status()).filter(({ leader }) => !leader);
    const zone = spoilt?.name.slice(-1) ?? '';
    const recorded = new Date().toISOString();
    const index = ['a', 'b', 'c'].indexOf(zone);
    room.bootDelay({ cluster: CLUSTER.name, role: `etcd-${zone}` }, Number.POSITIVE_INFINITY);
    room.crash(instanceOf(zone), { state: 'lost' });
    await eventually('its process is gone', 30, async () => ((await etcd.status()).some(({ healthy }) => !healthy) ? true : undefined));
    rmSync(volumePath(directory.path, CLUSTER.account, CLUSTER.name, ADDRESSES.etcd[index] ?? ''), { recursive: true, force: true });
    room.bootDelay({ cluster: CLUSTER.name, role: `etcd-${zone}` }, 0);

    const scaling = { ...aws.of(CLUSTER.account), endpoint: room.autoscalingUrl };
    const reasons = await mendMembers({ cluster: CLUSTER, etcd, scaling, recorded, well, seconds: 120 });

    expect([...reasons]).toContain(`takes ${spoilt?.name} out`);
    expect([...reasons].some((reason) => reason.includes('gets its vote'))).toBe(true);
    expect((await etcd.status()).find(({ name }) => name === spoilt?.name)?.memberId).not.toBe(spoilt?.memberId);
  });

  it('goes a minor up, and down again by the downgrade protocol', async () => {
    const up = await rendered({ etcd: ETCD_NEXT_VERSION });
    await deliverStacks(aws, cell, up, ['etcd']);
    await rollToTheEnd(etcdRoll(up));
    const above = versionsOf(await etcd.status());
    await eventually('cluster version', 30, async () => (await etcd.clusterVersion(ENDPOINTS[0] ?? '')) === '3.7.0' || undefined);
    const writer = startWriter(ENDPOINTS, identity);

    const down = await rendered({ quota: '8589934588' });
    await deliverStacks(aws, cell, down, ['etcd']);
    await rollToTheEnd(etcdRoll(down));

    expect(above).toEqual([ETCD_NEXT_VERSION]);
    expect(versionsOf(await etcd.status())).toEqual([ETCD_VERSION]);
    expect(await etcd.clusterVersion(ENDPOINTS[0] ?? '')).toBe('3.6.0');
    expect((await writer.stop()).lost).toEqual([]);
  });
});

describe('the control plane of a production cluster', () => {
  it('goes a minor up while a client reads: at most one call of a thousand fails twice, no gap is longer than two seconds', async () => {
    const what = await rendered({ kubernetes: '1.36.3', quota: '8589934588' });
    await deliverStacks(aws, cell, what, ['control-plane']);
    const objects = createFakeObjects();
    await objects.put(accountKeys.manifests(hashOf(what)), JSON.stringify(what));
    const scaling = { ...aws.of(CLUSTER.account), endpoint: room.autoscalingUrl };
    const ports = {
      kubernetes: connect,
      instances: createInstances(scaling),
      addresses: createAddresses(scaling),
      secrets: createFakeSecrets(),
      objects,
      clock: { now: () => new Date() },
    };
    const client = pollApi(ADDRESSES.api, API_PORT, await cell.admin());
    let previous: Awaited<ReturnType<typeof rollControlPlane.run>> | undefined;

    const reason = await eventually('the control plane is rolled', 240, async () => {
      const input = rollControlPlane.input.parse({ cluster: CLUSTER, render: { hash: hashOf(what) }, rollControlPlane: previous });
      previous = await rollControlPlane.run(input, ports, { execution: 'test' });
      return previous.done ? previous.reason : undefined;
    });

    const polled = await client.stop();
    process.stdout.write(`API over the roll: ${JSON.stringify({ ...polled, reasons: polled.reasons.slice(0, 5) })}; the step: ${reason}\n`);
    expect(reason).toContain('1.36.3');
    expect(previous?.api.probes).toBeGreaterThan(20);
    expect(polled.calls).toBeGreaterThan(100);
    expect(polled.failed / polled.calls).toBeLessThanOrEqual(0.001);
    expect(polled.longestGapMilliseconds).toBeLessThanOrEqual(2000);
  });
});

/** Whether the member's instance is not of the newest launch template version. */
function isOld(name: string): boolean {
  const etcds = room.instances().filter(({ role }) => role.startsWith('etcd'));
  const newest = Math.max(...etcds.map(({ launchTemplateVersion }) => Number(launchTemplateVersion)));
  return etcds.some(({ role, launchTemplateVersion }) => role === `etcd-${name.slice(-1)}` && Number(launchTemplateVersion) < newest);
}

/** Changes a byte of the marked value in a running member's database, as a broken disk would; false while it is not on the disk. */
function spoil(peerUrl: string): boolean {
  const address = /\/\/([\d.]+):/.exec(peerUrl)?.[1] ?? '';
  const path = join(volumePath(directory.path, CLUSTER.account, CLUSTER.name, address), 'etcd/data/member/snap/db');
  const database = readFileSync(path);
  const marker = Buffer.from('value-before-the-disk-broke');
  const file = openSync(path, 'r+');
  let found = 0;
  for (let at = database.indexOf(marker); at !== -1; at = database.indexOf(marker, at + 1)) {
    writeSync(file, Buffer.from('V'), 0, 1, at);
    found += 1;
  }
  return found > 0;
}
