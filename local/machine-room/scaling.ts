import { isLeaving } from './lifecycle.ts';
import type { Machine } from './types.ts';

/** What an Auto Scaling group asks for. */
export interface GroupSpec {
  readonly account: string;
  readonly name: string;
  readonly arn: string;
  readonly cluster: string;
  readonly role: string;
  readonly min: number;
  readonly max: number;
  /** As the emulator holds it; the room holds the real desired capacity. */
  readonly declaredDesired: number;
  readonly zones: readonly Zone[];
  readonly launchTemplate: { readonly id: string; readonly name: string; readonly version: string };
  readonly tags: readonly { readonly key: string; readonly value: string; readonly propagate: boolean }[];
  readonly createdAt: Date;
  readonly subnetIds: string;
}

export interface Zone {
  readonly name: string;
  /** The subnet's CIDR in this zone, where known. */
  readonly cidr?: string;
}

/**
 * Desired capacity after the group's definition changed. A definition without DesiredCapacity (the emulator then shows
 * the minimum) leaves it and only pushes it into the new bounds, as AWS does.
 */
export function nextDesired(current: number | undefined, before: GroupSpec | undefined, now: GroupSpec): number {
  if (current === undefined || before === undefined) return now.declaredDesired;
  const explicit = now.declaredDesired !== before.declaredDesired && now.declaredDesired !== now.min;
  return Math.min(now.max, Math.max(now.min, explicit ? now.declaredDesired : current));
}

export interface ScalingDecision {
  /** Zone of each machine to launch. */
  readonly launch: readonly Zone[];
  /** Zone of one machine more, for the balance of the zones: the fullest zone loses one once this one is in service. */
  readonly rebalance?: Zone;
  readonly terminate: readonly { readonly id: string; readonly reason: string }[];
}

/** What a group meets. */
export interface ScalingSituation {
  readonly suspended: ReadonlySet<string>;
  /** Whether a zone (by name) can't start machines. */
  readonly down: (zone: string) => boolean;
  /** Whether the group has been out of balance long enough. */
  readonly balances: boolean;
}

/**
 * What a group does now. Launches go to the zone with the fewest machines; scaling in takes the zone with the most, there
 * the oldest launch template version, then the oldest machine (the default termination policy). Suspended processes
 * (`Launch`, `Terminate`, `ReplaceUnhealthy`, `AZRebalance`) do nothing.
 */
export function decideScaling(
  spec: GroupSpec,
  desired: number,
  machines: readonly Readonly<Machine>[],
  { suspended, down, balances }: ScalingSituation,
): ScalingDecision {
  const live = machines.filter((machine) => !isLeaving(machine.state));
  const unhealthy =
    suspended.has('ReplaceUnhealthy') || suspended.has('Terminate') ? [] : live.filter((machine) => machine.health === 'Unhealthy');
  const left = live.filter((machine) => !unhealthy.includes(machine));
  // A machine that comes for the balance is one more until it is in service.
  const wanted = desired + left.filter((machine) => machine.rebalances === true && machine.state !== 'InService').length;
  const surplus = suspended.has('Terminate') ? [] : pickSurplus(left, left.length - wanted);
  const zones = spec.zones.filter((zone) => !down(zone.name));
  const steady = left.length === desired && unhealthy.length === 0 && left.every((machine) => machine.state === 'InService');
  const rebalance =
    steady && balances && !['AZRebalance', 'Launch', 'Terminate'].some((name) => suspended.has(name)) && isUnbalanced(zones, left)
      ? pickZones(zones, left, 1)[0]
      : undefined;
  return {
    launch: suspended.has('Launch') ? [] : pickZones(zones, left, wanted - left.length),
    ...(rebalance === undefined ? {} : { rebalance }),
    terminate: [
      ...unhealthy.map((machine) => ({ id: machine.id, reason: 'failed its health check' })),
      ...surplus.map((machine) => ({ id: machine.id, reason: `group shrinks to ${wanted}` })),
    ],
  };
}

/** Whether one zone has at least two live machines more than another. */
export function isUnbalanced(zones: readonly Zone[], machines: readonly Readonly<Machine>[]): boolean {
  const live = machines.filter((machine) => !isLeaving(machine.state));
  const counts = zones.map((zone) => live.filter((machine) => machine.zone === zone.name).length);
  return Math.max(0, ...counts) - Math.min(...counts) > 1;
}

function pickZones(zones: readonly Zone[], live: readonly Readonly<Machine>[], count: number): Zone[] {
  const load = new Map(zones.map((zone) => [zone, live.filter((machine) => machine.zone === zone.name).length]));
  const picked: Zone[] = [];
  while (picked.length < count && load.size > 0) {
    const [zone, machines] = [...load].reduce((least, entry) => (entry[1] < least[1] ? entry : least));
    picked.push(zone);
    load.set(zone, machines + 1);
  }
  return picked;
}

function pickSurplus(live: readonly Readonly<Machine>[], count: number): Readonly<Machine>[] {
  const left = [...live];
  const picked: Readonly<Machine>[] = [];
  while (picked.length < count && left.length > 0) {
    const perZone = (zone: string): number => left.filter((machine) => machine.zone === zone).length;
    const byRank = (a: Readonly<Machine>, b: Readonly<Machine>): number =>
      perZone(b.zone) - perZone(a.zone) || Number(a.launchTemplateVersion) - Number(b.launchTemplateVersion) || a.sequence - b.sequence;
    const next = left.toSorted(byRank)[0];
    if (next === undefined) break;
    picked.push(next);
    left.splice(left.indexOf(next), 1);
  }
  return picked;
}
