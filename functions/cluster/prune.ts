import * as z from 'zod';
import { contradictions, formatId, planPrune, readInventory, toId, writeInventory } from '#domain/inventory.ts';
import { isOwned } from '#domain/owner.ts';
import { BlockedError, RefusedError } from '#model/errors.ts';
import type { Kubernetes, ObjectId } from '#ports/kubernetes.ts';
import { defineStep } from '#ports/step.ts';
import { namingObstacles } from './apply-objects.ts';
import { deleteObjects } from './delete-objects.ts';
import { openInventory } from './inventory-object.ts';
import { ClusterAndRender, type ClusterPorts, readRender } from './ports.ts';

/** Names of this many are told. */
const SHOWN = 50;
const SHOWN_LEAVING = 10;

/**
 * Deletes what an earlier revision owned and this one lacks, and the `after` entries of deletions.yaml, and waits until it is
 * gone. Namespaces, CRDs and volumes go by an entry only; they stay in the inventory and are told as `kept`. What somebody
 * else has made anew under the same name is theirs and stays.
 */
export const prune = defineStep({
  name: 'prune',
  input: ClusterAndRender,
  output: z.object({
    done: z.literal(true),
    reason: z.string(),
    deleted: z.array(z.string()),
    kept: z.array(z.string()),
    left: z.array(z.string()),
  }),
  async run(input, ports: ClusterPorts) {
    const render = await readRender(input, ports.objects);
    const kubernetes = await ports.kubernetes(input.cluster);
    const deletions = render.deletions.after;
    const wrong = contradictions(deletions, render.components);
    if (wrong.length > 0) throw new RefusedError(`${wrong.join('; ')}: remove one of both`);
    const store = await openInventory(kubernetes);
    const owned = readInventory(store.data());
    return namingObstacles(
      kubernetes,
      () => owned,
      async () => {
        const plan = planPrune(owned, render.components, [...render.deletions.before, ...deletions]);
        const { mine, theirs } = await whose(plan.remove, kubernetes);
        const { deleted, leaving } = await deleteObjects([...mine, ...deletions.map(toId)], kubernetes, owned);
        // What does not go stays in the inventory, so that the next run knows it.
        if (leaving.length > 0) throw new BlockedError(blocked(leaving));
        if (owned.size > 0 || render.components.length > 0) await store.save(writeInventory(render.revision, plan.inventory, owned));
        return {
          done: true as const,
          reason: `${deleted.length} objects deleted, ${plan.keep.length} kept without an entry in deletions.yaml`,
          deleted: deleted.slice(0, SHOWN).map(formatId),
          kept: plan.keep.slice(0, SHOWN).map(formatId),
          left: theirs.slice(0, SHOWN).map(formatId),
        };
      },
    );
  },
});

/** Objects that Sluice still has a field of, and those that somebody else made under a name of ours. */
async function whose(ids: readonly ObjectId[], kubernetes: Kubernetes): Promise<{ mine: ObjectId[]; theirs: ObjectId[] }> {
  const live = await kubernetes.getAll(ids);
  const isTheirs = (index: number): boolean => live[index] !== undefined && !isOwned(live[index]);
  return { mine: ids.filter((_, index) => !isTheirs(index)), theirs: ids.filter((_, index) => isTheirs(index)) };
}

function blocked(leaving: readonly string[]): string {
  const more = leaving.length > SHOWN_LEAVING ? ` (and ${leaving.length - SHOWN_LEAVING} more)` : '';
  return `${leaving.length} objects were told to go and are still there: ${leaving.slice(0, SHOWN_LEAVING).join(' | ')}${more}`;
}
