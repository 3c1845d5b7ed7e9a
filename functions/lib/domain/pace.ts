import { DeadlineError } from '../model/errors.ts';

/** Seconds between two looks at what is under way: what comes within a minute, and what most things that clusters wait for take. */
const [FRESH_LOOK_SECONDS, YOUNG_LOOK_SECONDS] = [1, 2];
const [FRESH_SECONDS, YOUNG_SECONDS] = [60, 10 * 60];
const OLD_SECONDS = { shortest: 30, longest: 60 };

/**
 * Seconds until the next look at something awaited since `since`. In the first minute what happened is noticed within 1 s, in the
 * first ten within 2 s (waits so short cost no transition of the state machine: runtime/patience.ts); after them within a twentieth of the
 * time that it took, from 30 s to a minute.
 */
export function paced(since: Date, now: Date): number {
  const elapsed = Math.max(0, (now.getTime() - since.getTime()) / 1000);
  if (elapsed < FRESH_SECONDS) return FRESH_LOOK_SECONDS;
  if (elapsed < YOUNG_SECONDS) return YOUNG_LOOK_SECONDS;
  return Math.min(Math.max(Math.floor(elapsed / 20), OLD_SECONDS.shortest), OLD_SECONDS.longest);
}

/** @throws DeadlineError when `minutes` are over since `since`; `cause` says what still blocks */
export function enforceDeadline(what: string, since: Date, now: Date, minutes: number, cause: string): void {
  if (now.getTime() - since.getTime() < minutes * 60_000) return;
  throw new DeadlineError(`${what} is not done after ${minutes} minutes: ${cause}`);
}
