import * as z from 'zod';
import { isAsApplied } from '#domain/applied-fields.ts';
import { formatId, idOf } from '#domain/inventory.ts';
import { defineStep } from '#ports/step.ts';
import { ClusterAndRender, type ClusterPorts, readRender } from './ports.ts';

/** Named ones; the others are counted. */
const NAMED = 30;

/**
 * What of a cluster's configuration is not there, or not as it was applied; changes nothing. Secrets are looked for only: their
 * content is no reader's. @throws ClusterUnreachableError, NotFoundError when the render was not delivered
 */
export const reportDrift = defineStep({
  name: 'report-drift',
  input: ClusterAndRender,
  output: z.object({ objects: z.int(), missing: z.int(), changed: z.int(), named: z.array(z.string()) }),
  async run(input, ports: ClusterPorts) {
    const { components } = await readRender(input, ports.objects);
    const objects = components.flatMap((component) => component.objects);
    const kubernetes = await ports.kubernetes(input.cluster);
    const live = await kubernetes.getAll(objects.map(idOf));
    const missing: string[] = [];
    const changed: string[] = [];
    for (const [index, object] of objects.entries()) {
      const found = live[index];
      if (found === undefined) missing.push(`${formatId(idOf(object))} is missing`);
      else if (object.kind !== 'Secret' && !isAsApplied(object, found)) changed.push(`${formatId(idOf(object))} differs`);
    }
    const named = [...missing, ...changed].slice(0, NAMED);
    return { objects: objects.length, missing: missing.length, changed: changed.length, named };
  },
});
