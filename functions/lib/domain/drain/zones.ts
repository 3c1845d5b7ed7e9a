import type { Node } from '../../model/kubernetes.ts';
import { instanceOf, isLive } from '../instances.ts';
import { isReady } from './marks.ts';
import type { Member, PoolView, RollFacts } from './view.ts';

/** Where nodes may be begun now: in one zone, or why in none. */
export type ZoneChoice = { readonly zone: string } | { readonly zone: undefined; readonly reason: string };

/** Zones in which a node is being drained. */
export function busyZones(views: readonly PoolView[]): Set<string> {
  return new Set(views.flatMap(({ members }) => members.filter(({ drain }) => drain !== undefined).map(({ instance }) => instance.zone)));
}

/**
 * Zones in which something is not Ready, each with its name: nodes of the cluster but those that are on their way out or
 * being drained, and new instances that have not joined yet.
 */
export function sickZones(views: readonly PoolView[], nodes: readonly Node[]): Map<string, string> {
  const instances = new Map(views.flatMap(({ group }) => group.instances.map((instance) => [instance.id, instance] as const)));
  const draining = new Set(views.flatMap(({ members }) => members.flatMap(({ drain, node }) => (drain === undefined ? [] : node))));
  const sick = new Map<string, string>();
  for (const node of nodes) {
    const instance = instances.get(instanceOf(node.spec.providerID));
    if (isReady(node) || draining.has(node) || (instance !== undefined && !isLive(instance))) continue;
    sick.set(instance?.zone ?? zoneOf(node), `node ${node.metadata.name}`);
  }
  for (const { booting } of views) for (const { id, zone } of booting) if (!sick.has(zone)) sick.set(zone, `instance ${id}`);
  return sick;
}

function zoneOf({ metadata, spec }: Node): string {
  return metadata.labels['topology.kubernetes.io/zone'] ?? spec.providerID.split('/').at(-2) ?? '';
}

/**
 * The one zone in which nodes may be begun: never a second zone while nodes of one are being drained, and none while
 * something in another zone is not Ready.
 * @param able those of the pools that could begin a node now
 */
export function chooseZone(views: readonly PoolView[], able: readonly PoolView[], { nodes }: Pick<RollFacts, 'nodes'>): ZoneChoice {
  const busy = busyZones(views);
  const sick = sickZones(views, nodes);
  const zones = able.flatMap(({ leaving }) => leaving.filter(({ drain }) => drain === undefined).map(({ instance }) => instance.zone));
  const open = new Set(zones.filter((zone) => isOpen(zone, sick)));
  if (open.size === 0) return { zone: undefined, reason: `waiting until ${[...sick.values()].join(', ')} is Ready` };
  const wanted = able.flatMap((view) => [...preferredZones(view, open)]);
  const possible = [...open].filter((zone) => busy.size === 0 || (busy.size === 1 && busy.has(zone)));
  const votes = (zone: string): number => wanted.filter((one) => one === zone).length;
  const zone = possible.filter((one) => votes(one) > 0).sort((left, right) => votes(right) - votes(left) || left.localeCompare(right))[0];
  return zone === undefined ? { zone, reason: `nodes in ${[...busy].sort().join(', ')} are being drained` } : { zone };
}

function isOpen(zone: string, sick: ReadonlyMap<string, string>): boolean {
  return sick.size === 0 || (sick.size === 1 && sick.has(zone));
}

/**
 * Zones in which a pool would begin next, of those that are open. Where nodes are matched: zones that have a new node
 * already, if any has. Then those with fewest instances, so that the zone with the instance that came in addition is the
 * last one and the group ends balanced; then those with most nodes to replace.
 */
export function preferredZones(view: PoolView, open: ReadonlySet<string>): Set<string> {
  const waiting = view.leaving.filter(({ drain, instance }) => drain === undefined && open.has(instance.zone));
  const zones = [...new Set(waiting.map(({ instance }) => instance.zone))];
  const matching = view.matched ? zones.filter((zone) => hasMatch(view, zone)) : [];
  const candidates = matching.length > 0 ? matching : zones;
  const fewest = least(candidates, (zone) => view.zones.get(zone) ?? 0);
  return new Set(least(fewest, (zone) => -waiting.filter(({ instance }) => instance.zone === zone).length));
}

function least(zones: readonly string[], weight: (zone: string) => number): string[] {
  const lowest = Math.min(...zones.map(weight));
  return zones.filter((zone) => weight(zone) === lowest);
}

/** A new node of the pool in that zone that takes pods. */
export function hasMatch({ members }: Pick<PoolView, 'members'>, zone: string): boolean {
  return members.some((member) => !member.old && member.drain === undefined && member.instance.zone === zone && takesPods(member));
}

/** One that its group calls unhealthy is ended by it at any time: nobody counts on it. */
export function takesPods({ node, instance }: Pick<Member, 'node' | 'instance'>): boolean {
  return isReady(node) && !node.spec.unschedulable && isLive(instance) && instance.healthStatus === 'Healthy';
}
