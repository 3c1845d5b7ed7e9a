/** The parts of Amazon States Language (JSONPath) that the interpreter runs. */
export interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds?: number;
  readonly BackoffRate?: number;
  readonly MaxAttempts?: number;
  readonly MaxDelaySeconds?: number;
  readonly JitterStrategy?: 'FULL' | 'NONE';
}

interface Catcher {
  readonly ErrorEquals: readonly string[];
  readonly ResultPath?: string | null;
  readonly Next: string;
}

/** A Choice rule: one comparison, or And, Or, Not over rules. */
export interface ChoiceRule {
  readonly Variable?: string;
  readonly Next?: string;
  readonly And?: readonly ChoiceRule[];
  readonly Or?: readonly ChoiceRule[];
  readonly Not?: ChoiceRule;
  readonly [comparison: string]: unknown;
}

export interface Region {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}

export interface ItemProcessor extends Region {
  readonly ProcessorConfig?: { readonly Mode?: 'INLINE' | 'DISTRIBUTED'; readonly ExecutionType?: 'STANDARD' | 'EXPRESS' };
}

export type StateType = 'Task' | 'Choice' | 'Wait' | 'Pass' | 'Succeed' | 'Fail' | 'Parallel' | 'Map';

export interface State {
  readonly Type: StateType;
  readonly Comment?: string;
  readonly Next?: string;
  readonly End?: boolean;
  readonly InputPath?: string | null;
  readonly OutputPath?: string | null;
  readonly ResultPath?: string | null;
  readonly Parameters?: unknown;
  readonly ResultSelector?: unknown;
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly Catcher[];
  readonly Resource?: string | { readonly 'Fn::GetAtt': readonly string[] };
  readonly TimeoutSeconds?: number;
  readonly TimeoutSecondsPath?: string;
  readonly HeartbeatSeconds?: number;
  readonly HeartbeatSecondsPath?: string;
  readonly Choices?: readonly ChoiceRule[];
  readonly Default?: string;
  readonly Seconds?: number;
  readonly SecondsPath?: string;
  readonly Timestamp?: string;
  readonly TimestampPath?: string;
  readonly Result?: unknown;
  readonly Error?: string;
  readonly ErrorPath?: string;
  readonly Cause?: string;
  readonly CausePath?: string;
  readonly Branches?: readonly Region[];
  readonly ItemProcessor?: ItemProcessor;
  readonly ItemsPath?: string;
  readonly ItemReader?: unknown;
  readonly ItemSelector?: unknown;
  readonly MaxConcurrency?: number;
  readonly MaxConcurrencyPath?: string;
  readonly ToleratedFailurePercentage?: number;
  readonly ToleratedFailureCount?: number;
  readonly Label?: string;
}

export interface Machine extends Region {
  readonly Comment?: string;
  readonly TimeoutSeconds?: number;
}

/** How a Task's Resource is run. */
export interface Integration {
  readonly kind: 'lambda' | 'lambda-invoke' | 'start-execution';
  readonly pattern: 'request' | 'sync' | 'sync:2' | 'token';
}

/** @throws Error for a Resource that the interpreter does not know */
export function integrationOf(state: State): Integration {
  const { Resource } = state;
  if (Resource === undefined) throw new Error('a Task needs a Resource');
  if (typeof Resource !== 'string' || Resource.startsWith('arn:aws:lambda:')) return { kind: 'lambda', pattern: 'request' };
  const known = /^arn:aws:states:::(lambda:invoke|states:startExecution)(\.sync:2|\.sync|\.waitForTaskToken)?$/.exec(Resource);
  if (known === null) throw new Error(`the interpreter does not know the Resource ${Resource}`);
  const kind = known[1] === 'lambda:invoke' ? 'lambda-invoke' : 'start-execution';
  const suffix = known[2];
  if (kind === 'lambda-invoke' && suffix?.startsWith('.sync')) throw new Error(`${Resource}: Lambda has no .sync`);
  const pattern = suffix === undefined ? 'request' : suffix === '.waitForTaskToken' ? 'token' : suffix === '.sync' ? 'sync' : 'sync:2';
  return { kind, pattern };
}

/** True when the children of a Map are executions of their own. */
export function isDistributed(state: State): boolean {
  return state.ItemProcessor?.ProcessorConfig?.Mode === 'DISTRIBUTED';
}

/** The regions directly inside a state: branches of a Parallel, the processor of a Map. */
export function regionsIn(state: State): readonly Region[] {
  return [...(state.Branches ?? []), ...(state.ItemProcessor === undefined ? [] : [state.ItemProcessor])];
}

export interface Located {
  readonly name: string;
  readonly state: State;
  /** States that hold this one, outermost first. */
  readonly parents: readonly State[];
}

/** All states of a machine, those inside of Parallel and Map included. */
export function allStates(region: Region, parents: readonly State[] = []): Located[] {
  return Object.entries(region.States).flatMap(([name, state]) => [
    { name, state, parents },
    ...regionsIn(state).flatMap((inner) => allStates(inner, [...parents, state])),
  ]);
}
