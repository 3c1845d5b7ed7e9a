import type { VirtualClock } from './clock.ts';
import type { Faults } from './faults.ts';
import type { History } from './history.ts';
import type { Scope } from './scope.ts';

type Status = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

/** One execution of a machine, or one child of a DISTRIBUTED Map. Closed once `status` is not RUNNING. */
export interface Execution {
  readonly kind: 'root' | 'nested' | 'map-child';
  readonly machine: string;
  readonly name: string;
  readonly arn: string;
  readonly input: unknown;
  readonly parent?: { readonly execution: Execution; readonly state: string };
  readonly startedAt: number;
  readonly scope: Scope;
  readonly history: History;
  status: Status;
  output?: unknown;
  error?: string;
  cause?: string;
  stoppedAt?: number;
  /** Largest payload that any state had (bytes). */
  largestPayload: number;
  /** Settles when the execution is closed; never rejects. */
  readonly closed: Promise<void>;
}

/** What a task function gets: the call that the state's Parameters make, and who calls. */
export interface TaskCall {
  readonly step: string;
  readonly machine: string;
  readonly state: string;
  readonly execution: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly with: Readonly<Record<string, unknown>>;
  /** The whole payload as sent. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** The function named by the Task's Resource: the logical name, or the ARN. */
  readonly target: string;
  /** How often this state of this execution has called by now, from 1. */
  readonly attempt: number;
  /** Set for `.waitForTaskToken`, wherever the payload has it. */
  readonly token?: string;
  /** Lets virtual time pass (seconds). */
  sleep(seconds: number): Promise<void>;
}

/** Answers a call, or throws an error whose name the machine's Retry and Catch match on. */
export type TaskFunction = (call: TaskCall) => Promise<unknown>;

export interface StartRequest {
  readonly machine: string;
  readonly name: string;
  readonly input: unknown;
  readonly parent?: { readonly execution: Execution; readonly state: string };
}

/** What the interpreter of one execution needs of the world around it. */
export interface Surroundings {
  readonly clock: VirtualClock;
  readonly faults: Faults;
  /** A timeout leaves nested executions running unless this is set. */
  readonly timeoutAbortsChildren: boolean;
  /** Runs the task function, after a look for the cancel marker. */
  task(call: TaskCall): Promise<unknown>;
  /** @throws StartRefused */
  start(request: StartRequest): Execution;
  /** Leaves a closed execution of this name behind. */
  useName(request: StartRequest): void;
  startMapChild(parent: Execution, state: string, index: number, input: unknown): Execution;
  stop(execution: Execution, error?: string, cause?: string): void;
  timeOut(execution: Execution): void;
  /** Writes the cancel marker. */
  cancel(execution: string): void;
  /** Makes a task token; `answer` settles by SendTaskSuccess or SendTaskFailure. */
  issueToken(state: string): IssuedToken;
}

export interface IssuedToken {
  readonly token: string;
  readonly answer: Promise<unknown>;
  /** When the last heartbeat came, or the token was made. */
  lastBeat(): number;
}

/** StartExecution refused; `code` as in the API, without `Exception`. */
export class StartRefused extends Error {
  override readonly name = 'StartRefused';
  readonly code: 'InvalidName' | 'ExecutionAlreadyExists' | 'StateMachineDoesNotExist' | 'InvalidExecutionInput';

  constructor(code: StartRefused['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** As DescribeExecution tells it, which is what a `.sync` parent gets. */
export function describeExecution(execution: Execution, parsed: boolean): Record<string, unknown> {
  const { status, output, error, cause } = execution;
  return {
    ExecutionArn: execution.arn,
    Input: parsed ? execution.input : JSON.stringify(execution.input),
    InputDetails: { Included: true },
    Name: execution.name,
    StartDate: execution.startedAt,
    StateMachineArn: machineArn(execution.machine),
    Status: status,
    ...(execution.stoppedAt === undefined ? {} : { StopDate: execution.stoppedAt }),
    ...(status === 'SUCCEEDED' ? { Output: parsed ? output : JSON.stringify(output), OutputDetails: { Included: true } } : {}),
    ...(error === undefined ? {} : { Error: error }),
    ...(cause === undefined ? {} : { Cause: cause }),
  };
}

export function machineArn(machine: string): string {
  return `arn:aws:states:eu-central-1:111111111111:stateMachine:${machine}`;
}

export function executionArn(machine: string, name: string): string {
  return `arn:aws:states:eu-central-1:111111111111:execution:${machine}:${name}`;
}
