import type { Pod, PodDisruptionBudget, Selector } from '../../model/kubernetes.ts';
import { controllerOf, isFinished } from './pods.ts';

/** Budgets of a pod's namespace that select it. */
export function budgetsOf({ metadata }: Pod, budgets: readonly PodDisruptionBudget[]): PodDisruptionBudget[] {
  return budgets.filter(
    (budget) =>
      budget.metadata.namespace === metadata.namespace &&
      budget.spec.selector !== undefined &&
      selects(budget.spec.selector, metadata.labels),
  );
}

/** Other pods that the same budgets count. Pods of jobs and finished ones are none: they come and go by themselves. */
export function siblingsOf(pod: Pod, pods: readonly Pod[], budgets: readonly PodDisruptionBudget[]): Pod[] {
  const own = budgetsOf(pod, budgets);
  return pods.filter(
    (other) =>
      other.metadata.namespace === pod.metadata.namespace &&
      other.metadata.name !== pod.metadata.name &&
      !isFinished(other) &&
      controllerOf(other)?.kind !== 'Job' &&
      budgetsOf(other, own).length > 0,
  );
}

/** By the rules of labels.Selector; an empty selector selects everything, an unknown operator nothing. */
export function selects({ matchLabels, matchExpressions }: Selector, labels: Readonly<Record<string, string>>): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values }) => {
      const value = labels[key];
      if (operator === 'In') return value !== undefined && values.includes(value);
      if (operator === 'NotIn') return value === undefined || !values.includes(value);
      if (operator === 'Exists') return value !== undefined;
      return operator === 'DoesNotExist' && value === undefined;
    })
  );
}
