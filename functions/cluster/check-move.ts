import * as z from 'zod';
import { ClusterUnreachableError, NotFoundError } from '#model/errors.ts';
import { defineStep } from '#ports/step.ts';
import { holdMove } from './hold-move.ts';
import { ClusterAndRender, type ClusterPorts, readRender } from './ports.ts';

/**
 * Asks the cluster itself, right before the first change, whether it may go to the render. One that can't be reached is decided
 * by its records: an update may be what mends it. @throws GateClosedError naming what is in the way
 */
export const checkMove = defineStep({
  name: 'check-move',
  input: ClusterAndRender,
  output: z.object({ reachable: z.boolean(), reason: z.string() }),
  async run(input, ports: ClusterPorts) {
    const render = await readRender(input, ports.objects);
    try {
      await holdMove('begin', render, await ports.kubernetes(input.cluster));
      return { reachable: true, reason: 'the cluster can take it, as it is' };
    } catch (error) {
      if (!(error instanceof ClusterUnreachableError || error instanceof NotFoundError)) throw error;
      return { reachable: false, reason: `decided by the records alone: ${error.message}` };
    }
  },
});
