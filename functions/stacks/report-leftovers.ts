import * as z from 'zod';
import { StackFailedError } from '#model/errors.ts';
import { ClusterRef } from '#model/settings.ts';
import type { AccountStacks } from '#ports/stacks.ts';
import { defineStep } from '#ports/step.ts';

/** After a deletion: nothing tagged with the cluster may be left. @throws StackFailedError listing what is */
export const reportLeftovers = defineStep({
  name: 'report-leftovers',
  input: z.object({ cluster: ClusterRef }),
  output: z.object({ leftovers: z.array(z.string()) }),
  async run({ cluster }, ports: { stacks: AccountStacks }, { execution }) {
    const left = await ports.stacks.of(cluster.account, cluster.region, execution).listOfCluster(cluster.name);
    if (left.length > 0)
      throw new StackFailedError(
        `after the deletion of ${cluster.name} these stacks are left: ${left.map((stack) => stack.name).join(', ')}`,
      );
    return { leftovers: [] };
  },
});
