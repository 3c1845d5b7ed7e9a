import * as z from 'zod';
import { inApplyOrder } from '#domain/apply-order.ts';
import { contradictions, formatId, INVENTORY, idOf, readInventory, toId, withComponents, writeInventory } from '#domain/inventory.ts';
import { RefusedError, TransientError } from '#model/errors.ts';
import { Condition } from '#model/kubernetes.ts';
import type { Manifest, Render, RenderedComponent } from '#model/render.ts';
import type { ApplyResult, Kubernetes } from '#ports/kubernetes.ts';
import { defineStep } from '#ports/step.ts';
import { type ClusterPorts, componentsOf, readRender, WithPhase } from './ports.ts';

/** Requests at a time: fast enough for hundreds of objects, and far below the API server's own limits. */
const PARALLEL = 8;
/** How often a new CRD is looked at before the state machine is asked to retry. */
const LOOKS_AT_CRD = 20;
const SHOWN = 10;

const Failure = z.object({ object: z.string(), reason: z.string() });

/**
 * Applies the components of a phase by server-side apply, kinds in rank order. What it is about to apply is written to
 * the inventory first. An object that the API refuses, or that another field owner holds, fails the step by name.
 */
export const applyComponents = defineStep({
  name: 'apply-components',
  input: WithPhase,
  output: z.object({
    applied: z.int(),
    changed: z.int(),
    unchanged: z.int(),
    conflicts: z.array(Failure),
    refused: z.array(Failure),
  }),
  async run(input, ports: ClusterPorts) {
    const render = await readRender(input, ports.objects);
    const kubernetes = await ports.kubernetes(input.cluster);
    const components = componentsOf(render, input.phase);
    if (input.phase !== 'workloads') await deleteBefore(render, kubernetes);
    if (components.length > 0) await claim(render, components, kubernetes);
    const results: ApplyResult[] = [];
    for (const group of inApplyOrder(components.flatMap(({ objects }) => objects))) {
      const applied = await inParallel(group, (object) => kubernetes.apply(object));
      refuseFailures(applied);
      results.push(...applied);
      for (const object of group) if (object.kind === 'CustomResourceDefinition') await established(object, kubernetes);
    }
    const count = (...outcomes: ApplyResult['outcome'][]): number => results.filter(({ outcome }) => outcomes.includes(outcome)).length;
    return { applied: results.length, changed: count('created', 'changed'), unchanged: count('unchanged'), conflicts: [], refused: [] };
  },
});

/** Runs `work` on all, a few at a time; results in the given order. */
export async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += PARALLEL) {
    results.push(...(await Promise.all(items.slice(start, start + PARALLEL).map(work))));
  }
  return results;
}

async function deleteBefore(render: Render, kubernetes: Kubernetes): Promise<void> {
  const wrong = contradictions(render.deletions.before, render.components);
  if (wrong.length > 0) throw new RefusedError(`${wrong.join('; ')}: remove one of both`);
  await inParallel(render.deletions.before, (deletion) => kubernetes.delete(toId(deletion)));
}

/** Adds the objects to the inventory before they are applied: a run that breaks leaves no object without owner. */
async function claim(render: Render, components: readonly RenderedComponent[], kubernetes: Kubernetes): Promise<void> {
  const there = await kubernetes.get(INVENTORY);
  const before = readInventory(dataOf(there));
  const data = writeInventory(render.revision, withComponents(before, components), before);
  if (there !== undefined) {
    await kubernetes.patch(INVENTORY, { metadata: { resourceVersion: there.metadata['resourceVersion'] }, data });
    return;
  }
  const { apiVersion, kind, namespace, name } = INVENTORY;
  const labels = { 'app.kubernetes.io/managed-by': 'sluice' };
  const metadata = { name, labels, ...(namespace === undefined ? {} : { namespace }) };
  const result = await kubernetes.apply({ apiVersion, kind, metadata, data });
  refuseFailures([result]);
}

/** Data of a ConfigMap. */
export function dataOf(configMap: Manifest | undefined): Record<string, string> {
  return z.record(z.string(), z.string()).catch({}).parse(configMap?.['data']);
}

function refuseFailures(results: readonly ApplyResult[]): void {
  const failed = results.filter(({ outcome }) => outcome === 'conflict' || outcome === 'refused');
  if (failed.length === 0) return;
  const shown = failed.slice(0, SHOWN).map(({ id, outcome, reason }) => `${formatId(id)}: ${outcome}: ${reason ?? 'no reason given'}`);
  const more = failed.length > SHOWN ? ` (and ${failed.length - SHOWN} more)` : '';
  throw new RefusedError(`${failed.length} of ${results.length} objects were not applied: ${shown.join(' | ')}${more}`);
}

const Established = z.looseObject({ status: z.looseObject({ conditions: z.array(Condition).default([]) }).optional() });

/** @throws TransientError while the API does not serve the CRD's kind yet */
async function established(definition: Manifest, kubernetes: Kubernetes): Promise<void> {
  for (let look = 0; look < LOOKS_AT_CRD; look++) {
    const { status } = Established.parse((await kubernetes.get(idOf(definition))) ?? {});
    const conditions = status?.conditions ?? [];
    if (conditions.some(({ type, status: value }) => type === 'Established' && value === 'True')) return;
  }
  throw new TransientError(`the CRD ${definition.metadata.name} is applied but not established yet`);
}
