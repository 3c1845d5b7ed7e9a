/** A clock that stands still while anything runs, and jumps to the next timer when all wait. */
export interface VirtualClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Shortens Wait states and pauses before a retry, as the emulator of the local world does; 1 without it. */
  readonly pauseScale?: number;
  /** Resolves at the given time; `off` takes the timer back. */
  at(time: number): { readonly reached: Promise<void>; off(): void };
  /** Runs real work: the clock does not move until it has settled. */
  work<T>(run: () => Promise<T>): Promise<T>;
  /** Inside of `work`: lets virtual time pass. */
  pass(milliseconds: number): Promise<void>;
  /** Goes on until `done`. @throws Error when nothing runs and no timer is left, with what `stuck` tells */
  runUntil(done: () => boolean, stuck: () => string): Promise<void>;
}

interface Timer {
  readonly time: number;
  readonly fire: () => void;
}

/** Timers of one time fire in the order in which they were set, so a run is the same every time. */
export function createClock(start: number): VirtualClock {
  let now = start;
  let working = 0;
  let timers: Timer[] = [];
  let settled: () => void = () => undefined;

  const at: VirtualClock['at'] = (time) => {
    let fire: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => {
      fire = resolve;
    });
    const timer = { time: Math.max(time, now), fire };
    const index = timers.findIndex((other) => other.time > timer.time);
    timers.splice(index < 0 ? timers.length : index, 0, timer);
    return {
      reached,
      off: () => {
        timers = timers.filter((other) => other !== timer);
      },
    };
  };

  return {
    now: () => now,
    at,
    work: async (run) => {
      working += 1;
      try {
        return await run();
      } finally {
        working -= 1;
        settled();
      }
    },
    pass: async (milliseconds) => {
      working -= 1;
      settled();
      await at(now + milliseconds).reached;
      working += 1;
    },
    runUntil: async (done, stuck) => {
      for (;;) {
        await drainMicrotasks();
        if (done()) return;
        if (working > 0) {
          await new Promise<void>((resolve) => {
            settled = resolve;
          });
          continue;
        }
        const timer = timers.shift();
        if (timer === undefined) throw new Error(`nothing runs and nothing will: ${stuck()}`);
        now = timer.time;
        timer.fire();
      }
    },
  };
}

function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
