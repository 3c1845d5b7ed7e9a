import type { Pod } from '../../model/kubernetes.ts';

const SHOWN = 3;
/** Beyond a pod's own grace period, until it counts as overdue: the kubelet has to tell that it is gone. */
const HEADROOM_SECONDS = 30;

/** DaemonSet and mirror pods end with their node; finished ones hold nothing. */
export function mustLeave(pod: Pod): boolean {
  if (isFinished(pod)) return false;
  if (pod.metadata.annotations['kubernetes.io/config.mirror'] !== undefined) return false;
  return controllerOf(pod)?.kind !== 'DaemonSet';
}

export function isFinished({ status }: Pod): boolean {
  return status.phase === 'Succeeded' || status.phase === 'Failed';
}

/** Deleted, and not gone yet. */
export function isTerminating({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** Deleted, and still there although its grace period (which the API adds to the time of deletion) and 30 s are over. */
export function isOverdue({ metadata }: Pod, now: Date): boolean {
  const due = Date.parse(metadata.deletionTimestamp ?? '');
  return !Number.isNaN(due) && now.getTime() > due + HEADROOM_SECONDS * 1000;
}

export function isPodReady({ status }: Pod): boolean {
  return status.conditions.some(({ type, status: value }) => type === 'Ready' && value === 'True');
}

export function controllerOf({ metadata }: Pod): Pod['metadata']['ownerReferences'][number] | undefined {
  return metadata.ownerReferences.find(({ controller }) => controller === true);
}

export function nameOf({ metadata }: Pod): string {
  return `${metadata.namespace}/${metadata.name}`;
}

export function namesOf(pods: readonly Pod[]): string {
  const names = pods.slice(0, SHOWN).map(nameOf);
  return pods.length > SHOWN ? `${names.join(', ')} and ${pods.length - SHOWN} more` : names.join(', ');
}
