import * as z from 'zod';

/** One call of a client that repeats it: when it ended (milliseconds), how often it was tried, whether it was answered well. */
export interface Attempted {
  readonly client: number;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly tries: number;
  readonly error?: string;
}

export const Measured = z.object({
  calls: z.int(),
  failed: z.int(),
  retried: z.int(),
  /** Failed calls of a hundred. */
  failedPercent: z.number(),
  /** Longest time of one client between two good answers, seconds. */
  longestGapSeconds: z.number(),
  /** Failed calls by their error's words, most first. */
  errors: z.record(z.string(), z.int()),
});
export type Measured = z.infer<typeof Measured>;

/** Sums calls up; the gaps of each client by itself, its start and end included. */
export function measure(attempts: readonly Attempted[]): Measured {
  const failures = attempts.filter(({ error }) => error !== undefined);
  const errors = new Map<string, number>();
  for (const { error = '' } of failures) errors.set(error, (errors.get(error) ?? 0) + 1);
  const clients = Map.groupBy(attempts, ({ client }) => client);
  const gaps = [...clients.values()].map(longestGap);
  return {
    calls: attempts.length,
    failed: failures.length,
    retried: attempts.filter(({ tries }) => tries > 1).length,
    failedPercent: attempts.length === 0 ? 0 : (100 * failures.length) / attempts.length,
    longestGapSeconds: Math.max(0, ...gaps) / 1000,
    errors: Object.fromEntries([...errors].sort((left, right) => right[1] - left[1])),
  };
}

function longestGap(attempts: readonly Attempted[]): number {
  let last = Math.min(...attempts.map(({ startedAt }) => startedAt));
  let longest = 0;
  for (const { endedAt, error } of attempts.toSorted((left, right) => left.endedAt - right.endedAt)) {
    if (error !== undefined) continue;
    longest = Math.max(longest, endedAt - last);
    last = endedAt;
  }
  return Math.max(longest, Math.max(...attempts.map(({ endedAt }) => endedAt)) - last);
}
