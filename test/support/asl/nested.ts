import { AslError, CAUSE_LIMIT } from './errors.ts';
import { describeExecution, type Execution, StartRefused } from './execution.ts';
import type { Fault } from './faults.ts';
import type { Visit } from './frame.ts';
import type { Ending, Scope } from './scope.ts';

const PARAMETERS = ['StateMachineArn', 'Name', 'Input', 'TraceHeader'];

/**
 * `states:startExecution`: starts a machine of the registry and, for `.sync`, waits for its end.
 * @throws AslError StepFunctions.*Exception when the start is refused, States.TaskFailed when the child does not succeed
 */
export async function nestedExecution(
  visit: Visit,
  effective: unknown,
  pattern: 'request' | 'sync' | 'sync:2' | 'token',
  scope: Scope,
  faults: readonly Fault[],
): Promise<unknown> {
  const { execution, world } = visit.frame;
  const parameters = effective as Record<string, unknown>;
  const unknown = Object.keys(parameters).filter((key) => !PARAMETERS.includes(key));
  if (unknown.length > 0) throw new AslError('States.Runtime', `startExecution has no parameter ${unknown.join(', ')}`);
  const machine = machineOf(parameters['StateMachineArn']);
  const name = String(parameters['Name'] ?? `${execution.name}-${visit.name}-${execution.history.events.length}`);
  if (faults.some(({ kind }) => kind === 'name-reuse')) world.useName({ machine, name, input: {} });
  const child = startOrRefuse(visit, machine, name, parameters['Input'] ?? {});
  if (pattern === 'request') return { ExecutionArn: child.arn, StartDate: child.startedAt };
  execution.history.add('TaskSubmitted', { name: visit.name, output: { ExecutionArn: child.arn } });
  if (pattern === 'token') return undefined;
  scope.onCancel((why) => {
    if (child.status === 'RUNNING' && abortsChild(why, world.timeoutAbortsChildren)) world.stop(child);
  });
  await scope.guard(child.closed);
  if (child.status === 'SUCCEEDED') return describeExecution(child, pattern === 'sync:2');
  throw new AslError('States.TaskFailed', JSON.stringify(describeExecution(child, false)).slice(0, CAUSE_LIMIT));
}

/**
 * Step Functions stops a nested execution when its parent is stopped or a sibling branch fails (guide, "Run a Job
 * (.sync)"). For a timeout that is not documented: the test decides.
 */
function abortsChild(why: Ending, timeoutAbortsChildren: boolean): boolean {
  if (why === 'stopped' || why === 'sibling-failed') return true;
  return timeoutAbortsChildren && (why === 'timed-out' || why === 'attempt-over');
}

/** From an ARN, `{Ref: UpdateClusterStateMachine}`, or the machine's name itself. */
function machineOf(target: unknown): string {
  if (typeof target === 'object' && target !== null && 'Ref' in target) {
    const logical = String(target.Ref).replace(/StateMachine$/, '');
    return logical.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();
  }
  return /:stateMachine:([^:]+)/.exec(String(target))?.[1] ?? String(target);
}

function startOrRefuse(visit: Visit, machine: string, name: string, input: unknown): Execution {
  try {
    return visit.frame.world.start({ machine, name, input, parent: { execution: visit.frame.execution, state: visit.name } });
  } catch (thrown) {
    if (thrown instanceof StartRefused) throw new AslError(`StepFunctions.${thrown.code}Exception`, thrown.message);
    throw thrown;
  }
}
