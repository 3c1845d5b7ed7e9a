import { type PodTemplate, podTemplates, replicasOf } from './pods.ts';
import { FAILS, type Policy, WARNS } from './policy.ts';
import type { PolicyObject } from './subject.ts';
import { entriesAt, textAt, valueAt } from './values.ts';

export const blockedDrains: Policy = {
  id: 'blocked-drain',
  title: 'Each PodDisruptionBudget allows a disruption',
  why: 'a budget that never allows one stops the drain of a node until it is forced, in production after hours.',
  fix: 'set `maxUnavailable` to 1 or more, or `minAvailable` below the number of replicas; run two replicas or more.',
  levels: FAILS,
  check: ({ objects }) => {
    const pods = podTemplates(objects);
    return budgets(objects).flatMap((budget) => {
      const most = textAt(budget.manifest, ['spec', 'maxUnavailable']);
      if (most === '0' || most === '0%')
        return [budget.violation(['spec', 'maxUnavailable'], `maxUnavailable ${most} never lets a node be drained. Allow 1.`)];
      const least = textAt(budget.manifest, ['spec', 'minAvailable']);
      if (least === '100%') return [budget.violation(['spec', 'minAvailable'], 'minAvailable 100% never lets a node be drained.')];
      if (least === undefined || !/^\d+$/.test(least)) return [];
      return workloadsOf(budget, pods).flatMap((workload) => {
        const replicas = replicasOf(workload);
        if (replicas === undefined || replicas === 0 || replicas > Number(least)) return [];
        const message = `minAvailable ${least} of the ${replicas} of ${workload.name} never lets a node be drained. Keep one more, or lower it.`;
        return [budget.violation(['spec', 'minAvailable'], message)];
      });
    });
  },
};

export const missingBudgets: Policy = {
  id: 'disruption-budget',
  title: 'What has several replicas has a PodDisruptionBudget',
  why: 'without one a roll may take all replicas at once, for they may stand on the nodes that are drained together.',
  fix: 'add a PodDisruptionBudget with `maxUnavailable: 1` that selects the pods.',
  levels: WARNS,
  check: ({ objects, objectsAreRead }) => {
    if (!objectsAreRead) return [];
    const pods = podTemplates(objects);
    const covered = new Set(budgets(objects).flatMap((budget) => workloadsOf(budget, pods).map(({ name }) => name)));
    return objects
      .filter((object) => (replicasOf(object) ?? 0) > 1 && !covered.has(object.name))
      .map((object) => object.violation(['metadata', 'name'], 'no PodDisruptionBudget selects its pods. Add one with maxUnavailable: 1.'));
  },
};

function budgets(objects: readonly PolicyObject[]): PolicyObject[] {
  return objects.filter(({ manifest }) => manifest.kind === 'PodDisruptionBudget');
}

/** Workloads of the namespace whose pods have all labels of the budget; expressions select nothing here. */
function workloadsOf(budget: PolicyObject, pods: readonly PodTemplate[]): PolicyObject[] {
  const labels = entriesAt(budget.manifest, ['spec', 'selector', 'matchLabels']);
  if (labels.length === 0) return [];
  return pods
    .filter(({ object }) => object.manifest.metadata.namespace === budget.manifest.metadata.namespace)
    .filter(({ object, metadataPath }) =>
      labels.every(([key, value]) => valueAt(object.manifest, [...metadataPath, 'labels', key]) === value),
    )
    .map(({ object }) => object);
}
