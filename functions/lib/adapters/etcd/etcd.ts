import { ClusterUnreachableError } from '#model/errors.ts';
import type { ClientIdentity } from '#model/identity.ts';
import type { Etcd, MemberStatus, SnapshotChunk } from '#ports/etcd.ts';
import { callOnce, callStream } from './connection.ts';
import { DOWNGRADE, MEMBER_ADD_LEARNER, MEMBER_PROMOTE, MEMBER_REMOVE, MOVE_LEADER } from './membership.ts';
import { HASH_KV, MEMBER_LIST, type Member, type Method, SNAPSHOT, STATUS, type StatusResponse, WATCH_COMPACTION } from './messages.ts';
import { readClusterVersion } from './version.ts';

/** A healthy member answers in milliseconds; one that writes a snapshot to a follower may take a second. */
const CALL_MILLISECONDS = 5_000;
/** A hash reads the whole database: about a second a gigabyte from memory, far more from a slow disk. */
const HASH_MILLISECONDS = 120_000;
/** Changes of membership and leadership wait for a quorum, and for the next election at worst. */
const CHANGE_MILLISECONDS = 10_000;

export interface EtcdOptions {
  /** Client URLs to begin with; members are then taken from etcd's own list. */
  readonly endpoints: readonly string[];
  readonly identity: ClientIdentity;
  /** Longest wait for a byte of a snapshot; for tests. */
  readonly stallMilliseconds?: number;
}

/** etcd of one cluster over gRPC and mTLS. */
export function createEtcd({ endpoints, identity, stallMilliseconds }: EtcdOptions): Etcd {
  const change = <Request, Response>(url: string, method: Method<Request, Response>, request: Request): Promise<Response> =>
    callOnce({ url, identity }, method, request, CHANGE_MILLISECONDS);
  return {
    async status() {
      const members = await firstList(endpoints, identity);
      return Promise.all(members.map((member) => statusOf(member, identity)));
    },
    async *snapshot(endpoint): AsyncGenerator<SnapshotChunk> {
      const parts = callStream({ url: endpoint, identity }, SNAPSHOT, undefined, stallMilliseconds);
      for await (const { blob, version } of parts) yield { bytes: blob, version };
    },
    async keyValueHash(endpoint, revision) {
      return callOnce({ url: endpoint, identity }, HASH_KV, { revision }, HASH_MILLISECONDS);
    },
    async compactedAt(endpoint) {
      // The first answer says that the watch is there, the second one that it was compacted away.
      for await (const { compactRevision } of callStream({ url: endpoint, identity }, WATCH_COMPACTION, undefined, CALL_MILLISECONDS)) {
        if (compactRevision > 0) return compactRevision;
      }
      throw new ClusterUnreachableError(`etcd at ${endpoint} does not tell when it was compacted`);
    },
    clusterVersion: (endpoint) => readClusterVersion(endpoint, identity, CALL_MILLISECONDS),
    moveLeader: (endpoint, memberId) => change(endpoint, MOVE_LEADER, { to: memberId }),
    removeMember: (endpoint, memberId) => change(endpoint, MEMBER_REMOVE, { member: memberId }),
    addLearner: (endpoint, peerUrl) => change(endpoint, MEMBER_ADD_LEARNER, { peerUrl }),
    promote: (endpoint, memberId) => change(endpoint, MEMBER_PROMOTE, { member: memberId }),
    downgrade: (endpoint, action, version) => change(endpoint, DOWNGRADE, { action, version }),
  };
}

async function firstList(endpoints: readonly string[], identity: ClientIdentity): Promise<readonly Member[]> {
  try {
    return await Promise.any(endpoints.map((url) => callOnce({ url, identity }, MEMBER_LIST, undefined, CALL_MILLISECONDS)));
  } catch (error) {
    const reasons = error instanceof AggregateError ? error.errors.map(reasonOf).join('; ') : reasonOf(error);
    throw new ClusterUnreachableError(`no etcd member answers: ${reasons}`, { cause: error });
  }
}

async function statusOf(member: Member, identity: ClientIdentity): Promise<MemberStatus> {
  const name = member.name === '' ? member.id : member.name;
  const unknown = {
    name,
    started: member.clientUrls.length > 0,
    memberId: member.id,
    peerUrls: member.peerUrls,
    clusterId: '',
    version: '',
    leader: false,
    learner: member.learner,
    leaderId: '',
    raftIndex: 0,
    raftApplied: 0,
    revision: 0,
    dbBytes: 0,
    storageVersion: '',
    downgradeTo: '',
    alarms: [],
  };
  const [endpoint] = member.clientUrls;
  if (endpoint === undefined) return { ...unknown, endpoint: '', healthy: false, reason: 'was added and has not started' };
  try {
    const status = await callOnce({ url: endpoint, identity }, STATUS, undefined, CALL_MILLISECONDS);
    return { ...unknown, endpoint, ...healthOf(status) };
  } catch (error) {
    return { ...unknown, endpoint, healthy: false, reason: reasonOf(error) };
  }
}

function healthOf(status: StatusResponse) {
  const alone = status.leader === '0' ? ['no leader'] : [];
  const alarms = [...alone, ...status.errors];
  return {
    healthy: alarms.length === 0,
    version: status.version,
    leader: status.leader === status.header.memberId,
    learner: status.learner,
    leaderId: status.leader === '0' ? '' : status.leader,
    raftIndex: status.raftIndex,
    raftApplied: status.raftApplied,
    storageVersion: status.storageVersion,
    downgradeTo: status.downgradeTo,
    clusterId: status.header.clusterId,
    memberId: status.header.memberId,
    revision: status.header.revision,
    dbBytes: status.dbBytes,
    alarms,
    ...(alarms.length === 0 ? {} : { reason: alarms.join('; ') }),
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
