import * as z from 'zod';
import { formatId, idOf } from '#domain/inventory.ts';
import { enforceDeadline, paced } from '#domain/pace.ts';
import { type RolloutStatus, rolloutStatus, WORKLOAD_KINDS } from '#domain/workload-status.ts';
import { Phase } from '#model/configuration.ts';
import { Pod, Workload } from '#model/kubernetes.ts';
import { advanced, waiting } from '#model/progress.ts';
import type { Manifest } from '#model/render.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';
import { defineStep } from '#ports/step.ts';
import { inParallel } from './apply-components.ts';
import { Awaiting, beganAt, type ClusterPorts, componentsOf, readRender, WithPhase } from './ports.ts';

const SHOWN = 5;
const Output = Awaiting.extend({ phase: Phase });

/** Waits until each Deployment, StatefulSet and DaemonSet of a phase runs what was applied; says what is stuck and why. */
export const awaitWorkloads = defineStep({
  name: 'await-workloads',
  input: WithPhase.extend({ deadlineMinutes: z.number().positive().default(20), awaitWorkloads: Output.optional() }),
  output: Output,
  async run(input, ports: ClusterPorts) {
    const now = ports.clock.now();
    const since = beganAt(input.awaitWorkloads?.phase === input.phase ? input.awaitWorkloads : undefined, now);
    const render = await readRender(input, ports.objects);
    const objects = componentsOf(render, input.phase).flatMap((component) => component.objects);
    const states = await workloadStates(objects, await ports.kubernetes(input.cluster));
    const kept = { since: since.toISOString(), phase: input.phase };
    const unready = states.filter(({ status }) => !status.ready);
    if (unready.length === 0) return { ...advanced(`all ${states.length} workloads of phase ${input.phase} are ready`), ...kept };
    const cause = unready.slice(0, SHOWN).map(({ name, status }) => `${name}: ${status.reason}`);
    const reason = `${unready.length} of ${states.length} workloads are not ready: ${cause.join(' | ')}`;
    enforceDeadline(`phase ${input.phase}`, since, now, input.deadlineMinutes, reason);
    return { ...waiting(paced(since, now), reason), ...kept };
  },
});

export interface WorkloadState {
  readonly name: string;
  readonly status: RolloutStatus;
  readonly uid: string;
}

/** State of each workload among the objects; pods are read only for namespaces where something is not ready. */
export async function workloadStates(objects: readonly Manifest[], kubernetes: Kubernetes): Promise<WorkloadState[]> {
  const workloads = objects.filter(({ kind }) => WORKLOAD_KINDS.has(kind));
  const pods = new Map<string, Promise<Pod[]>>();
  const podsOf = (namespace: string): Promise<Pod[]> => {
    const known = pods.get(namespace) ?? kubernetes.list('v1', 'Pod', namespace).then((found) => found.map((pod) => Pod.parse(pod)));
    pods.set(namespace, known);
    return known;
  };
  return inParallel(workloads, async (object) => {
    const name = formatId(idOf(object)).split(' ').slice(1).join(' ');
    const found = await kubernetes.get(idOf(object));
    if (found === undefined) return { name, uid: '', status: { ready: false, reason: 'it is not there' } };
    const workload = Workload.parse(found);
    const quick = rolloutStatus(workload, []);
    const status = quick.ready ? quick : rolloutStatus(workload, await podsOf(workload.metadata.namespace));
    return { name, uid: workload.metadata.uid, status };
  });
}
