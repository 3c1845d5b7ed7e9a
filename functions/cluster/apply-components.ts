import * as z from 'zod';
import { inApplyOrder, isLast } from '#domain/apply-order.ts';
import { MOST_REPAIRS, REPAIRS, readRepairs, reasonsToLeave, withRepairs, writeRepairs } from '#domain/drift.ts';
import { contradictions, formatId, type Inventory, idOf, readInventory, toId, withComponents, writeInventory } from '#domain/inventory.ts';
import { BlockedError, RefusedError, TransientError } from '#model/errors.ts';
import { Condition } from '#model/kubernetes.ts';
import type { Manifest, Render } from '#model/render.ts';
import type { ApplyResult, Kubernetes } from '#ports/kubernetes.ts';
import { defineStep } from '#ports/step.ts';
import { type Applied, applyObjects, forceApply, namingObstacles, refuseFailures } from './apply-objects.ts';
import { deleteObjects } from './delete-objects.ts';
import { holdSkew } from './hold-skew.ts';
import { inParallel } from './in-parallel.ts';
import { type InventoryObject, openInventory } from './inventory-object.ts';
import { type ClusterPorts, componentsOf, readRender, WithPhase } from './ports.ts';
import { resolveSecrets } from './resolve-secrets.ts';

/** Nothing more is begun after this; the function ends at 300 s, and the next try skips what is applied. */
const LONGEST_SECONDS = 200;
const SHOWN = 20;

const Repaired = z.object({ object: z.string(), field: z.string(), owner: z.string() });

/**
 * Applies the components of a phase by server-side apply, kinds in rank order, but for what calls their workloads: that
 * waits until those run (await-workloads). What is as it was applied last is only read. What it is about to apply is
 * written to the inventory first. Fields that somebody changed are set back, once; an object that the API refuses, or a
 * field that two want, fails the step by name.
 */
export const applyComponents = defineStep({
  name: 'apply-components',
  input: WithPhase,
  output: z.object({
    done: z.literal(true),
    reason: z.string(),
    applied: z.int(),
    changed: z.int(),
    unchanged: z.int(),
    repaired: z.array(Repaired),
    /** Names and versions of the secrets that were put in. */
    secrets: z.array(z.string()),
  }),
  async run(input, ports: ClusterPorts) {
    const render = await readRender(input, ports.objects);
    const kubernetes = await ports.kubernetes(input.cluster);
    const components = componentsOf(render, input.phase);
    const store = await openInventory(kubernetes);
    const inventory = (): Inventory => readInventory(store.data());
    return namingObstacles(kubernetes, inventory, async () => {
      await holdSkew(components, kubernetes);
      if (input.phase !== 'workloads') await deleteBefore(render, kubernetes, inventory());
      if (components.length > 0) {
        await store.save(writeInventory(render.revision, withComponents(inventory(), components), inventory()));
      }
      const objects = components.flatMap((component) => component.objects).filter(({ kind }) => !isLast(kind));
      const resolved = await resolveSecrets(objects, ports.secrets);
      return { ...told(await applyInOrder(resolved.objects, { kubernetes, store, ports })), secrets: resolved.secrets.slice(0, SHOWN) };
    });
  },
});

/** What applying needs besides the objects. */
export interface Applying {
  readonly kubernetes: Kubernetes;
  readonly store: InventoryObject;
  readonly ports: Pick<ClusterPorts, 'clock'>;
}

/** Rank by rank, each in parallel. @throws RefusedError, BlockedError, TransientError when the time is over before all are applied */
export async function applyInOrder(objects: readonly Manifest[], applying: Applying): Promise<Applied[]> {
  const { kubernetes, store, ports } = applying;
  const end = ports.clock.now().getTime() + LONGEST_SECONDS * 1000;
  const applied: Applied[] = [];
  for (const group of inApplyOrder(objects)) {
    const first = await applyObjects(group, kubernetes, readInventory(store.data()), () => ports.clock.now().getTime() > end);
    const results = await setBack(first, applying);
    await refuseFailures(results, group.length, kubernetes, readInventory(store.data()));
    if (results.length < group.length)
      throw new TransientError(`${applied.length + results.length} of ${objects.length} objects are applied after ${LONGEST_SECONDS} s`);
    applied.push(...results);
    await inParallel(
      group.filter(({ kind }) => kind === 'CustomResourceDefinition'),
      (definition) => established(definition, kubernetes),
    );
  }
  return applied;
}

/** Takes fields back that others changed, when all of an object's may be; remembered before it is done, so that a fight is noticed. */
async function setBack(applied: readonly Applied[], { kubernetes, store, ports }: Applying): Promise<Applied[]> {
  const now = ports.clock.now();
  const known = readRepairs(store.data()[REPAIRS]);
  const judged = applied.map((one) => {
    const reasons = one.result.outcome === 'conflict' ? reasonsToLeave(one.result.id, one.result.conflicts ?? [], known, now) : [];
    return reasons.length === 0 ? one : { ...one, result: { ...one.result, conflicts: [], reason: reasons.join('; ') } };
  });
  const mine = judged.filter(isSetBack);
  const fields = mine.flatMap(({ result }) => result.conflicts ?? []);
  if (mine.length === 0 || mine.length < judged.filter(isConflict).length || fields.length > MOST_REPAIRS) return judged;
  const repairs = mine.reduce((all, { result }) => withRepairs(all, result.id, result.conflicts ?? [], now), known);
  await store.save({ [REPAIRS]: writeRepairs(repairs) ?? null });
  const forced = new Map(await inParallel(mine, async (one) => [one, await forceApply(one, kubernetes)] as const));
  return judged.map((one) => {
    const result = forced.get(one);
    return result === undefined ? one : { ...one, result: { ...result, conflicts: one.result.conflicts ?? [] } };
  });
}

function isConflict({ result }: Applied): boolean {
  return result.outcome === 'conflict';
}

function isSetBack({ result }: Applied): boolean {
  return result.outcome === 'conflict' && (result.conflicts ?? []).length > 0;
}

function told(applied: readonly Applied[]) {
  const count = (...outcomes: ApplyResult['outcome'][]): number => applied.filter(({ result }) => outcomes.includes(result.outcome)).length;
  const changed = count('created', 'changed');
  const repaired = applied.flatMap(({ result }) =>
    (result.conflicts ?? []).map(({ field, owner }) => ({ object: formatId(result.id), field, owner })),
  );
  const [first] = repaired;
  const back =
    first === undefined ? '' : `; set back ${repaired.length} fields, first ${first.field} of ${first.object} from "${first.owner}"`;
  return {
    done: true as const,
    reason: `${changed} of ${applied.length} objects changed${back}`,
    applied: applied.length,
    changed,
    unchanged: count('unchanged'),
    repaired: repaired.slice(0, SHOWN),
  };
}

async function deleteBefore(render: Render, kubernetes: Kubernetes, inventory: Inventory): Promise<void> {
  const wrong = contradictions(render.deletions.before, render.components);
  if (wrong.length > 0) throw new RefusedError(`${wrong.join('; ')}: remove one of both`);
  const { leaving } = await deleteObjects(render.deletions.before.map(toId), kubernetes, inventory);
  if (leaving.length > 0)
    throw new BlockedError(`what deletions.yaml wants gone first is still there: ${leaving.slice(0, SHOWN).join(' | ')}`);
}

/** The server writes null before it has looked at a new definition. */
const Established = z.looseObject({ status: z.looseObject({ conditions: z.array(Condition).nullish() }).optional() });

/**
 * @throws BlockedError when the server says why it does not serve the CRD's kind; TransientError when it says nothing: it has not
 *   looked at the definition yet, which takes it a moment
 */
async function established(definition: Manifest, kubernetes: Kubernetes): Promise<void> {
  const { status } = Established.parse((await kubernetes.get(idOf(definition))) ?? {});
  const conditions = status?.conditions ?? [];
  if (conditions.some(({ type, status: value }) => type === 'Established' && value === 'True')) return;
  const why = conditions.filter(({ status: value }) => value === 'False').map(({ type, message }) => `${type}: ${message ?? ''}`);
  const name = definition.metadata.name;
  if (why.length === 0) throw new TransientError(`the CRD ${name} is applied but not established yet`);
  throw new BlockedError(`the CRD ${name} is applied but not established yet: ${why.join('; ')}`);
}
