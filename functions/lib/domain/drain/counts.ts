import type { Node } from '../../model/kubernetes.ts';
import type { InstanceGroup } from '../../ports/instances.ts';
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

/** Nodes that free addresses suffice for: each takes one for itself and one for every pod that it may hold. */
export function roomOf(addresses: number | undefined, nodes: readonly Node[]): number | undefined {
  if (addresses === undefined) return undefined;
  const pods = nodes.map(({ status }) => Number.parseInt(status.allocatable?.pods ?? '', 10)).filter((count) => count > 0);
  return Math.floor(addresses / (1 + (pods.length === 0 ? PODS_A_NODE : Math.max(...pods))));
}
