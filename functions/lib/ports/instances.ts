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

/** Auto Scaling groups of a cluster, found by tags `sluice:cluster` and `sluice:role`. */
export interface Instances {
  /** @throws TransientError */
  group(cluster: string, role: string): Promise<ZonedGroup | undefined>;
  setDesiredCapacity(group: string, desired: number): Promise<void>;
  /** Writes or removes the group's note; the same again changes nothing. @throws TransientError */
  setNote(group: string, note: string | undefined): Promise<void>;
  /** Switches AZRebalance on or off; the same again changes nothing. @throws TransientError */
  setRebalance(group: string, on: boolean): Promise<void>;
  /** Free addresses of subnets together; undefined where they can't be read. Never throws. */
  freeAddresses(subnets: readonly string[]): Promise<number | undefined>;
  /** Terminates one instance; with `decrement` the group shrinks by one instead of replacing it. */
  terminate(instance: string, decrement: boolean): Promise<void>;
}
