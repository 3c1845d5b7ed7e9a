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

/** etcd of one cluster over mTLS. Each call has a deadline of its own. */
export interface Etcd {
  /** Status of each endpoint; a member that does not answer is unhealthy with its reason. */
  status(): Promise<MemberStatus[]>;
  /** Streams a snapshot of one member. @throws ClusterUnreachableError when the stream breaks or stalls */
  snapshot(endpoint: string): AsyncIterable<Uint8Array>;
}
