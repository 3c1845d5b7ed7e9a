import * as z from 'zod';
import { enforceDeadline, paced } from '#domain/pace.ts';
import { type ControlPlaneAction, decideControlPlane } from '#domain/roll-control-plane.ts';
import { Timestamp } from '#model/primitives.ts';
import { advanced, waiting } from '#model/progress.ts';
import type { Instances } from '#ports/instances.ts';
import { defineStep } from '#ports/step.ts';
import { Awaiting, beganAt, ClusterAndRender, type ClusterPorts, readRender } from './ports.ts';

/** New connections per look: with two instances behind the load balancer all meet the same one in 1 of 128 looks. */
const PROBES = 8;
const Output = Awaiting.extend({ inServiceSince: Timestamp.nullable() });

/** Brings the control plane to its current launch template version, one instance more at a time, and waits for the API. */
export const rollControlPlane = defineStep({
  name: 'roll-control-plane',
  input: ClusterAndRender.extend({ deadlineMinutes: z.number().positive().default(15), rollControlPlane: Output.optional() }),
  output: Output,
  async run(input, ports: ClusterPorts) {
    const now = ports.clock.now();
    const previous = input.rollControlPlane;
    const since = beganAt(previous, now);
    const { versions } = await readRender(input, ports.objects);
    const kubernetes = await ports.kubernetes(input.cluster);
    const group = await ports.instances.group(input.cluster.name, 'control-plane');
    const probes = await Promise.all(Array.from({ length: PROBES }, () => kubernetes.probe()));
    const inServiceSince = previous?.inServiceSince == null ? undefined : new Date(previous.inServiceSince);
    const decision = decideControlPlane({ group, probes, version: versions.kubernetes, inServiceSince, now });
    const kept = { since: since.toISOString(), inServiceSince: decision.inService ? (inServiceSince ?? now).toISOString() : null };
    if (decision.done) return { ...advanced(decision.reason), ...kept };
    enforceDeadline('the control plane', since, now, input.deadlineMinutes, decision.reason);
    if (decision.action !== undefined) await act(decision.action, ports.instances);
    return { ...waiting(paced(since, now), decision.reason), ...kept };
  },
});

async function act(action: ControlPlaneAction, instances: Instances): Promise<void> {
  if (action.type === 'set-desired') await instances.setDesiredCapacity(action.group, action.desired);
  else await instances.terminate(action.instance, true);
}
