import { integrationOf, type Retrier } from './definition.ts';
import { AslError, errorOutput, limitPayload, matchesError } from './errors.ts';
import type { IssuedToken } from './execution.ts';
import { contextOf, type Outcome, pause, type Visit } from './frame.ts';
import { applyPath, applyResultPath, fillTemplate } from './templates.ts';

/** The work of a Task, Parallel or Map on its effective input. */
export type Work = (visit: Visit, effective: unknown, context: Record<string, unknown>, token?: IssuedToken) => Promise<unknown>;

/** Runs the state with its input and output rules, its Retry and its Catch. @throws AslError when none of them takes it */
export async function withRecovery(visit: Visit, work: Work): Promise<Outcome> {
  const { state, frame, input } = visit;
  const retried = new Map<Retrier, number>();
  for (let retryCount = 0; ; retryCount += 1) {
    try {
      return { next: state.Next, output: await attempt(visit, retryCount, work) };
    } catch (thrown) {
      if (!(thrown instanceof AslError)) throw thrown;
      frame.scope.check();
      const retrier = state.Retry?.find(({ ErrorEquals }) => matchesError(ErrorEquals, thrown.error));
      const delay = retrier === undefined ? undefined : retryDelay(retrier, retried.get(retrier) ?? 0);
      if (retrier !== undefined && delay !== undefined) {
        retried.set(retrier, (retried.get(retrier) ?? 0) + 1);
        await pause(frame, delay * 1000);
        continue;
      }
      const catcher = state.Catch?.find(({ ErrorEquals }) => matchesError(ErrorEquals, thrown.error));
      if (catcher === undefined) throw thrown;
      return { next: catcher.Next, output: applyResultPath(catcher.ResultPath, input, errorOutput(thrown)) };
    }
  }
}

/** Seconds until the next try; undefined when the retrier has used up its attempts. */
function retryDelay(retrier: Retrier, used: number): number | undefined {
  if (used >= (retrier.MaxAttempts ?? 3)) return undefined;
  const delay = (retrier.IntervalSeconds ?? 1) * (retrier.BackoffRate ?? 2) ** used;
  return Math.min(delay, retrier.MaxDelaySeconds ?? Number.POSITIVE_INFINITY);
}

async function attempt(visit: Visit, retryCount: number, work: Work): Promise<unknown> {
  const { state, input, name, frame } = visit;
  const waits = state.Type === 'Task' && integrationOf(state).pattern === 'token';
  const token = waits ? frame.world.issueToken(name) : undefined;
  const context = contextOf(visit, { retryCount, ...(token === undefined ? {} : { token: token.token }) });
  const filtered = applyPath(state.InputPath, input, context, 'InputPath');
  const effective = state.Parameters === undefined ? filtered : fillTemplate(state.Parameters, filtered, context);
  limitPayload(effective, `The input of the state '${name}'`);
  const result = await work(visit, effective, context, token);
  limitPayload(result, `The result of the state '${name}'`);
  const selected = state.ResultSelector === undefined ? result : fillTemplate(state.ResultSelector, result, context);
  const output = applyPath(state.OutputPath, applyResultPath(state.ResultPath, input, selected), context, 'OutputPath');
  limitPayload(output, `The output of the state '${name}'`);
  return output;
}
