import * as z from 'zod';
import { hashOf } from '#domain/hash.ts';
import { stackName } from '#domain/names.ts';
import { decideStack } from '#domain/stack-decision.ts';
import { NotFoundError, StackFailedError } from '#model/errors.ts';
import { Sha256 } from '#model/primitives.ts';
import { Advance } from '#model/progress.ts';
import type { RenderedStack } from '#model/render.ts';
import { ClusterRef } from '#model/settings.ts';
import type { ObjectStore } from '#ports/objects.ts';
import type { AccountStacks, StackRequest, Stacks } from '#ports/stacks.ts';
import { defineStep } from '#ports/step.ts';
import { loadRender } from './load-render.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly stacks: AccountStacks;
}

/** Seconds between two looks at a stack that is being changed. */
const LOOK_AGAIN_SECONDS = 10;

const Attempted = z.record(z.string(), z.string());

/**
 * Brings the stacks of the given roles to the render, each by a change set: looks, does what is safe now, and says when
 * to look again. `attempted` remembers, per stack, the content that this execution has tried, so that a failed attempt
 * ends the update while an old failure is cleared away. @throws StackFailedError naming the resource and its reason
 */
export const advanceStack = defineStep({
  name: 'advance-stack',
  input: z.object({
    cluster: ClusterRef,
    render: z.object({ hash: Sha256 }),
    roles: z.array(z.string()).min(1),
    advanceStack: z.object({ attempted: Attempted }).optional(),
  }),
  output: Advance.extend({ attempted: Attempted }),
  async run({ cluster, render: { hash }, roles, advanceStack: before }, ports: Ports, { execution }) {
    const render = await loadRender(ports.objects, hash);
    const wanted = render.stacks.filter(
      (stack) => roles.includes(stack.role) || (roles.includes('pools') && stack.role.startsWith('pool-')),
    );
    if (wanted.length === 0) throw new NotFoundError(`the render ${hash} has no stack of ${roles.join(', ')}`);
    const stacks = ports.stacks.of(cluster.account, cluster.region, execution);
    const attempted = { ...before?.attempted };
    const reasons: string[] = [];
    for (const stack of wanted) {
      const reason = await advance(stacks, cluster.name, stack, attempted, execution);
      if (reason !== undefined) reasons.push(reason);
    }
    const done = reasons.length === 0;
    return {
      done,
      waitSeconds: done ? 0 : LOOK_AGAIN_SECONDS,
      reason: done ? `${wanted.length} stack(s) as rendered` : reasons.join('; '),
      attempted,
    };
  },
});

/** One look and one act; answers why it is not done yet, or undefined when it is. Notes the attempt in `attempted`. */
async function advance(stacks: Stacks, cluster: string, rendered: RenderedStack, attempted: Record<string, string>, execution: string) {
  const request = await requestOf(stacks, cluster, rendered, execution);
  const content = request.tags['sluice:content'] ?? '';
  const [stack, changeSet] = await Promise.all([stacks.describe(request.name), stacks.describeChangeSet(request.name, request.changeSet)]);
  const decision = decideStack({ stack, changeSet, content, attempted: attempted[request.name] === content });
  switch (decision.act) {
    case 'done':
      return undefined;
    case 'wait':
      return decision.reason;
    case 'create-change-set':
      await stacks.createChangeSet(request, decision.type);
      return `stack ${request.name}: change set requested`;
    case 'execute':
      await stacks.executeChangeSet(request.name, request.changeSet);
      attempted[request.name] = content;
      return `stack ${request.name}: change set started`;
    case 'delete-and-retry':
      await stacks.deleteStack(request.name);
      return `${decision.reason} in an earlier run: deleted, to be made again`;
    case 'fail':
      throw new StackFailedError(await explain(stacks, request.name, decision.reason));
  }
}

async function explain(stacks: Stacks, name: string, reason: string): Promise<string> {
  const [first] = (await stacks.failures(name)).filter((failure) => !/cancelled/i.test(failure.reason));
  return first === undefined ? reason : `${reason}: ${first.type} ${first.resource}: ${first.reason}`;
}

async function requestOf(stacks: Stacks, cluster: string, rendered: RenderedStack, execution: string): Promise<StackRequest> {
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

/** `!output:<role>.<key>` is the output of another stack of the same cluster. */
async function resolved(stacks: Stacks, cluster: string, value: string): Promise<string> {
  const reference = /^!output:(?<role>[a-z0-9-]+)\.(?<key>\w+)$/.exec(value)?.groups;
  if (reference === undefined) return value;
  const { role = '', key = '' } = reference;
  const name = stackName(cluster, role);
  const output = (await stacks.describe(name))?.outputs[key];
  if (output === undefined) throw new NotFoundError(`stack ${name} has no output ${key}; it must be there first`);
  return output;
}
