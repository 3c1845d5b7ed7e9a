import type { Condition, Pod, Workload } from '../model/kubernetes.ts';

/** Why a rollout does not get on. */
export type StuckCause = 'image' | 'crash' | 'configuration' | 'quota' | 'scheduling' | 'probe';

export interface RolloutStatus {
  readonly ready: boolean;
  /** For people: what is missing, and where it is known the cause, for example the server's words. */
  readonly reason: string;
  readonly cause?: StuckCause;
}

/** Kinds that have a rollout. */
export const WORKLOAD_KINDS: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'DaemonSet']);

/**
 * Whether a workload runs what its spec says, by the rules of `kubectl rollout status`, and if not, why.
 * @param pods of its namespace; those of its selector count
 */
export function rolloutStatus(workload: Workload, pods: readonly Pod[]): RolloutStatus {
  const missing = whatIsMissing(workload);
  if (missing === undefined) return { ready: true, reason: 'rolled out' };
  const own = pods.filter((pod) => belongsTo(pod, workload));
  const stuck =
    workload.status.conditions.map(stuckCondition).find((found) => found !== undefined) ??
    own.map(stuckPod).find((found) => found !== undefined);
  return stuck === undefined
    ? { ready: false, reason: missing }
    : { ready: false, reason: `${missing}; ${stuck.reason}`, cause: stuck.cause };
}

function whatIsMissing({ kind, metadata, spec, status }: Workload): string | undefined {
  if (status.observedGeneration < metadata.generation) return 'its controller has not seen the change yet';
  const onDelete = spec.updateStrategy?.type === 'OnDelete';
  const [wanted, updated, available] =
    kind === 'DaemonSet'
      ? [status.desiredNumberScheduled, status.updatedNumberScheduled, status.numberAvailable]
      : [spec.replicas ?? 1, status.updatedReplicas, status.availableReplicas];
  if (updated < wanted && !onDelete) return `${updated} of ${wanted} pods are updated`;
  if (kind === 'Deployment' && status.replicas > wanted) return `${status.replicas - wanted} old pods are still there`;
  if (available < wanted) return `${available} of ${wanted} pods are available`;
  if (kind === 'StatefulSet' && wanted > 0 && !onDelete && status.currentRevision !== status.updateRevision)
    return 'the update is not finished';
  return undefined;
}

function belongsTo(pod: Pod, workload: Workload): boolean {
  const labels = Object.entries(workload.spec.selector.matchLabels);
  return (
    labels.length > 0 &&
    pod.metadata.namespace === workload.metadata.namespace &&
    labels.every(([key, value]) => pod.metadata.labels[key] === value)
  );
}

interface Stuck {
  readonly cause: StuckCause;
  readonly reason: string;
}

function stuckCondition({ type, status, message = '' }: Condition): Stuck | undefined {
  if (type !== 'ReplicaFailure' || status !== 'True') return undefined;
  return { cause: message.includes('quota') ? 'quota' : 'configuration', reason: message };
}

const WAITING: Readonly<Record<string, StuckCause>> = {
  ImagePullBackOff: 'image',
  ErrImagePull: 'image',
  InvalidImageName: 'image',
  ErrImageNeverPull: 'image',
  CrashLoopBackOff: 'crash',
  RunContainerError: 'crash',
  CreateContainerConfigError: 'configuration',
  CreateContainerError: 'configuration',
};

function stuckPod(pod: Pod): Stuck | undefined {
  const { name } = pod.metadata;
  const unscheduled = pod.status.conditions.find(
    ({ type, status, reason }) => type === 'PodScheduled' && status === 'False' && reason === 'Unschedulable',
  );
  if (unscheduled !== undefined)
    return { cause: 'scheduling', reason: `pod ${name} has no node: ${unscheduled.message ?? 'unschedulable'}` };
  for (const container of [...pod.status.initContainerStatuses, ...pod.status.containerStatuses]) {
    const waiting = container.state.waiting;
    const cause = waiting === undefined ? undefined : WAITING[waiting.reason];
    if (waiting !== undefined && cause !== undefined)
      return {
        cause,
        reason: `pod ${name}, container ${container.name}: ${waiting.reason}${waiting.message === '' ? '' : `: ${waiting.message}`}`,
      };
  }
  const unready = pod.status.containerStatuses.find(({ ready, state }) => !ready && state.running !== undefined);
  if (unready !== undefined) return { cause: 'probe', reason: `pod ${name}, container ${unready.name} runs but its readiness probe fails` };
  return undefined;
}
