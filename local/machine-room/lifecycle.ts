/** States of an instance in its group, by AWS' names. */
export type LifecycleState =
  | 'Pending'
  | 'Pending:Wait'
  | 'Pending:Proceed'
  | 'InService'
  | 'Terminating'
  | 'Terminating:Wait'
  | 'Terminating:Proceed';

/** Whether an instance is on its way out: its group counts it no more. */
export function isLeaving(state: LifecycleState): boolean {
  return state.startsWith('Terminating');
}

export type HookResult = 'CONTINUE' | 'ABANDON';

/** A lifecycle hook of a group. */
export interface Hook {
  readonly name: string;
  readonly transition: 'autoscaling:EC2_INSTANCE_LAUNCHING' | 'autoscaling:EC2_INSTANCE_TERMINATING';
  readonly heartbeatSeconds: number;
  /** What counts when nobody completes the action in time. */
  readonly defaultResult: HookResult;
}

/** AWS ends a wait after so many heartbeats, or 48 hours, whichever comes first. */
const MOST_HEARTBEATS = 100;
const LONGEST_SECONDS = 48 * 3600;

interface Action {
  readonly hook: Hook;
  readonly latest: number;
  deadline: number;
}

/** The lifecycle actions that one instance waits for in one transition. */
export interface Transition {
  /** Names of hooks that are not completed yet. */
  open(): string[];
  /** Completes the action of a hook. False when there is no such open action. */
  complete(hook: string, result: HookResult): boolean;
  /** Begins the hook's timeout anew, within AWS' bounds. False when there is no such open action. */
  heartbeat(hook: string, now: number): boolean;
  /** Completes by their default what nobody completed in time. */
  expire(now: number): void;
  /** CONTINUE once every hook said so; ABANDON as soon as one did, which ends the other actions. */
  readonly ended: Promise<HookResult>;
}

/** @param hooks those of this transition, at least one */
export function beginTransition(hooks: readonly Hook[], now: number): Transition {
  const actions = new Map<string, Action>();
  for (const hook of hooks) {
    const latest = now + 1000 * Math.min(hook.heartbeatSeconds * MOST_HEARTBEATS, LONGEST_SECONDS);
    actions.set(hook.name, { hook, latest, deadline: now + hook.heartbeatSeconds * 1000 });
  }
  const { promise, resolve } = Promise.withResolvers<HookResult>();
  const complete = (hook: string, result: HookResult): boolean => {
    if (!actions.delete(hook)) return false;
    if (result === 'ABANDON') actions.clear();
    if (actions.size === 0) resolve(result);
    return true;
  };
  return {
    open: () => [...actions.keys()],
    complete,
    heartbeat: (hook, at) => {
      const action = actions.get(hook);
      if (action === undefined) return false;
      action.deadline = Math.min(action.latest, at + action.hook.heartbeatSeconds * 1000);
      return true;
    },
    expire: (at) => {
      for (const { hook, deadline } of [...actions.values()]) if (deadline <= at) complete(hook.name, hook.defaultResult);
    },
    ended: promise,
  };
}
