import type { ClusterRef } from '#model/settings.ts';

export interface MemberStatus {
  readonly endpoint: string;
  readonly name: string;
  readonly healthy: boolean;
  /** False while it was only added and has never come up. */
  readonly started: boolean;
  readonly version: string;
  readonly leader: boolean;
  readonly learner: boolean;
  readonly clusterId: string;
  readonly memberId: string;
  readonly peerUrls: readonly string[];
  /** Member id of who it takes for the leader; empty when it knows of none or does not answer. */
  readonly leaderId: string;
  /** Index that it knows as committed, and the last one that it has applied. */
  readonly raftIndex: number;
  readonly raftApplied: number;
  readonly revision: number;
  readonly dbBytes: number;
  /** Version of its data; empty before etcd 3.6. */
  readonly storageVersion: string;
  /** Where a downgrade under way goes to; empty when none is. */
  readonly downgradeTo: string;
  readonly alarms: readonly string[];
  readonly reason?: string;
}

export interface SnapshotChunk {
  readonly bytes: Uint8Array;
  /** Storage version of the snapshot, empty when etcd does not say it (before 3.6). */
  readonly version: string;
}

/** What a member tells of its key-values up to a revision. */
export interface ToldHash {
  readonly hash: number;
  /** The compaction that it was computed with, -1 for none. */
  readonly compactRevision: number;
  /** The member's newest revision at that time. */
  readonly newest: number;
}

/**
 * etcd of one cluster over mTLS. Each call has a deadline of its own. What changes something is sent to the member at
 * `endpoint` and throws ConflictError when the cluster is not in the state for it: look again.
 */
export interface Etcd {
  /**
   * Status of each member that etcd knows; one that does not answer is unhealthy with its reason.
   * @throws ClusterUnreachableError when no member answers
   */
  status(): Promise<MemberStatus[]>;
  /** Streams a snapshot of one member. @throws ClusterUnreachableError when the stream breaks or stalls */
  snapshot(endpoint: string): AsyncIterable<SnapshotChunk>;
  /**
   * The key-value hash of one member, which reads its whole database for it: its writes wait meanwhile. At the revision of one of its
   * last ten compactions it tells what it recorded then, at no cost, unless it was started since; `compactRevision` is then the
   * compaction before that one, and never below the revision where the hash was computed.
   * @param revision 0 for the newest; at one that was compacted, the member tells what it recorded before
   * @throws ClusterUnreachableError when it does not answer, does not have the revision yet or any more
   */
  keyValueHash(endpoint: string, revision: number): Promise<ToldHash>;
  /**
   * The revision of the last compaction that one member has begun, at no cost. To be asked only of one that was compacted before:
   * else it would look for it in all that it has.
   * @throws ClusterUnreachableError when it does not answer, or was never compacted
   */
  compactedAt(endpoint: string): Promise<number>;
  /** The version that all members agreed on, for example `3.6.0`. @throws ClusterUnreachableError */
  clusterVersion(endpoint: string): Promise<string>;
  /** Hands leadership from the member at `endpoint`, which must lead, to another; resolves once that one leads. @throws ConflictError */
  moveLeader(endpoint: string, memberId: string): Promise<void>;
  /** Takes a member out of the cluster, for good. @throws ConflictError when what is left would have no quorum */
  removeMember(endpoint: string, memberId: string): Promise<void>;
  /** Adds a member that learns and has no vote; answers its id. @throws ConflictError when its address is a member's already */
  addLearner(endpoint: string, peerUrl: string): Promise<string>;
  /** Gives a learner its vote. @throws ConflictError while it has not caught up */
  promote(endpoint: string, memberId: string): Promise<void>;
  /**
   * Asks whether the data may go to a lower minor, makes it go there, or ends that.
   * @throws RefusedError for a version that it can't go to, ConflictError when a downgrade is under way (or, to end it, none is)
   */
  downgrade(endpoint: string, action: 'validate' | 'enable' | 'cancel', version: string): Promise<void>;
}

/** etcd of a cluster by its reference. @throws NotFoundError when the cluster has no identity yet */
export type EtcdOf = (cluster: ClusterRef) => Promise<Etcd>;
