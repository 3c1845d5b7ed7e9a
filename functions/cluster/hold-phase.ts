import * as z from 'zod';
import { formatProblems, verdictAt } from '#domain/health.ts';
import type { MovePhase } from '#domain/phase-move.ts';
import type { Phase } from '#model/configuration.ts';
import { BlockedError } from '#model/errors.ts';
import { Health } from '#model/health.ts';
import type { Render } from '#model/render.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';
import type { Step } from '#ports/step.ts';
import { applyComponents } from './apply-components.ts';
import { holdMove } from './hold-move.ts';
import { lookAtHealth } from './look-at-health.ts';
import { type ClusterPorts, readRender } from './ports.ts';

/** Each phase of components stands right before what the update changes next: control plane, nodes, workloads. */
const NEXT: Readonly<Record<Phase, MovePhase>> = { 'before-control-plane': 'control-plane', system: 'nodes', workloads: 'workloads' };

const SHOWN = 10;

/** What an update knows of the cluster before it. */
const Known = applyComponents.input.extend({
  checkHealth: z.object({ before: Health.optional() }).optional(),
  beginUpdate: z.object({ notWell: z.array(z.string()).nullish() }).optional(),
});

/**
 * `apply-components`, but that the cluster itself is asked first whether the phase may begin. And what comes before the control
 * plane, etcd included, is to be well before it is touched: that look is part of this step, for it costs no transitions.
 * @throws GateClosedError, BlockedError naming what is not well, whose it is and why
 */
export function withPhaseHeld(step: typeof applyComponents): Step<typeof Known, typeof applyComponents.output, ClusterPorts> {
  return {
    ...step,
    input: Known,
    async run(input, ports, context) {
      const kubernetes = await ports.kubernetes(input.cluster);
      const render = await readRender(input, ports.objects);
      await holdMove(NEXT[input.phase], render, kubernetes);
      const output = await step.run(input, ports, context);
      if (input.phase === 'before-control-plane') await holdUnhealthy(input, render, ports, kubernetes);
      return output;
    },
  };
}

async function holdUnhealthy(input: z.infer<typeof Known>, render: Render, ports: ClusterPorts, kubernetes: Kubernetes): Promise<void> {
  const scope = 'before-control-plane';
  const health = await lookAtHealth(input.cluster.name, render, scope, ports, kubernetes);
  const { problems } = verdictAt(health, scope, input.checkHealth?.before, input.beginUpdate?.notWell ?? undefined);
  if (problems.length > 0)
    throw new BlockedError(
      `the control plane is not touched while ${problems.length} problems are there: ${formatProblems(problems, SHOWN)}`,
    );
}
