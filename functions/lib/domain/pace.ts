import { DeadlineError } from '../model/errors.ts';

/** Seconds between two looks at what is under way, at most, while it is as young as most things that clusters wait for. */
const LOOK_SECONDS = 2;
const YOUNG_SECONDS = 10 * 60;
const OLD_SECONDS = { shortest: 30, longest: 60 };

/**
 * Seconds until the next look at something awaited since `since`. In the first ten minutes what happened is noticed within
 * 2 s (waits so short cost no transition of the state machine: runtime/patience.ts); after them within a twentieth of the
 * time that it took, from 30 s to a minute.
 */
export function paced(since: Date, now: Date): number {
  const elapsed = Math.max(0, (now.getTime() - since.getTime()) / 1000);
  if (elapsed < YOUNG_SECONDS) return Math.min(Math.max(Math.round(elapsed / 2), 1), LOOK_SECONDS);
  return Math.min(Math.max(Math.floor(elapsed / 20), OLD_SECONDS.shortest), OLD_SECONDS.longest);
}

/** @throws DeadlineError when `minutes` are over since `since`; `cause` says what still blocks */
export function enforceDeadline(what: string, since: Date, now: Date, minutes: number, cause: string): void {
  if (now.getTime() - since.getTime() < minutes * 60_000) return;
  throw new DeadlineError(`${what} is not done after ${minutes} minutes: ${cause}`);
}
