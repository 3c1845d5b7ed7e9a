import * as z from 'zod';
import { contradictions, formatId, INVENTORY, planPrune, readInventory, toId, writeInventory } from '#domain/inventory.ts';
import { RefusedError } from '#model/errors.ts';
import { defineStep } from '#ports/step.ts';
import { dataOf, inParallel } from './apply-components.ts';
import { ClusterAndRender, type ClusterPorts, readRender } from './ports.ts';

/** Names of this many are told. */
const SHOWN = 50;

/**
 * Deletes what an earlier revision owned and this one lacks, and the `after` entries of deletions.yaml. Namespaces, CRDs
 * and volumes go by an entry only; they stay in the inventory and are told as `kept`.
 */
export const prune = defineStep({
  name: 'prune',
  input: ClusterAndRender,
  output: z.object({ deleted: z.array(z.string()), kept: z.array(z.string()) }),
  async run(input, ports: ClusterPorts) {
    const render = await readRender(input, ports.objects);
    const kubernetes = await ports.kubernetes(input.cluster);
    const deletions = render.deletions.after;
    const wrong = contradictions(deletions, render.components);
    if (wrong.length > 0) throw new RefusedError(`${wrong.join('; ')}: remove one of both`);
    const there = await kubernetes.get(INVENTORY);
    const owned = readInventory(dataOf(there));
    const named = [...render.deletions.before, ...deletions];
    const plan = planPrune(owned, render.components, named);
    const doomed = [...plan.remove, ...deletions.map(toId)];
    const existed = await inParallel(doomed, (id) => kubernetes.delete(id));
    if (there !== undefined) {
      const data = writeInventory(render.revision, plan.inventory, owned);
      await kubernetes.patch(INVENTORY, { metadata: { resourceVersion: there.metadata['resourceVersion'] }, data });
    }
    const deleted = doomed.filter((_, index) => existed[index] === true);
    return { deleted: deleted.slice(0, SHOWN).map(formatId), kept: plan.keep.slice(0, SHOWN).map(formatId) };
  },
});
