import type { Node } from '../model/kubernetes.ts';
import type { InstanceGroup } from '../ports/instances.ts';
import { isReady } from './drain/marks.ts';
import { byGeneration, instanceOf, isLive } from './instances.ts';

export interface PoolStatus {
  /** Instances of the current version whose node is Ready and runs the wanted kubelet. */
  readonly good: number;
  /** Live instances of an earlier version. */
  readonly old: number;
  /** Why others are not good, for people. */
  readonly problems: readonly string[];
}

/** @param kubelet the wanted version, for example `1.36.3` */
export function poolStatus(group: InstanceGroup, nodes: readonly Node[], kubelet: string): PoolStatus {
  const nodeOf = new Map(nodes.map((node) => [instanceOf(node.spec.providerID), node]));
  const problems: string[] = [];
  let good = 0;
  const { old, fresh } = byGeneration(group);
  for (const instance of fresh) {
    const problem = problemOf(nodeOf.get(instance.id), kubelet);
    if (problem === undefined) good++;
    else problems.push(`${instance.id} (${instance.lifecycleState}): ${problem}`);
  }
  return { good, old: old.length, problems };
}

function problemOf(node: Node | undefined, kubelet: string): string | undefined {
  if (node === undefined) return 'has not joined';
  const { name } = node.metadata;
  const condition = node.status.conditions.find(({ type }) => type === 'Ready');
  if (!isReady(node)) return `node ${name} is not Ready: ${condition?.message ?? condition?.reason ?? 'no status yet'}`;
  const version = node.status.nodeInfo?.kubeletVersion ?? '';
  return version === `v${kubelet}` ? undefined : `node ${name} runs kubelet ${version}, not v${kubelet}`;
}

/** Nodes that are not Ready, without those whose instance is on its way out. */
export function unreadyNodes(nodes: readonly Node[], groups: readonly InstanceGroup[]): string[] {
  const leaving = new Set(groups.flatMap(({ instances }) => instances.filter((instance) => !isLive(instance)).map(({ id }) => id)));
  return nodes.filter((node) => !isReady(node) && !leaving.has(instanceOf(node.spec.providerID))).map(({ metadata }) => metadata.name);
}
