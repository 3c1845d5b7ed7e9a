import type { Clock } from '#ports/clock.ts';

export interface FakeClock extends Clock {
  advance(seconds: number): void;
}

/** A clock that stands until it is moved. */
export function createFakeClock(start: Date = new Date('2026-01-05T08:00:00Z')): FakeClock {
  let time = start;
  return {
    now: () => time,
    advance(seconds) {
      time = new Date(time.getTime() + seconds * 1000);
    },
  };
}
