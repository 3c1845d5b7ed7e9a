import type { Manifest } from '../model/render.ts';

/** Kinds by what must be there before them; what isn't named is a workload. */
const RANKS: readonly (readonly string[])[] = [
  ['Namespace'],
  ['CustomResourceDefinition'],
  [
    'PriorityClass',
    'RuntimeClass',
    'StorageClass',
    'VolumeSnapshotClass',
    'CSIDriver',
    'IngressClass',
    'ResourceQuota',
    'LimitRange',
    'NetworkPolicy',
    'PodDisruptionBudget',
    'ValidatingAdmissionPolicy',
    'ValidatingAdmissionPolicyBinding',
  ],
  ['ServiceAccount', 'Role', 'ClusterRole'],
  ['RoleBinding', 'ClusterRoleBinding'],
  ['ConfigMap', 'Secret', 'PersistentVolume', 'PersistentVolumeClaim'],
];
const WORKLOADS = RANKS.length;
/** They call workloads on every request: before those run they would refuse everything. */
const LAST = new Set(['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration', 'APIService']);

/** Whether objects of this kind wait until the workloads of their phase run. */
export function isLast(kind: string): boolean {
  return LAST.has(kind);
}

/** Rank of a kind: objects of a lower rank are applied first. */
export function applyRank(kind: string): number {
  if (LAST.has(kind)) return WORKLOADS + 1;
  const rank = RANKS.findIndex((kinds) => kinds.includes(kind));
  return rank === -1 ? WORKLOADS : rank;
}

/** Objects in groups of equal rank, in order; within a group the given order is kept. */
export function inApplyOrder(objects: readonly Manifest[]): Manifest[][] {
  const groups = new Map<number, Manifest[]>();
  for (const object of objects) {
    const rank = applyRank(object.kind);
    groups.set(rank, [...(groups.get(rank) ?? []), object]);
  }
  return [...groups].sort(([left], [right]) => left - right).map(([, group]) => group);
}
