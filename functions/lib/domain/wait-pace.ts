/** Longest time between two looks at what a rollout waits for. */
const LONGEST_SECONDS = 1800;

const HOUR_SECONDS = 60 * 60;
const DAY_SECONDS = 24 * HOUR_SECONDS;

/**
 * Seconds until the next look at something that may take weeks (a hold, a freeze, a halt, a slot). Each look costs nine
 * events of an execution's history, which ends it at 25,000, past every Catch: so often in the first hour only, every 5
 * minutes on the first day, then every half hour. 30 days are 14,000 events.
 * @param first seconds between two looks in the first hour
 */
export function lookAgainSeconds(first: number, since: Date, now: Date): number {
  const waited = (now.getTime() - since.getTime()) / 1000;
  if (waited < HOUR_SECONDS) return first;
  return waited < DAY_SECONDS ? Math.max(first, 300) : LONGEST_SECONDS;
}
