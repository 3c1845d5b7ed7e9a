import * as z from 'zod';
import { hashOf } from '#domain/hash.ts';
import { keys, stackName } from '#domain/names.ts';
import { previewName, previewOf, whyNotAsked, withOutputs, withPreviews } from '#domain/plan-previews.ts';
import { planMarkdown } from '#domain/plan-text.ts';
import { readStoredRender } from '#facts/renders.ts';
import { readObject } from '#facts/stored.ts';
import { NotFoundError, RefusedError } from '#model/errors.ts';
import { type GroupPreview, PlanData, type PreviewTarget, type StackPreview } from '#model/plan.ts';
import { Sha256 } from '#model/primitives.ts';
import { Advance } from '#model/progress.ts';
import type { RenderedStack } from '#model/render.ts';
import { CaughtState } from '#model/rollout.ts';
import type { AccountChangeSets, ChangeSets } from '#ports/change-sets.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly changeSets: AccountChangeSets;
}

/** Seconds between two looks at change sets that are being made. */
const LOOK_AGAIN_SECONDS = 5;
/** After this many looks (two minutes) the rest is told by the templates alone. */
const MOST_LOOKS = 24;

/**
 * Asks CloudFormation, for one cluster of each group of equal diffs, what it would do, and deletes the change sets once
 * they are read. Only for pull requests of the repository itself. What can't be asked is told so in the plan, which is
 * written anew under its own hash. With `abandon` nothing is asked: what may be there is deleted.
 * @throws NotFoundError without a plan; TransientError
 */
export const previewChangeSets = defineStep({
  name: 'preview-change-sets',
  input: z.object({
    plan: z.object({ planHash: Sha256 }),
    previewChangeSets: z.object({ looks: z.int() }).optional(),
    previewError: CaughtState.optional(),
    abandon: z.boolean().default(false),
  }),
  output: Advance.extend({ looks: z.int(), planHash: Sha256 }),
  async run({ plan, previewChangeSets: before, previewError, abandon }, ports: Ports, { execution }) {
    const data = await readObject(ports.objects, keys.planData(plan.planHash), PlanData);
    if (data === undefined) throw new NotFoundError(`there is no plan ${plan.planHash}; the plan step must run first`);
    const looks = (before?.looks ?? 0) + 1;
    const targets = await Promise.all(data.previews.map((target) => open(target, ports, execution)));
    if (abandon) {
      await Promise.all(targets.map(removeAll));
      const planHash = await keep(ports.objects, withPreviews(data, [], previewError?.Cause || previewError?.Error || 'it took too long'));
      return { done: true, waitSeconds: 0, reason: 'CloudFormation could not be asked', looks, planHash };
    }
    const found = await Promise.all(targets.map((target) => look(target, looks >= MOST_LOOKS)));
    const waiting = found.filter((preview) => preview === undefined).length;
    if (waiting > 0) {
      const reason = `${waiting} of ${found.length} change sets are being made`;
      return { done: false, waitSeconds: LOOK_AGAIN_SECONDS, reason, looks, planHash: plan.planHash };
    }
    const planHash = await keep(
      ports.objects,
      withPreviews(
        data,
        found.filter((preview) => preview !== undefined),
      ),
    );
    // The text is kept first: when deleting fails, the next try makes, reads and deletes them again.
    await Promise.all(targets.map(removeAll));
    return { done: true, waitSeconds: 0, reason: `CloudFormation was asked about ${found.length} clusters`, looks, planHash };
  },
});

interface Target {
  readonly target: PreviewTarget;
  readonly changeSets: ChangeSets;
  readonly stacks: readonly (RenderedStack & { readonly changeSet: string })[];
}

async function open(target: PreviewTarget, { objects, changeSets }: Ports, execution: string): Promise<Target> {
  const render = await readStoredRender(objects, target.renderHash);
  if (render === undefined) throw new NotFoundError(`there is no render ${target.renderHash}; the plan step must run first`);
  const { name, account, region } = target.cluster;
  const stacks = render.stacks
    .filter(({ role }) => target.roles.includes(role))
    .map((stack) => ({ ...stack, changeSet: previewName(stackName(name, stack.role), execution) }));
  return { target, stacks, changeSets: changeSets.of(account, region, execution) };
}

/** What is known of a group; undefined while a change set is being made and there is time left. */
async function look({ target, stacks, changeSets }: Target, last: boolean): Promise<GroupPreview | undefined> {
  const { group, cluster } = target;
  const told: StackPreview[] = [];
  for (const stack of stacks) {
    const preview = await lookAtStack(changeSets, cluster.name, stack).catch((error: unknown): StackPreview => {
      // An account without the role, or a template that is refused at once: told in the plan, for its author.
      if (error instanceof RefusedError) return notAsked(stack.role, error.message);
      throw error;
    });
    if (preview !== undefined) told.push(preview);
    else if (last) told.push(notAsked(stack.role, 'the change set was not ready in time'));
  }
  return told.length < stacks.length ? undefined : { group, cluster: cluster.name, stacks: told };
}

async function lookAtStack(
  changeSets: ChangeSets,
  cluster: string,
  { role, stackName: name, changeSet, template, parameters: wanted }: Target['stacks'][number],
): Promise<StackPreview | undefined> {
  const known = await changeSets.read(name, changeSet);
  if (known !== undefined) return previewOf(role, known);
  const stack = await changeSets.stack(name);
  const why = whyNotAsked(stack);
  if (stack === undefined || why !== undefined) return notAsked(role, why ?? '');
  const network = role === 'network' ? undefined : await changeSets.stack(stackName(cluster, 'network'));
  const { parameters, missing } = withOutputs(wanted, network?.outputs ?? {});
  if (missing.length > 0) return notAsked(role, `it needs what the network stack does not have yet: ${missing.join(', ')}`);
  // The stack's own tags: others would show as a change of each resource.
  await changeSets.request({ stack: name, name: changeSet, template, parameters, tags: stack.tags });
  return undefined;
}

function notAsked(role: string, reason: string): StackPreview {
  return { role, state: 'not-asked', reason, resources: [] };
}

/** An account that can't be entered holds none of them. */
async function removeAll({ stacks, changeSets }: Target): Promise<void> {
  for (const { stackName: name, changeSet } of stacks) {
    await changeSets.remove(name, changeSet).catch((error: unknown) => {
      if (!(error instanceof RefusedError)) throw error;
    });
  }
}

async function keep(objects: ObjectStore, data: PlanData): Promise<string> {
  const planHash = hashOf(data);
  await objects.putIfAbsent(keys.planData(planHash), JSON.stringify(data));
  await objects.putIfAbsent(keys.plan(planHash), planMarkdown(data.plan, data.context));
  return planHash;
}
