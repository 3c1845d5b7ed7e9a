/** A volume that outlives the instances which use it. */
export interface DataVolume {
  readonly id: string;
  readonly zone: string;
  /** Letter of the member's seat that it is of: of its zone, unless its tag says more. */
  readonly seat: string;
  readonly createdAt: Date;
  /** The instance that it is attached to. */
  readonly instance: string | undefined;
}

/** Data volumes of a cluster's etcd in the function's own account, by their tags `sluice:cluster` and `sluice:volume`. @throws TransientError */
export type EtcdVolumes = (cluster: string) => Promise<DataVolume[]>;
