import * as z from 'zod';

/** One thing that is not well, for example `node ip-10-1-2-3`, and why. */
export const HealthProblem = z.object({ subject: z.string(), reason: z.string() });
export type HealthProblem = z.infer<typeof HealthProblem>;

/** What a look at a cluster found. */
export const Health = z.object({
  problems: z.array(HealthProblem),
  nodes: z.int(),
  workloads: z.int(),
  /** Median of new connections to the API. */
  apiMilliseconds: z.number(),
});
export type Health = z.infer<typeof Health>;
