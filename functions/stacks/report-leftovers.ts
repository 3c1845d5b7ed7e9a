import * as z from 'zod';
import { StackFailedError } from '#model/errors.ts';
import { ClusterRef } from '#model/settings.ts';
import type { AccountStacks } from '#ports/stacks.ts';
import { defineStep } from '#ports/step.ts';

/**
 * After a deletion: nothing tagged with the cluster may be left, and nothing that a stack could not delete.
 * @throws StackFailedError listing what is, stacks and resources, and what to do first
 */
export const reportLeftovers = defineStep({
  name: 'report-leftovers',
  input: z.object({
    cluster: ClusterRef,
    advanceDeletion: z.object({ retained: z.record(z.string(), z.array(z.string())).default({}) }).optional(),
  }),
  output: z.object({ leftovers: z.array(z.string()) }),
  async run({ cluster, advanceDeletion }, ports: { stacks: AccountStacks }, { execution }) {
    const left = await ports.stacks.of(cluster.account, cluster.region, execution).listOfCluster(cluster.name);
    if (left.length > 0)
      throw new StackFailedError(
        `after the deletion of ${cluster.name} these stacks are left: ${left.map((stack) => stack.name).join(', ')}`,
      );
    const retained = Object.entries(advanceDeletion?.retained ?? {});
    if (retained.length > 0)
      throw new StackFailedError(
        `the stacks of ${cluster.name} are deleted, but these resources could not be and are left in account ${cluster.account}: ${retained
          .map(([stack, resources]) => `${resources.join(', ')} (of ${stack})`)
          .join('; ')}. First: delete them by hand, then start the deletion again`,
      );
    return { leftovers: [] };
  },
});
