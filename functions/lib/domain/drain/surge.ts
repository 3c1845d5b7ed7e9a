import type { ZonedGroup } from '../../ports/instances.ts';
import type { PoolView, RollPool } from './view.ts';

/**
 * How many instances a pool's roll may add: the pool's percentage of its size, at least one, within the group's maximum.
 * Where nodes are matched by zone it is rounded up to the same number in each zone, since a group fills its zones evenly.
 */
export function surgeOf(pool: RollPool, base: number, group: Pick<ZonedGroup, 'max' | 'zones'>, matched: boolean): number {
  const plain = Math.max(1, Math.ceil((base * pool.surgePercent) / 100));
  const zones = Math.max(1, group.zones.length);
  const wanted = matched ? Math.ceil(plain / zones) * zones : plain;
  return Math.max(0, Math.min(wanted, group.max - base));
}

/**
 * The group's next desired capacity, above the present one; undefined when none is to be added now.
 * @param unmatched nodes wait for a new one in their zone: then all that may be added is
 * @param room instances that there are addresses for; undefined counts as one at a time
 */
export function raiseTo(view: PoolView, unmatched: boolean, room: number | undefined): number | undefined {
  const { group, rolling, remaining } = view;
  if (rolling === undefined || remaining === 0) return undefined;
  const needed = unmatched
    ? rolling.surge
    : Math.min(remaining, Math.ceil((rolling.surge * openZones(view)) / Math.max(1, view.zones.size)));
  const missing = rolling.base + needed - group.desired;
  // Nobody can tell how many addresses are free: the next instance is asked for when the one before has joined.
  const coming = view.booting.length > 0 || group.desired > total(view.zones);
  const added = Math.min(missing, room ?? (coming ? 0 : 1));
  return added <= 0 ? undefined : group.desired + added;
}

/** Zones with more nodes to replace than the instances that they have in addition: those need no others. */
function openZones(view: PoolView): number {
  const share = sharesOf(view);
  return [...view.zones].filter(([zone, live]) => leavingIn(view, zone) > Math.max(0, live - (share.get(zone) ?? 0))).length;
}

/**
 * Whether the group shrinks by one as an instance ends, instead of replacing it: where its zone has as many in addition as
 * there are still to be ended. Everywhere else the group fills the zone up again, for that is the one with fewest then; what
 * is too much at the end is ended in the zone that has most. So a group ends as evenly spread as it began.
 */
export function shrinksBy(view: PoolView, zone: string): boolean {
  const { group, rolling, leaving, zones } = view;
  if (rolling === undefined || group.desired - 1 < Math.max(group.min, rolling.base)) return false;
  if (leaving.length > 0 && leaving.every((member) => !member.old)) return true;
  return leavingIn(view, zone) <= (zones.get(zone) ?? 0) - (sharesOf(view).get(zone) ?? 0);
}

/** What each zone has of the size to end with; those that have most get what does not divide, first those that are done. */
function sharesOf(view: PoolView): Map<string, number> {
  const { rolling, zones } = view;
  const base = rolling?.base ?? 0;
  const even = Math.floor(base / Math.max(1, zones.size));
  const order = [...zones].sort(
    ([left, more], [right, less]) => less - more || leavingIn(view, left) - leavingIn(view, right) || left.localeCompare(right),
  );
  return new Map(order.map(([zone], index) => [zone, even + (index < base - even * zones.size ? 1 : 0)]));
}

function leavingIn({ leaving, unjoined }: PoolView, zone: string): number {
  return [...leaving.map(({ instance }) => instance), ...unjoined].filter((instance) => instance.zone === zone).length;
}

function total(zones: ReadonlyMap<string, number>): number {
  return [...zones.values()].reduce((sum, count) => sum + count, 0);
}
