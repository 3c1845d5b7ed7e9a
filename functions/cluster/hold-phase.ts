import type { MovePhase } from '#domain/phase-move.ts';
import type { Phase } from '#model/configuration.ts';
import type { applyComponents } from './apply-components.ts';
import { holdMove } from './hold-move.ts';
import { readRender } from './ports.ts';

/** Each phase of components stands right before what the update changes next: control plane, nodes, workloads. */
const NEXT: Readonly<Record<Phase, MovePhase>> = { 'before-control-plane': 'control-plane', system: 'nodes', workloads: 'workloads' };

/** `apply-components`, but that the cluster itself is asked first whether the phase may begin. @throws GateClosedError */
export function withPhaseHeld(step: typeof applyComponents): typeof applyComponents {
  return {
    ...step,
    async run(input, ports, context) {
      await holdMove(NEXT[input.phase], await readRender(input, ports.objects), await ports.kubernetes(input.cluster));
      return step.run(input, ports, context);
    },
  };
}
