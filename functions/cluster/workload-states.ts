import { idOf } from '#domain/inventory.ts';
import { shortId } from '#domain/owner.ts';
import { type RolloutStatus, rolloutStatus, WORKLOAD_KINDS } from '#domain/workload-status.ts';
import { Pod, WarningEvent, Workload } from '#model/kubernetes.ts';
import type { Manifest } from '#model/render.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';

export interface WorkloadState {
  readonly object: Manifest;
  /** For example `Deployment kube-system/coredns`. */
  readonly name: string;
  readonly status: RolloutStatus;
  readonly uid: string;
}

/** State of each workload among the objects; pods and warnings are read only for namespaces where something is not ready. */
export async function workloadStates(objects: readonly Manifest[], kubernetes: Kubernetes): Promise<WorkloadState[]> {
  const workloads = objects.filter(({ kind }) => WORKLOAD_KINDS.has(kind));
  const live = await kubernetes.getAll(workloads.map(idOf));
  const causesIn = new Map<string, Promise<Causes>>();
  return Promise.all(
    workloads.map(async (object, index) => {
      const name = shortId(object);
      const found = live[index];
      if (found === undefined) return { object, name, uid: '', status: { ready: false, reason: 'it is not there' } };
      const workload = Workload.parse(found);
      const { namespace, uid } = workload.metadata;
      const quick = rolloutStatus(workload, []);
      if (quick.ready) return { object, name, uid, status: quick };
      const reading = causesIn.get(namespace) ?? causes(namespace, kubernetes);
      causesIn.set(namespace, reading);
      const { pods, events } = await reading;
      return { object, name, uid, status: rolloutStatus(workload, pods, events) };
    }),
  );
}

interface Causes {
  readonly pods: readonly Pod[];
  /** The newest last. */
  readonly events: readonly WarningEvent[];
}

async function causes(namespace: string, kubernetes: Kubernetes): Promise<Causes> {
  const [pods, events] = await Promise.all([
    kubernetes.list('v1', 'Pod', namespace),
    kubernetes.list('v1', 'Event', namespace, 'type=Warning'),
  ]);
  const at = ({ lastTimestamp, eventTime }: WarningEvent): string => lastTimestamp ?? eventTime ?? '';
  const sorted = events.map((event) => WarningEvent.parse(event)).sort((left, right) => (at(left) < at(right) ? -1 : 1));
  return { pods: pods.map((pod) => Pod.parse(pod)), events: sorted };
}
