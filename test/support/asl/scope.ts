/** Why a part of an execution was ended from outside of its own flow. */
export type Ending = 'stopped' | 'timed-out' | 'history-full' | 'sibling-failed' | 'attempt-over';

/** Thrown inside an execution that is ended from outside; no Retry and no Catch sees it. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly why: Ending;

  constructor(why: Ending) {
    super(`interrupted: ${why}`);
    this.why = why;
  }
}

/** A tree of cancellable work: an execution, a branch, an iteration, an attempt. Cancelling reaches all below. */
export interface Scope {
  cancelled(): Ending | undefined;
  cancel(why: Ending): void;
  child(): Scope;
  /** Waits for the promise, or throws Interrupted as soon as the scope is cancelled. */
  guard<T>(promise: Promise<T>): Promise<T>;
  /** Runs once on cancel; the answer takes it back. */
  onCancel(run: (why: Ending) => void): () => void;
  /** @throws Interrupted when cancelled */
  check(): void;
}

export function createScope(): Scope {
  let ending: Ending | undefined;
  const listeners = new Set<(why: Ending) => void>();

  const onCancel: Scope['onCancel'] = (run) => {
    if (ending !== undefined) run(ending);
    else listeners.add(run);
    return () => listeners.delete(run);
  };
  const scope: Scope = {
    cancelled: () => ending,
    cancel: (why) => {
      if (ending !== undefined) return;
      ending = why;
      for (const run of [...listeners]) run(why);
      listeners.clear();
    },
    child: () => {
      const inner = createScope();
      onCancel((why) => inner.cancel(why));
      return inner;
    },
    guard: (promise) =>
      new Promise((resolve, reject) => {
        const off = onCancel((why) => reject(new Interrupted(why)));
        promise.then(
          (value) => {
            off();
            resolve(value);
          },
          (reason: unknown) => {
            off();
            reject(reason);
          },
        );
      }),
    onCancel,
    check: () => {
      if (ending !== undefined) throw new Interrupted(ending);
    },
  };
  return scope;
}
