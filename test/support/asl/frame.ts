import type { State } from './definition.ts';
import { type Execution, machineArn, type Surroundings } from './execution.ts';
import type { Fault } from './faults.ts';
import type { Scope } from './scope.ts';

/** Where a state runs: in an execution, in a branch or iteration of it, or directly. */
export interface Frame {
  readonly execution: Execution;
  readonly world: Surroundings;
  readonly scope: Scope;
  /** Set inside an INLINE Map. */
  readonly item?: MapItem;
}

export interface MapItem {
  readonly Index: number;
  readonly Value: unknown;
}

/** One entry of a state. `input` is the raw input. */
export interface Visit {
  readonly frame: Frame;
  readonly name: string;
  readonly state: State;
  readonly input: unknown;
  readonly enteredAt: number;
}

/** Where the flow goes on; `next` undefined at the end of the region. */
export interface Outcome {
  readonly next: string | undefined;
  readonly output: unknown;
}

/** The context object, `$$`. */
export function contextOf(visit: Visit, more: { retryCount?: number; token?: string; item?: MapItem } = {}): Record<string, unknown> {
  const { execution, item } = visit.frame;
  const mapItem = more.item ?? item;
  return {
    Execution: {
      Id: execution.arn,
      Input: execution.input,
      Name: execution.name,
      RoleArn: 'arn:aws:iam::111111111111:role/states',
      StartTime: new Date(execution.startedAt).toISOString(),
      RedriveCount: 0,
    },
    State: { Name: visit.name, EnteredTime: new Date(visit.enteredAt).toISOString(), RetryCount: more.retryCount ?? 0 },
    StateMachine: { Id: machineArn(execution.machine), Name: execution.machine },
    ...(more.token === undefined ? {} : { Task: { Token: more.token } }),
    ...(mapItem === undefined ? {} : { Map: { Item: mapItem } }),
  };
}

/** Waits in the world's time. @throws Interrupted */
export async function pause(frame: Frame, milliseconds: number): Promise<void> {
  const { clock } = frame.world;
  const timer = clock.at(clock.now() + milliseconds * (clock.pauseScale ?? 1));
  try {
    await frame.scope.guard(timer.reached);
  } finally {
    timer.off();
  }
}

/** Does to the execution what an injected abort, machine timeout or cancel does; other faults are the task's. */
export function applyStrike(frame: Frame, fault: Fault): void {
  if (fault.kind === 'abort') frame.world.stop(frame.execution);
  if (fault.kind === 'machine-timeout') frame.world.timeOut(frame.execution);
  if (fault.kind === 'cancel') frame.world.cancel(frame.execution.name);
}
