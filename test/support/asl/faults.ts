/** A fault to inject at a state. Without `attempts` it strikes every time. */
export type Fault = {
  readonly state: string;
  readonly machine?: string;
  /** Only in the execution of this name. */
  readonly execution?: string;
  /** Which calls (or entries, for states that call nothing) of the state it strikes, from 1, counted per execution. */
  readonly attempts?: readonly number[];
  /**
   * `before` (the default): the step does not run. `after`: it runs and has its effects, and then the fault strikes, as
   * when an answer is lost.
   */
  readonly when?: 'before' | 'after';
} & (
  | { readonly kind: 'error'; readonly error: string; readonly cause?: string }
  /** The task never answers: its TimeoutSeconds ends it. */
  | { readonly kind: 'task-timeout' }
  /** The TimeoutSeconds of the whole machine are over. */
  | { readonly kind: 'machine-timeout' }
  /** StopExecution. */
  | { readonly kind: 'abort' }
  /** Somebody writes the cancel marker of this execution. */
  | { readonly kind: 'cancel' }
  /** The task answers more than 256 KiB. */
  | { readonly kind: 'oversize' }
  /** The name that a nested start wants was used by a closed execution. */
  | { readonly kind: 'name-reuse' }
);

export interface Faults {
  /** Counts one entry or call of a state and answers the faults that strike it. */
  striking(machine: string, execution: string, state: string, what: 'entry' | 'call'): readonly Fault[];
  /** Faults that never struck: a test that injects one wants none here. */
  unused(): readonly Fault[];
}

const AT_ENTRY: readonly Fault['kind'][] = ['abort', 'machine-timeout', 'cancel'];

export function createFaults(faults: readonly Fault[]): Faults {
  const counts = new Map<string, number>();
  const used = new Set<Fault>();
  return {
    striking: (machine, execution, state, what) => {
      const key = `${what} ${machine} ${execution} ${state}`;
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      const struck = faults.filter((fault) => {
        if (fault.state !== state || (fault.machine ?? machine) !== machine || (fault.execution ?? execution) !== execution) return false;
        if ((fault.when !== 'after' && AT_ENTRY.includes(fault.kind)) !== (what === 'entry')) return false;
        return fault.attempts?.includes(count) ?? true;
      });
      for (const fault of struck) used.add(fault);
      return struck;
    },
    unused: () => faults.filter((fault) => !used.has(fault)),
  };
}
