import * as z from 'zod';
import { stackPolicy } from '#domain/stack-policy.ts';
import { ClusterRef } from '#model/settings.ts';
import type { AccountStackGuards } from '#ports/stack-guards.ts';
import type { AccountStacks } from '#ports/stacks.ts';
import { defineStep } from '#ports/step.ts';

/**
 * Guards a cluster's stacks once an update has ended well: none can be deleted by hand, and no update replaces etcd's groups.
 * Clusters of e2e runs are made to be deleted. What is guarded already is not touched. @throws TransientError, RefusedError
 */
export const protectStacks = defineStep({
  name: 'protect-stacks',
  input: z.object({ cluster: ClusterRef }),
  output: z.object({ stacks: z.int(), changed: z.array(z.string()) }),
  async run({ cluster }, ports: { stacks: AccountStacks; guards: AccountStackGuards }, { execution }) {
    if (cluster.environment === 'e2e') return { stacks: 0, changed: [] };
    const guards = ports.guards.of(cluster.account, cluster.region, execution);
    const stacks = await ports.stacks.of(cluster.account, cluster.region, execution).listOfCluster(cluster.name);
    const changed: string[] = [];
    for (const { name, tags } of stacks) {
      const { terminationProtected, policy } = await guards.read(name);
      const wanted = stackPolicy(tags['sluice:role'] ?? '');
      if (wanted !== undefined && policy !== wanted) await guards.setPolicy(name, wanted);
      if (!terminationProtected) await guards.protect(name);
      if (!terminationProtected || (wanted !== undefined && policy !== wanted)) changed.push(name);
    }
    return { stacks: stacks.length, changed };
  },
});
