import { CancelledError } from '#model/errors.ts';
import { createClock, type VirtualClock } from './clock.ts';
import { allStates, type Machine, type Region } from './definition.ts';
import { AslError, errorOutput, PAYLOAD_LIMIT, payloadBytes } from './errors.ts';
import { type Execution, executionArn, StartRefused, type StartRequest, type Surroundings, type TaskFunction } from './execution.ts';
import { createFaults, type Fault } from './faults.ts';
import { createHistory } from './history.ts';
import { loadMachine } from './load.ts';
import { createScope, Interrupted } from './scope.ts';
import { runRegion } from './states.ts';
import { createTokens, type Tokens } from './tokens.ts';

export interface WorldOptions {
  /** Definitions by name, as JSON. */
  readonly machines: Readonly<Record<string, unknown>>;
  readonly task: TaskFunction;
  readonly faults?: readonly Fault[];
  /** Steps or states that run although their execution was cancelled. None by default. */
  readonly cleanUpSteps?: ReadonlySet<string>;
  /** Whether a timeout of a Task or machine stops the nested execution it waits for. Not by default: AWS documents no such thing. */
  readonly timeoutAbortsChildren?: boolean;
  /** Called when an execution ends FAILED, TIMED_OUT or ABORTED, as an EventBridge rule would. Not for children of a Map. */
  readonly onEnded?: (execution: Execution) => void;
  /** When the virtual clock starts (milliseconds since 1970). */
  readonly startsAt?: number;
  /** Another clock than the virtual one. */
  readonly clock?: VirtualClock;
}

/** State machines in process, under AWS' rules and a virtual clock. */
export interface World extends Pick<Tokens, 'sendTaskSuccess' | 'sendTaskFailure' | 'sendTaskHeartbeat'> {
  readonly executions: readonly Execution[];
  /** StartExecution. The answer runs on when the world does. @throws StartRefused */
  start(machine: string, name: string, input: unknown): Execution;
  /** Starts an execution and runs the world until it is closed. @throws StartRefused */
  run(machine: string, name: string, input: unknown): Promise<Execution>;
  /** Runs the world until every execution is closed. */
  settle(): Promise<void>;
  /** Runs the world until the condition holds. @throws Error when nothing goes on any more */
  until(condition: () => boolean): Promise<void>;
  /** Lets virtual time pass. */
  pass(seconds: number): Promise<void>;
  /** StopExecution. */
  stop(execution: Execution, error?: string, cause?: string): void;
  /** Writes the cancel marker. */
  cancel(execution: string): void;
  find(machine: string, name?: string): Execution | undefined;
  /** Milliseconds since 1970. */
  now(): number;
  /** Injected faults that never struck. */
  unusedFaults(): readonly Fault[];
}

const DAY = 86_400_000;
/** A name of a closed execution is free again after 90 days. */
const NAME_BLOCKED = 90 * DAY;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the rule of AWS names them
const NAME = /^[^\s<>{}[\]?*"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f]{1,80}$/;

export function createWorld(options: WorldOptions): World {
  const machines = new Map(Object.entries(options.machines).map(([name, json]) => [name, loadMachine(name, json)]));
  const clock = options.clock ?? createClock(options.startsAt ?? Date.UTC(2026, 0, 1));
  const faults = createFaults(options.faults ?? []);
  const tokens = createTokens(clock);
  const executions: Execution[] = [];
  const cancelled = new Set<string>();
  const bugs: unknown[] = [];

  const surroundings: Surroundings = {
    clock,
    faults,
    timeoutAbortsChildren: options.timeoutAbortsChildren ?? false,
    task: async (call) => {
      const cleansUp = [call.step, call.state].some((name) => options.cleanUpSteps?.has(name) === true);
      if (cancelled.has(call.execution) && !cleansUp) throw new CancelledError('cancelled by a test');
      return options.task(call);
    },
    start: (request) => start(request),
    useName: (request) => close(start(request), 'SUCCEEDED', { output: null }),
    startMapChild: (parent, state, index, input) => {
      const machine = machines.get(parent.machine) as Machine;
      const name = `${parent.name}:${state}:${index}`;
      return launch(
        'map-child',
        { machine: parent.machine, name, input, parent: { execution: parent, state } },
        mapRegion(machine, state),
        undefined,
      );
    },
    stop: (execution, error, cause) =>
      close(execution, 'ABORTED', { ...(error === undefined ? {} : { error }), ...(cause === undefined ? {} : { cause }) }),
    timeOut: (execution) => close(execution, 'TIMED_OUT', { error: 'States.Timeout' }),
    cancel: (execution) => cancelled.add(execution),
    issueToken: (state) => tokens.issue(state),
  };

  function start(request: StartRequest): Execution {
    const machine = machines.get(request.machine);
    if (machine === undefined) throw new StartRefused('StateMachineDoesNotExist', `there is no state machine ${request.machine}`);
    if (!NAME.test(request.name)) throw new StartRefused('InvalidName', `not a name of an execution: '${request.name}'`);
    if (payloadBytes(request.input) > PAYLOAD_LIMIT) throw new StartRefused('InvalidExecutionInput', 'the input is larger than 256 KiB');
    const earlier = executions.findLast((one) => one.kind !== 'map-child' && one.machine === request.machine && one.name === request.name);
    if (earlier !== undefined) {
      const same = JSON.stringify(earlier.input) === JSON.stringify(request.input);
      if (earlier.status === 'RUNNING' && same) return earlier;
      const free = earlier.stoppedAt !== undefined && clock.now() - earlier.stoppedAt > NAME_BLOCKED;
      if (!free) throw new StartRefused('ExecutionAlreadyExists', `Execution Already Exists: '${earlier.arn}'`);
    }
    return launch(request.parent === undefined ? 'root' : 'nested', request, machine, machine.TimeoutSeconds);
  }

  const closers = new Map<Execution, () => void>();

  function launch(kind: Execution['kind'], request: StartRequest, region: Region, timeoutSeconds: number | undefined): Execution {
    const scope = createScope();
    let closer: () => void = () => undefined;
    const execution: Execution = {
      ...{ kind, machine: request.machine, name: request.name, arn: executionArn(request.machine, request.name) },
      input: structuredClone(request.input),
      ...(request.parent === undefined ? {} : { parent: request.parent }),
      startedAt: clock.now(),
      scope,
      history: createHistory(clock.now, scope),
      status: 'RUNNING',
      largestPayload: payloadBytes(request.input),
      closed: new Promise((resolve) => {
        closer = resolve;
      }),
    };
    executions.push(execution);
    closers.set(execution, closer);
    void live(execution, region, timeoutSeconds);
    return execution;
  }

  async function live(execution: Execution, region: Region, timeoutSeconds: number | undefined): Promise<void> {
    const timer = timeoutSeconds === undefined ? undefined : clock.at(clock.now() + timeoutSeconds * 1000);
    void timer?.reached.then(() => surroundings.timeOut(execution));
    try {
      execution.history.add('ExecutionStarted', { input: execution.input });
      // A start only puts the execution there; its first state comes after the starter has gone on.
      await Promise.resolve();
      const output = await runRegion({ execution, world: surroundings, scope: execution.scope }, region, execution.input);
      close(execution, 'SUCCEEDED', { output });
    } catch (thrown) {
      if (thrown instanceof AslError) {
        const { Error: error, Cause: cause } = errorOutput(thrown);
        close(execution, 'FAILED', { error, cause });
      } else if (thrown instanceof Interrupted) {
        // Stopped or timed out: closed already. A full history fails the execution.
        close(execution, 'FAILED', {
          error: 'States.Runtime',
          cause: 'The execution reached the maximum number of history events (25000).',
        });
      } else bugs.push(thrown);
    } finally {
      timer?.off();
    }
  }

  function close(
    execution: Execution,
    status: Exclude<Execution['status'], 'RUNNING'>,
    end: { output?: unknown; error?: string; cause?: string },
  ): void {
    if (execution.status !== 'RUNNING') return;
    Object.assign(execution, { status, stoppedAt: clock.now(), ...end });
    execution.history.close(CLOSING_EVENT[status], end);
    execution.scope.cancel(status === 'ABORTED' ? 'stopped' : status === 'TIMED_OUT' ? 'timed-out' : 'attempt-over');
    closers.get(execution)?.();
    if (status !== 'SUCCEEDED' && execution.kind !== 'map-child') options.onEnded?.(execution);
  }

  const until = async (condition: () => boolean): Promise<void> => {
    await clock.runUntil(
      () => bugs.length > 0 || condition(),
      () => running(executions),
    );
    if (bugs.length > 0) throw bugs[0];
  };

  return {
    executions,
    start: (machine, name, input) => start({ machine, name, input }),
    run: async (machine, name, input) => {
      const execution = start({ machine, name, input });
      await until(() => execution.status !== 'RUNNING');
      return execution;
    },
    settle: () => until(() => executions.every(({ status }) => status !== 'RUNNING')),
    until,
    async pass(seconds) {
      let reached = false;
      void clock.at(clock.now() + seconds * 1000).reached.then(() => {
        reached = true;
      });
      await until(() => reached);
    },
    stop: surroundings.stop,
    cancel: surroundings.cancel,
    find: (machine, name) => executions.find((one) => one.machine === machine && (name === undefined || one.name === name)),
    now: clock.now,
    unusedFaults: faults.unused,
    sendTaskSuccess: tokens.sendTaskSuccess,
    sendTaskFailure: tokens.sendTaskFailure,
    sendTaskHeartbeat: tokens.sendTaskHeartbeat,
  };
}

const CLOSING_EVENT = {
  SUCCEEDED: 'ExecutionSucceeded',
  FAILED: 'ExecutionFailed',
  ABORTED: 'ExecutionAborted',
  TIMED_OUT: 'ExecutionTimedOut',
};

function running(executions: readonly Execution[]): string {
  const open = executions.filter(({ status }) => status === 'RUNNING');
  return open.map((one) => `${one.machine} ${one.name} is at ${one.history.entered().at(-1) ?? 'its start'}`).join('; ');
}

function mapRegion(machine: Machine, state: string): Region {
  return allStates(machine).find(({ name }) => name === state)?.state.ItemProcessor as Region;
}
