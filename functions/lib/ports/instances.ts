export interface Instance {
  readonly id: string;
  readonly zone: string;
  readonly lifecycleState: string;
  readonly healthStatus: string;
  /** Launch template version it was started from; differs from the group's when the instance is old. */
  readonly launchTemplateVersion: string;
}

export interface InstanceGroup {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly desired: number;
  /** Version that new instances get. */
  readonly launchTemplateVersion: string;
  readonly instances: readonly Instance[];
}

/** Auto Scaling groups of a cluster, found by tags `sluice:cluster` and `sluice:role`. */
export interface Instances {
  /** @throws TransientError */
  group(cluster: string, role: string): Promise<InstanceGroup | undefined>;
  setDesiredCapacity(group: string, desired: number): Promise<void>;
  /** Terminates one instance; with `decrement` the group shrinks by one instead of replacing it. */
  terminate(instance: string, decrement: boolean): Promise<void>;
}
