import * as z from 'zod';

/** Something that makes the drain of a node wait or hurts by it, told before it starts. */
export const DrainRisk = z.object({
  kind: z.enum(['budget', 'budgets', 'single-replica', 'bare-pod', 'local-data', 'long-grace', 'webhook']),
  /** For example `PodDisruptionBudget shop/db`. */
  object: z.string(),
  /** By its labels, for example `team shop`; null when it says nothing. */
  owner: z.string().nullable(),
  why: z.string(),
  /** How long a node may wait for it at most; null: not at all. */
  waitSeconds: z.number().min(0).nullable(),
});
export type DrainRisk = z.infer<typeof DrainRisk>;
