import * as z from 'zod';
import { hashOf } from '#domain/hash.ts';
import { stackName } from '#domain/names.ts';
import { BUSY_MINUTES, decideStack, fixedParameterProblem, isBusy, type StackDecision, stackPace } from '#domain/stack-decision.ts';
import { outputReferences } from '#domain/stack-parameters.ts';
import { requireLock } from '#facts/lock.ts';
import { noteReached } from '#facts/version-move.ts';
import { DeadlineError, GateClosedError, NotFoundError, StackFailedError } from '#model/errors.ts';
import { Sha256, Timestamp } from '#model/primitives.ts';
import { Advance, waiting } from '#model/progress.ts';
import type { RenderedStack } from '#model/render.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import type { AccountStacks, StackRequest, StackState, Stacks } from '#ports/stacks.ts';
import { defineStep } from '#ports/step.ts';
import { loadRender } from './load-render.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly stacks: AccountStacks;
  readonly clock: Clock;
}

/** What this execution keeps from look to look, each by the name of a stack. */
const Kept = z.object({
  /** The content that was tried: a failed attempt ends the update, while an old failure is cleared away. */
  attempted: z.record(z.string(), z.string()),
  /** How often it was deleted or its rollback continued. */
  mended: z.record(z.string(), z.int()).default({}),
  /** Since when CloudFormation is seen at work on it. */
  busy: z.record(z.string(), Timestamp).default({}),
  /** Whatever an earlier holder of the lock had begun has ended. */
  settled: z.boolean().default(false),
});
type Kept = z.infer<typeof Kept>;

const Input = z.object({
  cluster: ClusterRef,
  render: z.object({ hash: Sha256 }),
  roles: z.array(z.string()).min(1),
  lock: z.object({ fence: z.int() }),
  readWhatRuns: z.object({ creation: z.boolean() }),
  advanceStack: Kept.optional(),
});

/** What one look at one stack goes by. */
interface Look {
  readonly stacks: Stacks;
  readonly cluster: string;
  readonly execution: string;
  readonly creation: boolean;
  readonly kept: Kept;
  readonly now: Date;
  /** Asked right before each change. @throws LockHeldError */
  readonly mustHold: () => Promise<void>;
  /** Notes in the record that a stack of this role is about to change. */
  readonly noteBegun: (role: string) => Promise<void>;
}

/**
 * Brings the stacks of the given roles to the render, each by a change set and a role only after the one named before it:
 * looks, does what is safe now, and says when to look again. Before its first change it waits until nothing is under way in any stack of the cluster.
 * @throws StackFailedError naming the resource, its reason and the first command, GateClosedError when the number of etcd's
 * members would change, LockHeldError, DeadlineError
 */
export const advanceStack = defineStep({
  name: 'advance-stack',
  input: Input,
  output: Advance.extend(Kept.shape),
  async run(input, ports: Ports, { execution }) {
    const { cluster, lock, readWhatRuns, roles } = input;
    const wanted = await wantedStacks(input, ports.objects);
    const before = Kept.parse(input.advanceStack ?? { attempted: {} });
    const look: Look = {
      stacks: ports.stacks.of(cluster.account, cluster.region, execution),
      cluster: cluster.name,
      execution,
      creation: readWhatRuns.creation,
      kept: { attempted: { ...before.attempted }, mended: { ...before.mended }, busy: { ...before.busy }, settled: before.settled },
      now: ports.clock.now(),
      mustHold: () => requireLock(ports.objects, cluster.name, execution, lock.fence),
      async noteBegun(role) {
        const what = role === 'etcd' ? 'etcd' : role === 'control-plane' ? 'kubernetes' : undefined;
        if (what !== undefined) await noteReached(ports.objects, cluster.name, execution, what);
      },
    };
    const reasons = look.kept.settled ? [] : await busyStacks(look);
    if (reasons.length > 0) return { ...waiting(stackPace(look.kept.busy, look.now), reasons.join('; ')), ...look.kept };
    look.kept.settled = true;
    for (const role of roles) {
      for (const stack of wanted.filter((one) => isOf(one, role))) {
        const reason = await advance(look, stack);
        if (reason !== undefined) reasons.push(reason);
      }
      if (reasons.length > 0) break;
    }
    if (reasons.length > 0) return { ...waiting(stackPace(look.kept.busy, look.now), reasons.join('; ')), ...look.kept };
    return { done: true, waitSeconds: 0, reason: `${roles.join(', ')}: ${wanted.length} stack(s) as rendered`, ...look.kept };
  },
});

async function wantedStacks({ render: { hash }, roles }: z.infer<typeof Input>, objects: ObjectStore): Promise<RenderedStack[]> {
  const render = await loadRender(objects, hash);
  const missing = roles.filter((role) => !render.stacks.some((stack) => isOf(stack, role)));
  if (missing.length > 0) throw new NotFoundError(`the render ${hash} has no stack of ${missing.join(', ')}`);
  return render.stacks.filter((stack) => roles.some((role) => isOf(stack, role)));
}

function isOf({ role }: RenderedStack, wanted: string): boolean {
  return role === wanted || (wanted === 'pools' && role.startsWith('pool-'));
}

/** What somebody else has under way in any stack of the cluster. */
async function busyStacks(look: Look): Promise<string[]> {
  const all = await look.stacks.listOfCluster(look.cluster);
  return all.filter(isBusy).map((stack) => {
    awaitBusy(look, stack);
    return `stack ${stack.name} is ${stack.status}, begun before this run`;
  });
}

/** @throws DeadlineError */
function awaitBusy({ kept, now }: Look, { name, status }: StackState): void {
  const since = kept.busy[name] ?? now.toISOString();
  kept.busy[name] = since;
  if (now.getTime() - Date.parse(since) <= BUSY_MINUTES * 60_000) return;
  throw new DeadlineError(
    `stack ${name} is ${status} for more than ${BUSY_MINUTES} minutes. First: aws cloudformation describe-stack-events --stack-name ${name}`,
  );
}

/** One look and one act; answers why it is not done yet, or undefined when it is. Notes in `kept` what it did. */
async function advance(look: Look, rendered: RenderedStack): Promise<string | undefined> {
  const { stacks, kept } = look;
  const request = await requestOf(look, rendered);
  const { name } = request;
  const content = request.tags['sluice:content'] ?? '';
  const [stack, changeSet] = await Promise.all([stacks.describe(name), stacks.describeChangeSet(name, request.changeSet)]);
  const fixed = fixedParameterProblem(stack, request.parameters);
  if (fixed !== undefined) throw new GateClosedError(fixed);
  if (stack !== undefined && isBusy(stack)) awaitBusy(look, stack);
  else delete kept.busy[name];
  const broken = stack?.status === 'DELETE_FAILED' || stack?.status === 'UPDATE_ROLLBACK_FAILED';
  const decision = decideStack({
    stack,
    changeSet,
    content,
    attempted: kept.attempted[name] === content,
    mended: kept.mended[name] ?? 0,
    creation: look.creation,
    resources: broken ? await stacks.resources(name) : [],
  });
  return act(look, request, decision);
}

async function act(
  { stacks, kept, mustHold, noteBegun }: Look,
  request: StackRequest,
  decision: StackDecision,
): Promise<string | undefined> {
  const { name, changeSet } = request;
  if (decision.act === 'done') return undefined;
  if (decision.act === 'wait') return decision.reason;
  if (decision.act === 'fail') throw new StackFailedError(await explain(stacks, name, decision));
  await mustHold();
  switch (decision.act) {
    case 'create-change-set':
      await stacks.createChangeSet(request, decision.type);
      return `stack ${name}: change set requested`;
    case 'discard-change-set':
      await stacks.deleteChangeSet(name, changeSet);
      return `${decision.reason}; it is made anew`;
    case 'execute':
      await noteBegun(request.tags['sluice:role'] ?? '');
      await stacks.executeChangeSet(name, changeSet);
      kept.attempted[name] = request.tags['sluice:content'] ?? '';
      return `stack ${name}: change set started`;
    case 'delete':
      await stacks.deleteStack(name);
      kept.mended[name] = (kept.mended[name] ?? 0) + 1;
      return decision.reason;
    case 'continue-rollback':
      await stacks.continueRollback(name, decision.skip);
      kept.mended[name] = (kept.mended[name] ?? 0) + 1;
      return decision.reason;
  }
}

async function explain(stacks: Stacks, name: string, { reason, first }: { reason: string; first?: string }): Promise<string> {
  const command = first === undefined ? '' : `. First: ${first}`;
  const [cause] = (await stacks.failures(name)).filter((failure) => !/cancelled/i.test(failure.reason));
  // What holds a stack is in the reason already.
  if (cause === undefined || reason.includes(` ${cause.resource} `)) return `${reason}${command}`;
  return `${reason}: ${cause.type} ${cause.resource}: ${cause.reason}${command}`;
}

async function requestOf({ stacks, cluster, execution }: Look, rendered: RenderedStack): Promise<StackRequest> {
  const parameters: Record<string, string> = {};
  for (const [key, value] of Object.entries(rendered.parameters)) parameters[key] = await resolved(stacks, cluster, value);
  const content = hashOf({ template: rendered.template, parameters });
  return {
    name: rendered.stackName,
    template: rendered.template,
    parameters,
    tags: { 'sluice:cluster': cluster, 'sluice:role': rendered.role, 'sluice:content': content },
    // One change set for one content and one execution: a repeated call finds it, a new run makes a fresh one.
    changeSet: `sluice-${hashOf({ content, execution }).slice(0, 24)}`,
  };
}

/** `!output:<role>.<key>` is the output of another stack of the same cluster; a list may have several. */
async function resolved(stacks: Stacks, cluster: string, value: string): Promise<string> {
  const references = outputReferences(value);
  if (references.length === 0) return value;
  const found: string[] = [];
  for (const { role, output } of references) {
    const name = stackName(cluster, role);
    const one = (await stacks.describe(name))?.outputs[output];
    if (one === undefined) throw new NotFoundError(`stack ${name} has no output ${output}; it must be there first`);
    found.push(one);
  }
  return found.join(',');
}
