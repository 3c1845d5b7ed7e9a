import { type EtcdSeat, etcdSeatsOf, zoneOfSeat } from '#domain/network.ts';
import type { BackupManifest } from '#model/backup-records.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { MemberStatus } from '#ports/etcd.ts';
import type { DataVolume } from '#ports/volumes.ts';
import { mendEtcdMembers } from '../../functions/etcd/mend-etcd-members.ts';
import { rollEtcdMembers } from '../../functions/etcd/roll-etcd-members.ts';
import { CLUSTER } from './cluster-ref.ts';
import { createFakeEtcd, databaseOf, type FakeEtcd, memberStatus } from './fakes/etcd.ts';
import { createFakeInstances, type FakeInstances } from './fakes/instances.ts';
import { createFakeObjects, type FakeObjects } from './fakes/objects.ts';

export const BACKUP = { id: 'b1', proven: true, manifestKey: 'backups/alpha-1/b1/manifest.json' };
export const PRODUCTION: ClusterRef = { ...CLUSTER, environment: 'production' };

type Output = Awaited<ReturnType<typeof rollEtcdMembers.run>>;

/** Three members, or five, at their seats whose instances come and go by `tick`, with the step that rolls them. */
export interface EtcdRollWorld {
  readonly seats: readonly EtcdSeat[];
  readonly etcd: FakeEtcd;
  readonly instances: FakeInstances;
  readonly objects: FakeObjects;
  /** Each launch template version's version of etcd. */
  readonly versions: Map<string, string>;
  now: Date;
  /** A new launch template version with that version of etcd. */
  release(launchTemplate: string, etcd: string): void;
  /** One call of the step, its state carried on. */
  look(backup?: typeof BACKUP | null): Promise<Output>;
  /** Looks until it is done, time and instances going on in between; answers the looks. */
  roll(looks?: number): Promise<Output[]>;
  /** Instances come and go, members follow them. */
  tick(): void;
  /** One call of the step that lets a lost member in again; `wellAt`: when the cluster's record was written. */
  mend(wellAt: string): Promise<{ done: boolean; waitSeconds: number; reason: string }>;
  /** The data volume of each seat, as EC2 shows it. */
  volumes: DataVolume[];
  /** Its instance gets a new, empty volume, and etcd waits there to be let in anew. */
  loseVolume(seat: string): void;
  member(seat: string): MemberStatus;
  change(seat: string, fields: Partial<MemberStatus>): void;
  readonly terminated: string[];
}

export async function createEtcdRollWorld(options: { version?: string; wanted?: string; members?: 5 } = {}): Promise<EtcdRollWorld> {
  const etcd = createFakeEtcd([]);
  const instances = createFakeInstances();
  const objects = createFakeObjects();
  const first = options.version ?? '3.6.16';
  let wanted = options.wanted ?? first;
  let before: Output | undefined;
  let mending: Awaited<ReturnType<typeof mendEtcdMembers.run>> | undefined;
  const cluster: ClusterRef = options.members === undefined ? PRODUCTION : { ...PRODUCTION, etcdMembers: options.members };
  const all = etcdSeatsOf(cluster);
  const seats = all.map(({ seat }) => seat);
  const change = (seat: string, fields: Partial<MemberStatus>): void => {
    etcd.members = etcd.members.map((member) => (member.name === `etcd-eu-central-1${seat}` ? { ...member, ...fields } : member));
  };
  const seatOf = (role: string): string => role.slice(-1);
  const peerUrl = (wanted: string): string => `https://${all.find(({ seat }) => seat === wanted)?.address}:2380`;
  const memberOf = (seat: string, fields: Partial<MemberStatus>): MemberStatus =>
    memberStatus({ name: `etcd-eu-central-1${seat}`, peerUrls: [peerUrl(seat)], ...fields });
  const lost = new Set<string>();
  const clock = { now: () => world.now };
  const world: EtcdRollWorld = {
    seats,
    etcd,
    instances,
    objects,
    versions: new Map([['1', first]]),
    now: new Date('2026-01-05T08:00:00Z'),
    volumes: [],
    release(launchTemplate, version) {
      world.versions.set(launchTemplate, version);
      wanted = version;
      for (const seat of seats) instances.setVersion('alpha-1', `etcd-${seat}`, launchTemplate);
    },
    async look(backup = BACKUP) {
      const input = rollEtcdMembers.input.parse({
        cluster,
        backup,
        render: { versions: { kubernetes: '1.35.4', etcd: wanted, osImage: 'ami-0a1b2c3d4e5f60718', e2eTests: '1.36.3' } },
        ...(before === undefined ? {} : { rollEtcdMembers: before }),
      });
      const ports = { etcd: async () => etcd, instances, objects, volumes: async () => world.volumes, clock };
      before = await rollEtcdMembers.run(input, ports, { execution: 'update-1' });
      return before;
    },
    async roll(looks = 60) {
      const outputs: Output[] = [];
      for (let count = 0; count < looks; count += 1) {
        const output = await world.look();
        outputs.push(output);
        if (output.done) return outputs;
        world.now = new Date(world.now.getTime() + output.waitSeconds * 1000);
        world.tick();
      }
      throw new Error(`not done after ${looks} looks: ${outputs.at(-1)?.reason}`);
    },
    tick() {
      instances.tick();
      etcd.settle();
      for (const seat of lost) learn(seat);
    },
    async mend(wellAt) {
      const input = mendEtcdMembers.input.parse({
        cluster,
        readWhatRuns: { current: { updatedAt: wellAt } },
        ...(mending === undefined ? {} : { mendEtcdMembers: mending }),
      });
      const ports = { etcd: async () => etcd, instances, volumes: async () => world.volumes, objects, clock };
      mending = await mendEtcdMembers.run(input, ports, { execution: 'update-1' });
      return mending;
    },
    loseVolume(seat) {
      lost.add(seat);
      world.volumes = world.volumes.map((volume) =>
        volume.seat === seat ? { ...volume, id: `${volume.id}-new`, createdAt: world.now } : volume,
      );
      change(seat, { healthy: false, reason: 'connect ECONNREFUSED', clusterId: '', revision: 0, leader: false, leaderId: '' });
      elect(etcd);
    },
    member(seat) {
      const found = etcd.members.find(({ name }) => name === `etcd-eu-central-1${seat}`);
      if (found === undefined) throw new Error(`no member at seat ${seat}`);
      return found;
    },
    change,
    get terminated() {
      return instances.calls.filter((call) => call.startsWith('terminate')).map((call) => call.split(' ')[1] ?? '');
    },
  };
  instances.onGone = (_instance, role) => {
    change(seatOf(role), { healthy: false, reason: 'connect ECONNREFUSED', clusterId: '', revision: 0, leader: false, leaderId: '' });
    elect(etcd);
  };
  /** A learner comes up, and has all of it a tick later. */
  const learn = (seat: string): void => {
    const learner = etcd.members.find(({ learner, peerUrls }) => learner && peerUrls.includes(peerUrl(seat)));
    if (learner === undefined) return;
    const known = { memberId: learner.memberId, learner: true, version: wanted, raftApplied: learner.started ? 100 : 40 };
    etcd.members = etcd.members.map((member) => (member === learner ? memberOf(seat, known) : member));
    elect(etcd);
  };
  instances.onInService = (instance, _cluster, role) => {
    const seat = seatOf(role);
    const version = world.versions.get(instance.launchTemplateVersion) ?? '';
    world.volumes = world.volumes.map((volume) => (volume.seat === seat ? { ...volume, instance: instance.id } : volume));
    if (lost.has(seat)) return;
    change(seat, memberOf(seat, { version, storageVersion: etcd.agreedVersion }));
    elect(etcd);
  };
  world.volumes = seats.map((seat) => ({
    id: `vol-${seat}`,
    zone: `eu-central-1${zoneOfSeat(seat)}`,
    seat,
    createdAt: new Date('2026-01-01T00:00:00Z'),
    instance: undefined,
  }));
  etcd.members = seats.map((seat) => memberOf(seat, { version: first }));
  elect(etcd);
  etcd.settle();
  for (const seat of seats) instances.addGroup('alpha-1', `etcd-${seat}`, { min: 1, max: 1, desired: 1 });
  await objects.put(BACKUP.manifestKey, JSON.stringify(manifest()));
  return world;
}

/** The first healthy voter leads, unless one does. */
function elect(etcd: FakeEtcd): void {
  const leader =
    etcd.members.find((member) => member.leader && member.healthy) ?? etcd.members.find(({ healthy, learner }) => healthy && !learner);
  etcd.members = etcd.members.map((member) => ({
    ...member,
    leader: member.memberId === leader?.memberId,
    leaderId: member.healthy ? (leader?.memberId ?? '') : '',
  }));
}

/** A database that differs from the others'. */
export function diverge(world: EtcdRollWorld, seat: string): void {
  world.etcd.databases.set(world.member(seat).endpoint, databaseOf('y'));
}

export function manifest(): BackupManifest {
  return {
    id: 'b1',
    cluster: 'alpha-1',
    account: CLUSTER.account,
    takenAt: '2026-01-05T07:55:00Z',
    object: { bucket: 'bucket', key: 'backups/alpha-1/b1/snapshot.db', bytes: 1, sha256: '0'.repeat(64) },
    etcd: { version: '3.6.16', revision: 90, clusterId: 'c1', member: 'a', members: 1 },
    counts: {},
    layers: [{ layer: 'L1', verdict: 'holds', reason: '', seconds: 0 }],
    proven: true,
    execution: 'backup-1',
  };
}
