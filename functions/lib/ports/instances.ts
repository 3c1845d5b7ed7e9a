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

/** A group over several zones. */
export interface ZonedGroup extends InstanceGroup {
  /** Zones that it fills evenly. */
  readonly zones: readonly string[];
  readonly subnets: readonly string[];
  /** Whether it evens its zones out by itself (process AZRebalance), which ends instances without a drain. */
  readonly rebalances: boolean;
  /** What a roll under way has to remember, a tag of the group. */
  readonly note: string | undefined;
}

/** Why an instance was not started. */
export interface LaunchFailure {
  /** AWS' words, for example that the account's limit of vCPUs is reached. */
  readonly message: string;
  readonly at: Date;
}

/** Auto Scaling groups of a cluster, found by tags `sluice:cluster` and `sluice:role`. */
export interface Instances {
  /** @throws TransientError */
  group(cluster: string, role: string): Promise<ZonedGroup | undefined>;
  setDesiredCapacity(group: string, desired: number): Promise<void>;
  /** Writes or removes the group's note; the same again changes nothing. @throws TransientError */
  setNote(group: string, note: string | undefined): Promise<void>;
  /** Switches AZRebalance on or off; the same again changes nothing. @throws TransientError */
  setRebalance(group: string, on: boolean): Promise<void>;
  /** Free addresses of each subnet; undefined where they can't be read, or no subnet is named. Never throws. */
  freeAddresses(subnets: readonly string[]): Promise<ReadonlyMap<string, number> | undefined>;
  /**
   * What AWS said when it last tried to start an instance of the group and could not; undefined when the last try went well, there
   * was none, or it can't be read. Never throws.
   */
  launchFailure(group: string): Promise<LaunchFailure | undefined>;
  /** Terminates one instance; with `decrement` the group shrinks by one instead of replacing it. */
  terminate(instance: string, decrement: boolean): Promise<void>;
}
