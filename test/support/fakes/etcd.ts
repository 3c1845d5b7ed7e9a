import { createHash } from 'node:crypto';
import { type HashesWanted, readContent, type SnapshotContent } from '#domain/snapshot/verify.ts';
import { minorOf, minorSteps } from '#domain/version-steps.ts';
import { ClusterUnreachableError, ConflictError, RefusedError } from '#model/errors.ts';
import type { Etcd, MemberStatus, SnapshotChunk } from '#ports/etcd.ts';
import { buildSnapshot, inMemory } from '../bbolt.ts';

export interface FakeEtcd extends Etcd {
  members: MemberStatus[];
  /** What a snapshot streams. */
  snapshotFile: Uint8Array;
  /** What members hold, by endpoint; those without an entry hold what the snapshot has. */
  readonly databases: Map<string, Uint8Array>;
  /** Endpoints that were asked for a hash; those that had to compute it. */
  readonly hashed: string[];
  readonly computed: string[];
  /** Compacts every member: each records the hash of what it has up to there, by the compaction before. Records are not taken away. */
  compact(revision: number): void;
  /** Starts a member again: what it recorded is gone, its data are not. */
  restart(endpoint: string): void;
  /** The stream breaks after so many bytes. */
  breaksAfter: number | undefined;
  /** No member answers. */
  down: boolean;
  /** What the members agreed on. */
  agreedVersion: string;
  /** Every call that changes something, for example `move-leader a b`. */
  readonly calls: string[];
  /** What etcd does by itself after a downgrade was let: cluster and storage version go down, or the downgrade ends. */
  settle(): void;
}

/** etcd in memory: healthy members that stream a snapshot of 20 records up to revision 100. */
export function createFakeEtcd(names: readonly string[] = ['a']): FakeEtcd {
  const fake: FakeEtcd = {
    members: names.map((name, index) => memberStatus({ name, leader: index === 0, leaderId: `id-${names[0] ?? ''}` })),
    snapshotFile: databaseOf('x'),
    databases: new Map(),
    hashed: [],
    computed: [],
    breaksAfter: undefined,
    down: false,
    agreedVersion: '3.6.0',
    calls: [],
    ...changesOf(() => fake),
    async status() {
      if (fake.down) throw new ClusterUnreachableError('no etcd member answers');
      return fake.members;
    },
    async *snapshot(endpoint): AsyncGenerator<SnapshotChunk> {
      if (fake.down || !fake.members.some((member) => member.endpoint === endpoint)) {
        throw new ClusterUnreachableError(`etcd at ${endpoint} does not answer`);
      }
      for (let offset = 0; offset < fake.snapshotFile.length; offset += 1000) {
        if (fake.breaksAfter !== undefined && offset >= fake.breaksAfter) {
          throw new ClusterUnreachableError(`etcd at ${endpoint}: the connection ended in the middle of the answer`);
        }
        yield { bytes: fake.snapshotFile.subarray(offset, offset + 1000), version: '3.6.0' };
      }
    },
    ...hashesOf(() => fake),
  };
  return fake;
}

function hashesOf(fakeOf: () => FakeEtcd): Pick<FakeEtcd, 'keyValueHash' | 'compactedAt' | 'compact' | 'restart'> {
  const compactions: number[] = [];
  const recorded: { endpoint: string; revision: number; hash: number; compactRevision: number }[] = [];
  const contentOf = (endpoint: string, wanted: HashesWanted = () => []): SnapshotContent => {
    const fake = fakeOf();
    return readContent(inMemory(fake.databases.get(endpoint) ?? fake.snapshotFile), () => undefined, wanted);
  };
  const compactedAt = (endpoint: string): number => compactions.at(-1) ?? contentOf(endpoint).compactRevision;
  const answers = (endpoint: string): void => {
    const fake = fakeOf();
    if (fake.down || !fake.members.some((member) => member.endpoint === endpoint && member.healthy))
      throw new ClusterUnreachableError(`etcd at ${endpoint} does not answer`);
  };
  return {
    async keyValueHash(endpoint, revision) {
      answers(endpoint);
      const fake = fakeOf();
      fake.hashed.push(endpoint);
      const compactRevision = compactedAt(endpoint);
      const kept = recorded.find((one) => one.endpoint === endpoint && one.revision === revision);
      const newest = contentOf(endpoint).revision;
      if (kept !== undefined) return { hash: kept.hash, compactRevision: kept.compactRevision, newest };
      if (revision > 0 && revision < compactRevision) throw new ClusterUnreachableError('mvcc: required revision has been compacted');
      if (revision > newest) throw new ClusterUnreachableError('mvcc: required revision is a future revision');
      fake.computed.push(endpoint);
      const content = contentOf(endpoint, (own) => [{ revision: revision === 0 ? own.revision : revision, compactRevision }]);
      return { hash: content.hashes.at(-1)?.hash ?? 0, compactRevision, newest };
    },
    async compactedAt(endpoint) {
      answers(endpoint);
      const at = compactedAt(endpoint);
      if (at < 1) throw new ClusterUnreachableError('sent nothing for 5 s');
      return at;
    },
    compact(revision) {
      for (const { endpoint } of fakeOf().members) {
        const request = { revision, compactRevision: compactedAt(endpoint) };
        recorded.push({ endpoint, ...request, hash: contentOf(endpoint, () => [request]).hashes.at(-1)?.hash ?? 0 });
      }
      compactions.push(revision);
    },
    restart(endpoint) {
      const kept = recorded.filter((one) => one.endpoint !== endpoint);
      recorded.splice(0, recorded.length, ...kept);
    },
  };
}

/** The calls that change who is a member, who leads and which version the data has. */
function changesOf(
  fakeOf: () => FakeEtcd,
): Pick<FakeEtcd, 'clusterVersion' | 'moveLeader' | 'removeMember' | 'addLearner' | 'promote' | 'downgrade' | 'settle'> {
  const at = (endpoint: string): MemberStatus => {
    const fake = fakeOf();
    const member = fake.members.find((candidate) => candidate.endpoint === endpoint);
    if (fake.down || member === undefined || !member.healthy) throw new ClusterUnreachableError(`etcd at ${endpoint} does not answer`);
    return member;
  };
  const each = (change: (member: MemberStatus) => MemberStatus): void => {
    const fake = fakeOf();
    fake.members = fake.members.map(change);
  };
  const known = (id: string): MemberStatus => {
    const member = fakeOf().members.find(({ memberId }) => memberId === id);
    if (member === undefined) throw new ConflictError('etcdserver: member not found');
    return member;
  };
  return {
    async clusterVersion(endpoint) {
      at(endpoint);
      return fakeOf().agreedVersion;
    },
    async moveLeader(endpoint, id) {
      const from = at(endpoint);
      const to = known(id);
      fakeOf().calls.push(`move-leader ${from.name} ${to.name}`);
      if (!from.leader) throw new ConflictError('etcdserver: not leader');
      if (to.learner) throw new ConflictError('etcdserver: bad leader transferee');
      each((member) => ({ ...member, leader: member.memberId === id, leaderId: id }));
    },
    async removeMember(endpoint, id) {
      at(endpoint);
      const gone = known(id);
      fakeOf().calls.push(`remove ${gone.name}`);
      const rest = fakeOf().members.filter(({ memberId }) => memberId !== id);
      const up = rest.filter(({ healthy, learner }) => healthy && !learner).length;
      if (up <= rest.filter(({ learner }) => !learner).length / 2)
        throw new ConflictError('etcdserver: re-configuration failed due to not enough started members');
      fakeOf().members = rest;
    },
    async addLearner(endpoint, peerUrl) {
      at(endpoint);
      fakeOf().calls.push(`add-learner ${peerUrl}`);
      const fake = fakeOf();
      if (fake.members.some(({ peerUrls }) => peerUrls.includes(peerUrl))) throw new ConflictError('etcdserver: Peer URLs already exists');
      if (fake.members.some(({ learner }) => learner)) throw new ConflictError('etcdserver: too many learner members in cluster');
      const memberId = `id-learner-${fake.calls.length}`;
      const reason = 'was added and has not started';
      const added = { name: memberId, memberId, peerUrls: [peerUrl], endpoint: '', leaderId: '', version: '', clusterId: '', revision: 0 };
      fake.members = [...fake.members, memberStatus({ ...added, healthy: false, started: false, learner: true, raftApplied: 0, reason })];
      return memberId;
    },
    async promote(endpoint, id) {
      at(endpoint);
      const learner = known(id);
      fakeOf().calls.push(`promote ${learner.name}`);
      if (!learner.started || learner.raftApplied < Math.max(...fakeOf().members.map(({ raftIndex }) => raftIndex)) * 0.9)
        throw new ConflictError('etcdserver: can only promote a learner member which is in sync with leader');
      each((member) => (member.memberId === id ? { ...member, learner: false } : member));
    },
    async downgrade(endpoint, action, version) {
      at(endpoint);
      const fake = fakeOf();
      fake.calls.push(`downgrade ${action} ${version}`);
      const underWay = fake.members.some(({ downgradeTo }) => downgradeTo !== '');
      if (action === 'cancel') {
        if (!underWay) throw new ConflictError('etcdserver: no inflight downgrade job');
        each((member) => ({ ...member, downgradeTo: '' }));
        return;
      }
      if (underWay) throw new ConflictError('etcdserver: cluster has a downgrade job in progress');
      if (minorSteps(version, fake.agreedVersion) !== 1) throw new RefusedError('etcdserver: invalid downgrade target version');
      if (action === 'enable') each((member) => ({ ...member, downgradeTo: version }));
    },
    settle() {
      const fake = fakeOf();
      const [to = ''] = fake.members.map(({ downgradeTo }) => downgradeTo).filter((target) => target !== '');
      if (to === '') {
        const lowest = fake.members.map(({ version }) => `${minorOf(version)}.0`).sort()[0] ?? '';
        fake.agreedVersion = lowest;
        each((member) => ({ ...member, storageVersion: lowest }));
        return;
      }
      fake.agreedVersion = to;
      const all = fake.members.every(({ version }) => minorOf(version) === minorOf(to));
      each((member) => ({ ...member, storageVersion: to, downgradeTo: all ? '' : to }));
    },
  };
}

/** A database with 20 pods at revision 100, `value` in each. */
export function databaseOf(value: string): Uint8Array {
  const records = Array.from({ length: 20 }, (_, index) => ({ main: 81 + index, key: `/registry/pods/ns/pod-${index}`, value }));
  return buildSnapshot({ records, scheduledCompact: 85 });
}

/** A healthy member. */
export function memberStatus(fields: Partial<MemberStatus> = {}): MemberStatus {
  const name = fields.name ?? 'a';
  return {
    endpoint: `https://${name}.example:2379`,
    name,
    healthy: true,
    started: true,
    version: '3.6.16',
    leader: false,
    learner: false,
    clusterId: 'c1',
    memberId: `id-${name}`,
    peerUrls: [`https://${name}.example:2380`],
    leaderId: 'id-a',
    raftIndex: 100,
    raftApplied: 100,
    revision: 100,
    dbBytes: 1,
    storageVersion: '3.6.0',
    downgradeTo: '',
    alarms: [],
    ...fields,
  };
}

/** A snapshot file: pages and the SHA-256 of them. */
export function snapshotOf(pages: Uint8Array): Uint8Array {
  return Buffer.concat([pages, createHash('sha256').update(pages).digest()]);
}
