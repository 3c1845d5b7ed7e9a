import { DeadlineError } from '../model/errors.ts';

const SHORTEST_WAIT = 5;
const LONGEST_WAIT = 60;

/**
 * Seconds until the next look at something awaited since `since`: as long as it took so far, from 5 to 60, so that a
 * wait of any length costs few looks and is noticed late by at most its own length.
 */
export function paced(since: Date, now: Date): number {
  const elapsed = Math.round((now.getTime() - since.getTime()) / 1000);
  return Math.min(Math.max(elapsed, SHORTEST_WAIT), LONGEST_WAIT);
}

/** @throws DeadlineError when `minutes` are over since `since`; `cause` says what still blocks */
export function enforceDeadline(what: string, since: Date, now: Date, minutes: number, cause: string): void {
  if (now.getTime() - since.getTime() < minutes * 60_000) return;
  throw new DeadlineError(`${what} is not done after ${minutes} minutes: ${cause}`);
}
