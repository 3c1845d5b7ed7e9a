import { Interrupted, type Scope } from './scope.ts';

/** An event as GetExecutionHistory lists it; `details` stands for its `...EventDetails`. */
interface HistoryEvent {
  readonly id: number;
  readonly timestamp: string;
  readonly type: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Step Functions fails an execution whose history reaches this many events. */
const EVENT_LIMIT = 25_000;

export interface History {
  readonly events: readonly HistoryEvent[];
  /** Adds an event. @throws Interrupted when the history is full, which ends the execution */
  add(type: string, details?: Readonly<Record<string, unknown>>): void;
  /** Adds the last event. */
  close(type: string, details?: Readonly<Record<string, unknown>>): void;
  /** How many of each type. */
  counts(): Readonly<Record<string, number>>;
  /** Names of the states in the order in which they were entered. */
  entered(): readonly string[];
}

export function createHistory(now: () => number, scope: Scope): History {
  const events: HistoryEvent[] = [];
  const push = (type: string, details: Readonly<Record<string, unknown>> = {}): void => {
    events.push({ id: events.length + 1, timestamp: new Date(now()).toISOString(), type, details });
  };
  return {
    events,
    add: (type, details) => {
      // What an ended part still tells is not in the history of AWS either.
      if (scope.cancelled() !== undefined) throw new Interrupted(scope.cancelled() ?? 'stopped');
      if (events.length >= EVENT_LIMIT - 1) {
        scope.cancel('history-full');
        throw new Interrupted('history-full');
      }
      push(type, details);
    },
    close: push,
    counts: () => {
      const counts: Record<string, number> = {};
      for (const { type } of events) counts[type] = (counts[type] ?? 0) + 1;
      return counts;
    },
    entered: () => events.filter(({ type }) => type.endsWith('StateEntered')).map(({ details }) => String(details['name'])),
  };
}
