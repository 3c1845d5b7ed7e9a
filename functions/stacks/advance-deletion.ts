import * as z from 'zod';
import { deletionOrder } from '#domain/stack-decision.ts';
import { StackFailedError } from '#model/errors.ts';
import { Advance } from '#model/progress.ts';
import { ClusterRef } from '#model/settings.ts';
import type { AccountStacks } from '#ports/stacks.ts';
import { defineStep } from '#ports/step.ts';

const Asked = z.record(z.string(), z.int());
/** A deletion may fail for a resource that is about to go; after so many tries it is reported. */
const TRIES = 3;

/**
 * Deletes a cluster's stacks in order: node pools, control plane, etcd, network. @throws StackFailedError when a stack
 * can't be deleted, with the resource that holds it
 */
export const advanceDeletion = defineStep({
  name: 'advance-deletion',
  input: z.object({ cluster: ClusterRef, advanceDeletion: z.object({ asked: Asked }).optional() }),
  output: Advance.extend({ asked: Asked }),
  async run({ cluster, advanceDeletion: before }, ports: { stacks: AccountStacks }, { execution }) {
    const stacks = ports.stacks.of(cluster.account, cluster.region, execution);
    const left = await stacks.listOfCluster(cluster.name);
    const asked = { ...before?.asked };
    if (left.length === 0) return { done: true, waitSeconds: 0, reason: 'no stack is left', asked };
    const next = deletionOrder(left);
    for (const stack of next) {
      if (stack.status === 'DELETE_IN_PROGRESS') continue;
      const tries = asked[stack.name] ?? 0;
      if (tries >= TRIES) {
        const failure = (await stacks.failures(stack.name)).find(({ reason }) => !/cancelled/i.test(reason));
        throw new StackFailedError(
          `stack ${stack.name} can't be deleted: ${failure ? `${failure.resource}: ${failure.reason}` : stack.status}`,
        );
      }
      await stacks.deleteStack(stack.name);
      asked[stack.name] = tries + 1;
    }
    return { done: false, waitSeconds: 10, reason: `deleting ${next.map((stack) => stack.name).join(', ')}; ${left.length} left`, asked };
  },
});
