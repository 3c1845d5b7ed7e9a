import { choose } from './choice.ts';
import { isDistributed, type Region, type State, type StateType } from './definition.ts';
import { AslError, limitPayload } from './errors.ts';
import { applyStrike, contextOf, type Frame, type Outcome, pause, type Visit } from './frame.ts';
import { runDistributedMap, runInlineMap, runParallel } from './groups.ts';
import { requirePath } from './paths.ts';
import { withRecovery } from './recovery.ts';
import { runTask } from './task.ts';
import { applyPath, applyResultPath, fillTemplate, resolve, secondsOf } from './templates.ts';

/** Runs states from StartAt to an end and answers the output of the last. @throws AslError, Interrupted */
export async function runRegion(frame: Frame, region: Region, input: unknown): Promise<unknown> {
  let name = region.StartAt;
  let data = input;
  for (;;) {
    const outcome = await runState(frame, name, region.States[name] as State, data);
    data = outcome.output;
    if (outcome.next === undefined) return data;
    name = outcome.next;
  }
}

async function runState(frame: Frame, name: string, state: State, input: unknown): Promise<Outcome> {
  const { execution, world, scope } = frame;
  scope.check();
  execution.history.add(`${state.Type}StateEntered`, { name, input });
  for (const fault of world.faults.striking(execution.machine, execution.name, name, 'entry')) applyStrike(frame, fault);
  scope.check();
  const outcome = await RUN[state.Type]({ frame, name, state, input, enteredAt: world.clock.now() });
  const bytes = limitPayload(outcome.output, `The output of the state '${name}'`);
  execution.largestPayload = Math.max(execution.largestPayload, bytes);
  execution.history.add(`${state.Type}StateExited`, { name, output: outcome.output });
  return outcome;
}

const RUN: Readonly<Record<StateType, (visit: Visit) => Promise<Outcome>>> = {
  Task: (visit) => withRecovery(visit, runTask),
  Parallel: (visit) => withRecovery(visit, (inner, effective) => runParallel(inner, effective, runRegion)),
  Map: (visit) =>
    withRecovery(visit, (inner, effective, context) =>
      isDistributed(inner.state) ? runDistributedMap(inner, effective, context) : runInlineMap(inner, effective, context, runRegion),
    ),
  Choice: async (visit) => {
    const { state, input } = visit;
    const context = contextOf(visit);
    const filtered = applyPath(state.InputPath, input, context, 'InputPath');
    return { next: choose(state, visit.name, filtered, context), output: applyPath(state.OutputPath, filtered, context, 'OutputPath') };
  },
  Wait: async (visit) => {
    const { state, input, frame } = visit;
    const context = contextOf(visit);
    const filtered = applyPath(state.InputPath, input, context, 'InputPath');
    await pause(frame, waitUntil(visit, filtered, context) - frame.world.clock.now());
    return flow(state, applyPath(state.OutputPath, filtered, context, 'OutputPath'));
  },
  Pass: async (visit) => {
    const { state, input } = visit;
    const context = contextOf(visit);
    const filtered = applyPath(state.InputPath, input, context, 'InputPath');
    const effective = state.Parameters === undefined ? filtered : fillTemplate(state.Parameters, filtered, context);
    const result = state.Result === undefined ? effective : state.Result;
    return flow(state, applyPath(state.OutputPath, applyResultPath(state.ResultPath, input, result), context, 'OutputPath'));
  },
  Succeed: async (visit) => {
    const { state, input } = visit;
    const context = contextOf(visit);
    const filtered = applyPath(state.InputPath, input, context, 'InputPath');
    return { next: undefined, output: applyPath(state.OutputPath, filtered, context, 'OutputPath') };
  },
  Fail: async (visit) => {
    throw new AslError(failText(visit, 'Error'), failText(visit, 'Cause'));
  },
};

function flow(state: State, output: unknown): Outcome {
  return { next: state.Next, output };
}

function waitUntil(visit: Visit, filtered: unknown, context: unknown): number {
  const { state } = visit;
  const seconds = secondsOf(state, 'Seconds', filtered, context);
  if (seconds !== undefined) return visit.enteredAt + seconds * 1000;
  const timestamp =
    state.TimestampPath === undefined ? state.Timestamp : requirePath(state.TimestampPath, filtered, context, 'TimestampPath');
  const time = Date.parse(String(timestamp));
  if (Number.isNaN(time)) throw new AslError('States.Runtime', `Wait: ${JSON.stringify(timestamp)} is no timestamp`);
  return time;
}

function failText(visit: Visit, field: 'Error' | 'Cause'): string {
  const path = visit.state[`${field}Path`];
  if (path === undefined) return visit.state[field] ?? '';
  const value = resolve(path, visit.input, contextOf(visit), `${field}Path`);
  if (typeof value !== 'string') throw new AslError('States.Runtime', `${field}Path '${path}' is no string`);
  return value;
}
