import type { ClusterRef } from '#model/settings.ts';

export interface MemberStatus {
  readonly endpoint: string;
  readonly name: string;
  readonly healthy: boolean;
  readonly version: string;
  readonly leader: boolean;
  readonly learner: boolean;
  readonly clusterId: string;
  readonly memberId: string;
  readonly revision: number;
  readonly dbBytes: number;
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

/** etcd of one cluster over mTLS. Each call has a deadline of its own. */
export interface Etcd {
  /**
   * Status of each member that etcd knows; one that does not answer is unhealthy with its reason.
   * @throws ClusterUnreachableError when no member answers
   */
  status(): Promise<MemberStatus[]>;
  /** Streams a snapshot of one member. @throws ClusterUnreachableError when the stream breaks or stalls */
  snapshot(endpoint: string): AsyncIterable<SnapshotChunk>;
  /**
   * The key-value hash of one member, which reads its whole database for it: its writes wait meanwhile.
   * @param revision 0 for the newest; at one that was compacted, the member tells what it recorded before
   * @throws ClusterUnreachableError when it does not answer, does not have the revision yet or any more
   */
  keyValueHash(endpoint: string, revision: number): Promise<ToldHash>;
}

/** etcd of a cluster by its reference. @throws NotFoundError when the cluster has no identity yet */
export type EtcdOf = (cluster: ClusterRef) => Promise<Etcd>;
