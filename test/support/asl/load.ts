import { allStates, integrationOf, isDistributed, type Machine, type Region, regionsIn, type State, type StateType } from './definition.ts';

const COMMON = ['Type', 'Comment', 'QueryLanguage'];
const FLOW = ['Next', 'End'];
const IO = ['InputPath', 'OutputPath'];
const RESULT = ['ResultPath', 'ResultSelector', 'Retry', 'Catch'];
const FIELDS: Readonly<Record<StateType, readonly string[]>> = {
  Task: [
    ...[...FLOW, ...IO, ...RESULT, 'Parameters', 'Resource'],
    ...['TimeoutSeconds', 'TimeoutSecondsPath', 'HeartbeatSeconds', 'HeartbeatSecondsPath'],
  ],
  Choice: [...IO, 'Choices', 'Default'],
  Wait: [...FLOW, ...IO, 'Seconds', 'SecondsPath', 'Timestamp', 'TimestampPath'],
  Pass: [...FLOW, ...IO, 'ResultPath', 'Parameters', 'Result'],
  Succeed: IO,
  Fail: ['Error', 'ErrorPath', 'Cause', 'CausePath'],
  Parallel: [...FLOW, ...IO, ...RESULT, 'Parameters', 'Branches'],
  Map: [
    ...[...FLOW, ...IO, ...RESULT, 'ItemProcessor', 'ItemsPath', 'ItemReader', 'ItemSelector', 'MaxConcurrency', 'MaxConcurrencyPath'],
    ...['ToleratedFailurePercentage', 'ToleratedFailureCount', 'Label'],
  ],
};
const MACHINE_FIELDS = ['Comment', 'StartAt', 'States', 'TimeoutSeconds', 'Version', 'QueryLanguage'];
/** No machine may be larger (quota of a request to Step Functions, bytes). */
const DEFINITION_LIMIT = 1_048_576;

/**
 * Takes a definition as JSON and checks what CreateStateMachine would refuse, and what the interpreter can't run.
 * @throws Error listing every problem
 */
export function loadMachine(name: string, json: unknown): Machine {
  const machine = json as Machine;
  const problems: string[] = [];
  if (JSON.stringify(json).length > DEFINITION_LIMIT) problems.push('the definition is larger than 1 MiB');
  for (const key of Object.keys(machine)) if (!MACHINE_FIELDS.includes(key)) problems.push(`unknown field ${key}`);
  problems.push(...regionProblems(machine));
  const names = allStates(machine).map((located) => located.name);
  for (const twice of names.filter((one, index) => names.indexOf(one) !== index)) problems.push(`two states are named ${twice}`);
  if (problems.length > 0) throw new Error(`state machine ${name} is invalid:\n${problems.join('\n')}`);
  return machine;
}

function regionProblems(region: Region): string[] {
  const problems = region.States[region.StartAt] === undefined ? [`StartAt names no state: ${region.StartAt}`] : [];
  for (const [name, state] of Object.entries(region.States)) {
    problems.push(...stateProblems(name, state, region).map((problem) => `${name}: ${problem}`));
    for (const inner of regionsIn(state)) problems.push(...regionProblems(inner));
  }
  return problems;
}

function stateProblems(name: string, state: State, region: Region): string[] {
  const known = FIELDS[state.Type];
  if (known === undefined) return [`unknown Type ${state.Type}`];
  const problems = Object.keys(state)
    .filter((key) => !known.includes(key) && !COMMON.includes(key))
    .map((key) => `a ${state.Type} state has no field ${key}`);
  if (name.length > 80) problems.push('a state name has at most 80 characters');
  for (const next of targets(state)) if (region.States[next] === undefined) problems.push(`goes to ${next}, which is not in its region`);
  const flows = known.includes('Next');
  if (flows && (state.Next === undefined) === (state.End !== true)) problems.push('needs exactly one of Next and End');
  problems.push(...wildcardProblems(state), ...retryProblems(state), ...kindProblems(state));
  return problems;
}

function targets(state: State): string[] {
  const next = [
    state.Next,
    state.Default,
    ...(state.Choices ?? []).map((rule) => rule.Next),
    ...(state.Catch ?? []).map((one) => one.Next),
  ];
  return next.filter((target) => target !== undefined);
}

/** `States.ALL` and `States.TaskFailed` stand alone; ALL is the last. */
function wildcardProblems(state: State): string[] {
  return [state.Retry ?? [], state.Catch ?? []].flatMap((entries) =>
    entries.flatMap((entry, index) => {
      const problems = entry.ErrorEquals.length === 0 ? ['ErrorEquals is empty'] : [];
      if (!entry.ErrorEquals.includes('States.ALL')) return problems;
      if (entry.ErrorEquals.length > 1) problems.push('States.ALL stands alone in ErrorEquals');
      if (index < entries.length - 1) problems.push('States.ALL is only allowed in the last Retry or Catch entry');
      return problems;
    }),
  );
}

function retryProblems(state: State): string[] {
  return (state.Retry ?? []).flatMap((retrier) => {
    const problems: string[] = [];
    if ((retrier.IntervalSeconds ?? 1) < 1) problems.push('IntervalSeconds is at least 1');
    if ((retrier.BackoffRate ?? 2) < 1) problems.push('BackoffRate is at least 1');
    if (retrier.MaxDelaySeconds !== undefined && retrier.MaxDelaySeconds <= (retrier.IntervalSeconds ?? 1))
      problems.push('MaxDelaySeconds is greater than IntervalSeconds');
    return problems;
  });
}

function kindProblems(state: State): string[] {
  if (state.Type === 'Task') {
    try {
      integrationOf(state);
    } catch (error) {
      return [String(error)];
    }
  }
  if (state.Type === 'Choice' && (state.Choices ?? []).length === 0) return ['Choices is empty'];
  if (state.Type === 'Parallel' && (state.Branches ?? []).length === 0) return ['Branches is empty'];
  if (state.Type !== 'Map') return [];
  if (state.ItemProcessor === undefined) return ['a Map needs an ItemProcessor'];
  if (state.ItemProcessor.ProcessorConfig?.ExecutionType === 'EXPRESS') return ['the interpreter runs no Express children'];
  const onlyDistributed = [state.ItemReader, state.ToleratedFailurePercentage, state.ToleratedFailureCount, state.Label];
  return !isDistributed(state) && onlyDistributed.some((field) => field !== undefined) ? ['has fields of a DISTRIBUTED Map'] : [];
}
