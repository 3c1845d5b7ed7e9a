import type { Condition, Pod, WarningEvent, Workload } from '../model/kubernetes.ts';

/** Why a rollout does not get on. */
export type StuckCause = 'image' | 'crash' | 'configuration' | 'quota' | 'admission' | 'scheduling' | 'volume' | 'probe' | 'termination';

export interface RolloutStatus {
  readonly ready: boolean;
  /** For people: what is missing, and where it is known the cause, for example the server's words. */
  readonly reason: string;
  readonly cause?: StuckCause;
  /** Of a DaemonSet: nodes on which it does not run as it should. */
  readonly missing?: number;
}

/** Kinds that have a rollout. */
export const WORKLOAD_KINDS: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'DaemonSet']);

/**
 * Whether a workload runs what its spec says, by the rules of `kubectl rollout status`, and if not, why.
 * @param pods of its namespace; those of its selector count
 * @param events warnings of its namespace: what a StatefulSet or DaemonSet can't create is told nowhere else
 */
export function rolloutStatus(workload: Workload, pods: readonly Pod[], events: readonly WarningEvent[] = []): RolloutStatus {
  const missing = whatIsMissing(workload);
  if (missing === undefined) return { ready: true, reason: 'rolled out' };
  const own = pods.filter((pod) => belongsTo(pod, workload));
  const stuck =
    workload.status.conditions.map(stuckCondition).find((found) => found !== undefined) ??
    own.map((pod) => stuckPod(pod, events)).find((found) => found !== undefined) ??
    failedCreation(workload, events) ??
    own.map(leavingPod).find((found) => found !== undefined);
  const status = { ready: false, ...missingOn(workload) };
  return stuck === undefined ? { ...status, reason: missing } : { ...status, reason: `${missing}; ${stuck.reason}`, cause: stuck.cause };
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

function missingOn({ kind, spec, status, metadata }: Workload): Pick<RolloutStatus, 'missing'> {
  if (kind !== 'DaemonSet' || status.observedGeneration < metadata.generation) return {};
  const right =
    spec.updateStrategy?.type === 'OnDelete' ? status.numberAvailable : Math.min(status.updatedNumberScheduled, status.numberAvailable);
  return { missing: Math.max(0, status.desiredNumberScheduled - right) };
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
  return { cause: refusalOf(message), reason: message };
}

/** Why pods can't be made, by the API server's words. */
function refusalOf(message: string): StuckCause {
  if (message.includes('exceeded quota')) return 'quota';
  return /admission webhook|calling webhook|violates PodSecurity|denied request/.test(message) ? 'admission' : 'configuration';
}

/** The newest warning that pods can't be made, of the workload or of a ReplicaSet of its. */
function failedCreation({ kind, metadata }: Workload, events: readonly WarningEvent[]): Stuck | undefined {
  const failed = events.findLast(({ reason, involvedObject: { kind: of, name } }) => {
    const isOwn = of === kind ? name === metadata.name : of === 'ReplicaSet' && name.startsWith(`${metadata.name}-`);
    return reason === 'FailedCreate' && isOwn;
  });
  return failed === undefined ? undefined : { cause: refusalOf(failed.message), reason: failed.message };
}

function leavingPod({ metadata }: Pod): Stuck | undefined {
  const { name, deletionTimestamp, finalizers } = metadata;
  if (deletionTimestamp === undefined) return undefined;
  const held = finalizers.length === 0 ? '' : `, held by ${finalizers.join(', ')}`;
  return { cause: 'termination', reason: `pod ${name} is being deleted since ${deletionTimestamp}${held}` };
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

function stuckPod(pod: Pod, events: readonly WarningEvent[]): Stuck | undefined {
  return unscheduledPod(pod, events) ?? waitingContainer(pod) ?? failingProbe(pod, events);
}

function unscheduledPod({ metadata: { name }, spec, status }: Pod, events: readonly WarningEvent[]): Stuck | undefined {
  const unscheduled = status.conditions.find(
    (condition) => condition.type === 'PodScheduled' && condition.status === 'False' && condition.reason === 'Unschedulable',
  );
  if (unscheduled === undefined) return undefined;
  const message = unscheduled.message ?? 'unschedulable';
  if (!/persistentvolumeclaim/i.test(message)) return { cause: 'scheduling', reason: `pod ${name} has no node: ${message}` };
  const claims = spec.volumes.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []);
  const told = events.findLast(
    ({ involvedObject }) => involvedObject.kind === 'PersistentVolumeClaim' && claims.includes(involvedObject.name),
  );
  const why = told === undefined ? '' : `; ${told.involvedObject.name}: ${told.message}`;
  return { cause: 'volume', reason: `pod ${name} waits for its claims ${claims.join(', ')}: ${message}${why}` };
}

function waitingContainer({ metadata: { name }, status }: Pod): Stuck | undefined {
  for (const container of [...status.initContainerStatuses, ...status.containerStatuses]) {
    const waiting = container.state.waiting;
    const cause = waiting === undefined ? undefined : WAITING[waiting.reason];
    if (waiting === undefined || cause === undefined) continue;
    const message = waiting.message === '' ? '' : `: ${waiting.message}`;
    return { cause, reason: `pod ${name}, container ${container.name}: ${waiting.reason}${message}` };
  }
  return undefined;
}

function failingProbe({ metadata: { name }, status }: Pod, events: readonly WarningEvent[]): Stuck | undefined {
  const unready = status.containerStatuses.find(({ ready, state }) => !ready && state.running !== undefined);
  if (unready === undefined) return undefined;
  const told = events.findLast(({ reason, involvedObject }) => reason === 'Unhealthy' && involvedObject.name === name);
  const why = told === undefined ? '' : `: ${told.message}`;
  return { cause: 'probe', reason: `pod ${name}, container ${unready.name} runs but its readiness probe fails${why}` };
}
