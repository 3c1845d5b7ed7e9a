import { integrationOf, type State } from './definition.ts';
import { AslError, errorOutput, fromException, PAYLOAD_LIMIT } from './errors.ts';
import type { Execution, IssuedToken, TaskCall } from './execution.ts';
import type { Fault } from './faults.ts';
import { applyStrike, type Visit } from './frame.ts';
import { nestedExecution } from './nested.ts';
import type { Work } from './recovery.ts';
import type { Scope } from './scope.ts';
import { secondsOf } from './templates.ts';

/** One attempt of a Task: its call or nested execution, within its TimeoutSeconds. */
export const runTask: Work = async (visit, effective, context, token) => {
  const { state, frame, name } = visit;
  const { execution, world } = frame;
  const events = integrationOf(state).kind === 'lambda' ? 'LambdaFunction' : 'Task';
  const scope = frame.scope.child();
  const seconds = secondsOf(state, 'TimeoutSeconds', visit.input, context);
  const timer = seconds === undefined ? undefined : world.clock.at(world.clock.now() + seconds * 1000);
  execution.history.add(`${events}Scheduled`, {
    name,
    parameters: effective,
    ...(seconds === undefined ? {} : { timeoutInSeconds: seconds }),
  });
  execution.history.add(`${events}Started`, { name });
  try {
    const work = perform(visit, effective, context, scope, token);
    const ends = timer === undefined ? [work] : [work, timer.reached.then(() => Promise.reject(new AslError('States.Timeout')))];
    const output = await scope.guard(Promise.race(ends));
    execution.history.add(`${events}Succeeded`, { name, output });
    return output;
  } catch (thrown) {
    if (!(thrown instanceof AslError)) throw thrown;
    const timedOut = thrown.error === 'States.Timeout' || thrown.error === 'States.HeartbeatTimeout';
    const { Error: error, Cause: cause } = errorOutput(thrown);
    execution.history.add(`${events}${timedOut ? 'TimedOut' : 'Failed'}`, { name, error, cause });
    throw thrown;
  } finally {
    timer?.off();
    scope.cancel('attempt-over');
  }
};

async function perform(visit: Visit, effective: unknown, context: unknown, scope: Scope, token: IssuedToken | undefined): Promise<unknown> {
  const { kind, pattern } = integrationOf(visit.state);
  const { execution, world } = visit.frame;
  const faults = world.faults.striking(execution.machine, execution.name, visit.name, 'call');
  const [before, after] = [faults.filter(({ when }) => when !== 'after'), faults.filter(({ when }) => when === 'after')];
  await strike(visit, before);
  const output =
    kind === 'start-execution'
      ? await nestedExecution(visit, effective, pattern, scope, before)
      : await invoke(visit, effective, kind === 'lambda-invoke', token);
  await strike(visit, after);
  const answer = token === undefined ? output : await tokenAnswer(visit, context, scope, token);
  return faults.some((fault) => fault.kind === 'oversize') ? { oversize: 'x'.repeat(PAYLOAD_LIMIT) } : answer;
}

async function strike(visit: Visit, faults: readonly Fault[]): Promise<void> {
  for (const fault of faults) {
    applyStrike(visit.frame, fault);
    if (fault.kind === 'error') throw new AslError(fault.error, fault.cause ?? `injected at ${visit.name}`);
    if (fault.kind === 'task-timeout') await new Promise(() => undefined);
  }
}

const calls = new WeakMap<Execution, Map<string, number>>();

function countCall(execution: Execution, state: string): number {
  const counts = calls.get(execution) ?? new Map<string, number>();
  calls.set(execution, counts);
  const count = (counts.get(state) ?? 0) + 1;
  counts.set(state, count);
  return count;
}

async function invoke(visit: Visit, effective: unknown, wrapped: boolean, token: IssuedToken | undefined): Promise<unknown> {
  const { frame, name, state } = visit;
  const { execution, world } = frame;
  const { Payload, FunctionName } = (wrapped ? effective : { Payload: effective, FunctionName: targetOf(state) }) as Record<
    string,
    unknown
  >;
  const payload = JSON.parse(JSON.stringify(Payload ?? {})) as Record<string, unknown>;
  const call: TaskCall = {
    step: String(payload['step'] ?? name),
    machine: execution.machine,
    state: name,
    execution: execution.name,
    input: (payload['input'] ?? payload) as Record<string, unknown>,
    with: (payload['with'] ?? {}) as Record<string, unknown>,
    payload,
    target: String(FunctionName),
    attempt: countCall(execution, name),
    ...(token === undefined ? {} : { token: token.token }),
    sleep: (seconds) => world.clock.pass(seconds * 1000),
  };
  const result = await world.clock.work(() => world.task(call)).catch((thrown: unknown) => Promise.reject(fromException(thrown)));
  const answer: unknown = JSON.parse(JSON.stringify(result ?? null));
  return wrapped ? { ExecutedVersion: '$LATEST', Payload: answer, StatusCode: 200 } : answer;
}

function targetOf(state: State): string {
  return typeof state.Resource === 'object' ? String(state.Resource['Fn::GetAtt'][0]) : String(state.Resource);
}

async function tokenAnswer(visit: Visit, context: unknown, scope: Scope, token: IssuedToken): Promise<unknown> {
  const { clock } = visit.frame.world;
  const seconds = secondsOf(visit.state, 'HeartbeatSeconds', visit.input, context);
  if (seconds === undefined) return scope.guard(token.answer);
  for (;;) {
    const timer = clock.at(token.lastBeat() + seconds * 1000);
    const silent = timer.reached.then(() => 'silent' as const);
    const first = await scope.guard(Promise.race([token.answer.then((answer) => ({ answer })), silent])).finally(timer.off);
    if (first !== 'silent') return first.answer;
    if (token.lastBeat() + seconds * 1000 <= clock.now()) throw new AslError('States.HeartbeatTimeout');
  }
}
