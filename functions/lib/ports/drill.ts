/** What a restored etcd holds. */
export interface RestoredEtcd {
  readonly version: string;
  readonly revision: number;
  /** etcd's own hash of all key-values at that revision, and the compaction it was computed with. */
  readonly hash: number;
  readonly compactRevision: number;
  /** Each key under `/registry/`, in order. */
  readonly keys: readonly string[];
}

export interface RestoreRequest {
  /** Paths of etcd and etcdutl of the snapshot's version. */
  readonly etcd: string;
  readonly etcdutl: string;
  readonly snapshot: string;
  /** An empty directory for data, sockets and logs. */
  readonly directory: string;
}

/** A real etcd started on a snapshot, reachable for nobody else and ended on every path. */
export interface EtcdDrill {
  /** @throws BackupNotProvenError when the snapshot does not restore, does not boot or cannot be read */
  restore(request: RestoreRequest): Promise<RestoredEtcd>;
}
