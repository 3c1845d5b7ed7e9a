import type { Pod } from '../../model/kubernetes.ts';
import { isTerminating } from './pods.ts';

/** How long the operator tries to move a primary before it gives up (its `master_pod_move_timeout`). */
export const POSTGRES_SECONDS = 20 * 60;

/**
 * Pods that are not evicted yet: postgres-operator moves a primary away by itself once its node is cordoned and no longer
 * labelled `ready`. While one is here its whole kind stays, for the operator needs the replicas; after the deadline all go.
 */
export function heldForOperator(pods: readonly Pod[], since: Date, now: Date): Pod[] {
  if (now.getTime() - since.getTime() >= POSTGRES_SECONDS * 1000) return [];
  return pods.some((pod) => isPrimary(pod) && !isTerminating(pod)) ? pods.filter(isSpilo) : [];
}

function isPrimary(pod: Pod): boolean {
  const role = pod.metadata.labels['spilo-role'];
  return isSpilo(pod) && (role === 'master' || role === 'primary');
}

function isSpilo({ metadata }: Pod): boolean {
  return metadata.labels['application'] === 'spilo';
}
