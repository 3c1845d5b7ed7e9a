import type { ItemProcessor, Region } from './definition.ts';
import { AslError, limitPayload } from './errors.ts';
import { contextOf, type Frame, type MapItem, type Visit } from './frame.ts';
import { requirePath } from './paths.ts';
import type { Scope } from './scope.ts';
import { fillTemplate, secondsOf } from './templates.ts';

type RunRegion = (frame: Frame, region: Region, input: unknown) => Promise<unknown>;

/** An INLINE Map runs at most this many iterations at once, whatever MaxConcurrency says. */
const INLINE_CONCURRENCY = 40;
const DISTRIBUTED_CONCURRENCY = 10_000;

export async function runParallel(visit: Visit, effective: unknown, runRegion: RunRegion): Promise<unknown> {
  const { history } = visit.frame.execution;
  const branches = visit.state.Branches ?? [];
  history.add('ParallelStateStarted', { name: visit.name });
  const outputs = await reportFailure(visit, 'ParallelStateFailed', () =>
    together(visit.frame.scope, branches.length, branches, (branch, scope) => runRegion({ ...visit.frame, scope }, branch, effective)),
  );
  history.add('ParallelStateSucceeded', { name: visit.name });
  return outputs;
}

export async function runInlineMap(visit: Visit, effective: unknown, context: unknown, runRegion: RunRegion): Promise<unknown> {
  const { history } = visit.frame.execution;
  const items = itemsOf(visit, effective, context);
  const limit = Math.min(concurrency(visit, effective, context) ?? INLINE_CONCURRENCY, INLINE_CONCURRENCY);
  history.add('MapStateStarted', { name: visit.name, length: items.length });
  const outputs = await reportFailure(visit, 'MapStateFailed', () =>
    together(visit.frame.scope, limit, items, async (item, scope) => {
      history.add('MapIterationStarted', { name: visit.name, index: item.Index });
      const output = await runRegion({ ...visit.frame, scope, item }, processor(visit), selected(visit, effective, item));
      history.add('MapIterationSucceeded', { name: visit.name, index: item.Index });
      return output;
    }),
  );
  history.add('MapStateSucceeded', { name: visit.name });
  return outputs;
}

/**
 * Each child is an execution of its own with a history of its own. Results are the outputs of the children that
 * succeeded. Over the tolerated failures the run fails and running children are aborted.
 */
export async function runDistributedMap(visit: Visit, effective: unknown, context: unknown): Promise<unknown> {
  const { execution, world, scope } = visit.frame;
  const items = itemsOf(visit, effective, context);
  const limit = concurrency(visit, effective, context) ?? DISTRIBUTED_CONCURRENCY;
  execution.history.add('MapRunStarted', { name: visit.name, length: items.length });
  let failed = 0;
  const outputs = await reportFailure(visit, 'MapRunFailed', () =>
    together(scope, limit, items, async (item, inner) => {
      const input = selected(visit, effective, item);
      limitPayload(input, `The input of item ${item.Index} of '${visit.name}'`);
      const child = world.startMapChild(execution, visit.name, item.Index, input);
      inner.onCancel(() => world.stop(child));
      await inner.guard(child.closed);
      if (child.status === 'SUCCEEDED') return { output: child.output };
      failed += 1;
      if (overTolerance(visit, failed, items.length)) {
        throw new AslError('States.ExceedToleratedFailureThreshold', 'The specified tolerated failure threshold was exceeded');
      }
      return undefined;
    }),
  );
  execution.history.add('MapRunSucceeded', { name: visit.name, failed });
  return outputs.filter((one) => one !== undefined).map((one) => one.output);
}

function overTolerance({ state }: Visit, failed: number, total: number): boolean {
  const byCount = failed > (state.ToleratedFailureCount ?? 0);
  const byShare = (failed / total) * 100 > (state.ToleratedFailurePercentage ?? 0);
  if (state.ToleratedFailureCount === undefined) return byShare;
  return state.ToleratedFailurePercentage === undefined ? byCount : byCount || byShare;
}

function itemsOf(visit: Visit, effective: unknown, context: unknown): readonly MapItem[] {
  if (visit.state.ItemReader !== undefined) throw new Error(`${visit.name}: the interpreter has no ItemReader`);
  const items = requirePath(visit.state.ItemsPath ?? '$', effective, context, 'ItemsPath');
  if (!Array.isArray(items)) throw new AslError('States.Runtime', `ItemsPath of '${visit.name}' selects no array`);
  return items.map((Value: unknown, Index) => ({ Index, Value }));
}

/** 0 and absent mean no limit of one's own. */
function concurrency(visit: Visit, effective: unknown, context: unknown): number | undefined {
  const wanted = secondsOf(visit.state, 'MaxConcurrency', effective, context);
  return wanted === 0 ? undefined : wanted;
}

function selected(visit: Visit, effective: unknown, item: MapItem): unknown {
  if (visit.state.ItemSelector === undefined) return item.Value;
  return fillTemplate(visit.state.ItemSelector, effective, contextOf(visit, { item }));
}

function processor(visit: Visit): ItemProcessor {
  return visit.state.ItemProcessor as ItemProcessor;
}

/** Runs all, at most `limit` at once, in order; the first failure ends the others. */
async function together<T, R>(scope: Scope, limit: number, items: readonly T[], run: (item: T, scope: Scope) => Promise<R>): Promise<R[]> {
  const group = scope.child();
  const results: R[] = [];
  const waiting = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of waiting) {
      group.check();
      results[index] = await run(item, group.child());
    }
  };
  const workers = Array.from({ length: Math.min(limit, items.length) }, () =>
    worker().catch((thrown: unknown) => {
      group.cancel('sibling-failed');
      throw thrown;
    }),
  );
  const settled = await Promise.allSettled(workers);
  const failures = settled.filter((one) => one.status === 'rejected').map((one): unknown => one.reason);
  if (failures.length > 0) throw failures.find((failure) => failure instanceof AslError) ?? failures[0];
  return results;
}

async function reportFailure<T>(visit: Visit, event: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (thrown) {
    if (thrown instanceof AslError) visit.frame.execution.history.add(event, { name: visit.name, error: thrown.error });
    throw thrown;
  }
}
