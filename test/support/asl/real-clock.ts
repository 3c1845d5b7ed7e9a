import { setTimeout as delay } from 'node:timers/promises';
import type { VirtualClock } from './clock.ts';

const LOOK_MILLISECONDS = 20;

/** The clock on the wall, for machines whose steps change real things. Waits last `pauseScale` of what they say. */
export function createRealClock(pauseScale: number): VirtualClock {
  const at: VirtualClock['at'] = (time) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.max(0, time - Date.now()));
    return { reached: promise, off: () => clearTimeout(timer) };
  };
  return {
    now: () => Date.now(),
    pauseScale,
    at,
    work: (run) => run(),
    pass: (milliseconds) => at(Date.now() + milliseconds).reached,
    runUntil: async (done) => {
      while (!done()) await delay(LOOK_MILLISECONDS);
    },
  };
}
