import type { Node } from '../../model/kubernetes.ts';
import type { InstanceGroup, ZonedGroup } from '../../ports/instances.ts';
import { byGeneration } from '../instances.ts';

/** The kubelet's own default. */
const PODS_A_NODE = 110;

export interface Counts {
  readonly rolled: number;
  readonly remaining: number;
}

/** Live instances of the current version and of earlier ones. */
export function countOf(groups: readonly InstanceGroup[]): Counts {
  const generations = groups.map(byGeneration);
  return {
    rolled: generations.reduce((sum, { fresh }) => sum + fresh.length, 0),
    remaining: generations.reduce((sum, { old }) => sum + old.length, 0),
  };
}

/**
 * Nodes that free addresses suffice for, whichever of the groups they are added to: each takes one for itself and one for every
 * pod that it may hold, all from one subnet. What is left over in one subnet is of no use to a node in another.
 * @param addresses free ones of each subnet; undefined when nobody could tell
 * @param groups those that may get nodes
 */
export function roomOf(
  addresses: ReadonlyMap<string, number> | undefined,
  groups: readonly Pick<ZonedGroup, 'subnets'>[],
  nodes: readonly Node[],
): number | undefined {
  if (addresses === undefined || groups.length === 0) return undefined;
  const pods = nodes.map(({ status }) => Number.parseInt(status.allocatable?.pods ?? '', 10)).filter((count) => count > 0);
  const each = 1 + (pods.length === 0 ? PODS_A_NODE : Math.max(...pods));
  const rooms = groups.map(({ subnets }) => subnets.reduce((sum, subnet) => sum + Math.floor((addresses.get(subnet) ?? 0) / each), 0));
  return Math.min(...rooms);
}
