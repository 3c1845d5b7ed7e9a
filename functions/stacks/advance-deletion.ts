import * as z from 'zod';
import { BUSY_MINUTES, decideDeletion, deletionOrder, stackPace } from '#domain/stack-decision.ts';
import { requireLock } from '#facts/lock.ts';
import { DeadlineError, StackFailedError } from '#model/errors.ts';
import { Timestamp } from '#model/primitives.ts';
import { Advance, advanced, waiting } from '#model/progress.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import type { AccountStacks, StackState, Stacks } from '#ports/stacks.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly stacks: AccountStacks;
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

/** Resources left behind are told by name, up to so many a stack. */
const SHOWN = 20;

/** What this execution keeps from look to look, each by the name of a stack. */
const Kept = z.object({
  /** How often its deletion was asked for. */
  asked: z.record(z.string(), z.int()),
  /** Since when CloudFormation is seen at work on it. */
  busy: z.record(z.string(), Timestamp).default({}),
  /** What of it was left behind, for people. */
  retained: z.record(z.string(), z.array(z.string())).default({}),
});
type Kept = z.infer<typeof Kept>;

/**
 * Deletes a cluster's stacks in order: node pools, control plane, etcd, network. A change under way is waited for; what
 * can't be deleted is left behind at the third try and kept in `retained` for the report.
 * @throws StackFailedError when a stack can't be deleted, with the resource that holds it and the first command
 */
export const advanceDeletion = defineStep({
  name: 'advance-deletion',
  input: z.object({ cluster: ClusterRef, lock: z.object({ fence: z.int() }), advanceDeletion: Kept.optional() }),
  output: Advance.extend(Kept.shape),
  async run({ cluster, lock, advanceDeletion: before }, ports: Ports, { execution }) {
    const stacks = ports.stacks.of(cluster.account, cluster.region, execution);
    const left = await stacks.listOfCluster(cluster.name);
    const known = Kept.parse(before ?? { asked: {} });
    const kept: Kept = { asked: { ...known.asked }, busy: { ...known.busy }, retained: { ...known.retained } };
    if (left.length === 0) return { ...advanced('no stack is left'), ...kept };
    const reasons: string[] = [];
    for (const stack of deletionOrder(left)) {
      const reason = await advance(stack, stacks, kept, ports.clock.now(), () =>
        requireLock(ports.objects, cluster.name, execution, lock.fence),
      );
      reasons.push(reason);
    }
    return { ...waiting(stackPace(kept.busy, ports.clock.now()), `${reasons.join('; ')}; ${left.length} left`), ...kept };
  },
});

/** One look and one act on one stack. */
async function advance(stack: StackState, stacks: Stacks, kept: Kept, now: Date, mustHold: () => Promise<void>): Promise<string> {
  const { name, status } = stack;
  const asked = kept.asked[name] ?? 0;
  const decision = decideDeletion(stack, asked, status === 'DELETE_FAILED' ? await stacks.resources(name) : []);
  if (decision.act === 'fail') {
    const cause = (await stacks.failures(name)).find(({ reason }) => !/cancelled/i.test(reason));
    const why = cause === undefined || decision.reason.includes(` ${cause.resource} `) ? '' : `: ${cause.resource}: ${cause.reason}`;
    throw new StackFailedError(`${decision.reason}${why}. First: ${decision.first}`);
  }
  if (decision.act === 'wait') {
    const since = kept.busy[name] ?? now.toISOString();
    kept.busy[name] = since;
    if (now.getTime() - Date.parse(since) > BUSY_MINUTES * 60_000)
      throw new DeadlineError(
        `${decision.reason} for more than ${BUSY_MINUTES} minutes. First: aws cloudformation describe-stack-events --stack-name ${name}`,
      );
    return status === 'DELETE_IN_PROGRESS' ? `deleting ${name}` : `${decision.reason}: waiting for its end`;
  }
  await mustHold();
  delete kept.busy[name];
  await stacks.deleteStack(
    name,
    decision.retain.map(({ resource }) => resource),
  );
  kept.asked[name] = asked + 1;
  if (decision.retain.length > 0)
    kept.retained[name] = decision.retain.slice(0, SHOWN).map(({ type, resource, physicalId }) => `${type} ${physicalId || resource}`);
  return `deleting ${name}`;
}
