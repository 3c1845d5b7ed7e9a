import * as z from 'zod';
import { isLast } from '#domain/apply-order.ts';
import { readInventory, withComponents } from '#domain/inventory.ts';
import { withOwner } from '#domain/owner.ts';
import { enforceDeadline, paced } from '#domain/pace.ts';
import { Phase } from '#model/configuration.ts';
import { BlockedError } from '#model/errors.ts';
import { advanced, waiting } from '#model/progress.ts';
import type { Manifest, RenderedComponent } from '#model/render.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';
import { defineStep } from '#ports/step.ts';
import { applyInOrder } from './apply-components.ts';
import { openInventory } from './inventory-object.ts';
import { Awaiting, beganAt, type ClusterPorts, componentsOf, readRender, WithPhase } from './ports.ts';
import { workloadStates } from './workload-states.ts';

const SHOWN = 5;
const Output = Awaiting.extend({ phase: Phase });

/**
 * Waits until each Deployment, StatefulSet and DaemonSet of a phase runs what was applied; says what is stuck, why and whose
 * it is. Then it applies what calls them, webhooks and API services, which would refuse everything before.
 */
export const awaitWorkloads = defineStep({
  name: 'await-workloads',
  input: WithPhase.extend({ deadlineMinutes: z.number().positive().default(20), awaitWorkloads: Output.optional() }),
  output: Output,
  async run(input, ports: ClusterPorts) {
    const now = ports.clock.now();
    const since = beganAt(input.awaitWorkloads?.phase === input.phase ? input.awaitWorkloads : undefined, now);
    const components = componentsOf(await readRender(input, ports.objects), input.phase);
    const kubernetes = await ports.kubernetes(input.cluster);
    const kept = { since: since.toISOString(), phase: input.phase };
    const wait = (reason: string) => {
      enforceDeadline(`phase ${input.phase}`, since, now, input.deadlineMinutes, reason);
      return { ...waiting(paced(since, now), reason), ...kept };
    };
    const objects = components.flatMap((component) => component.objects);
    const states = await workloadStates(objects, kubernetes);
    const unready = states.filter(({ status }) => !status.ready);
    if (unready.length > 0) return wait(`${unready.length} of ${states.length} workloads are not ready: ${causes(unready, components)}`);
    const blocked = await applyLast(objects, kubernetes, ports);
    if (blocked !== undefined) return wait(blocked);
    return { ...advanced(`all ${states.length} workloads of phase ${input.phase} are ready`), ...kept };
  },
});

function causes(unready: Awaited<ReturnType<typeof workloadStates>>, components: readonly RenderedComponent[]): string {
  const inventory = withComponents(readInventory({}), components);
  return unready
    .slice(0, SHOWN)
    .map(({ object, status }) => `${withOwner(object, inventory)}: ${status.reason}`)
    .join(' | ');
}

/** Why what comes last can't be applied now; undefined when it is. @throws RefusedError */
async function applyLast(objects: readonly Manifest[], kubernetes: Kubernetes, ports: ClusterPorts): Promise<string | undefined> {
  const last = objects.filter(({ kind }) => isLast(kind));
  if (last.length === 0) return undefined;
  try {
    await applyInOrder(last, { kubernetes, store: await openInventory(kubernetes), ports });
    return undefined;
  } catch (error) {
    if (error instanceof BlockedError) return error.message;
    throw error;
  }
}
