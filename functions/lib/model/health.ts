import * as z from 'zod';

/** Places of an update at which a cluster is looked at, in their order: each looks at what is there by then. */
export const SCOPES = ['before', 'before-control-plane', 'control-plane', 'before-nodes', 'system', 'all'] as const;
export type Scope = (typeof SCOPES)[number];

/** One thing that is not well, for example `node ip-10-1-2-3`, and why. The subject stays the same from look to look. */
export const HealthProblem = z.object({
  subject: z.string(),
  reason: z.string(),
  /** It is for want of nodes: what runs waits for one, or is on one that is not Ready. */
  forNodes: z.literal(true).optional(),
});
export type HealthProblem = z.infer<typeof HealthProblem>;

/** What a look at a cluster found. */
export const Health = z.object({
  problems: z.array(HealthProblem),
  nodes: z.int(),
  workloads: z.int(),
  /** Median of new connections to the API. */
  apiMilliseconds: z.number(),
  /** Marks (`#domain/health.ts`) of the subjects for which `problems` has no room; only in the look before the update. */
  unshown: z.object({ nodes: z.array(z.string()), others: z.array(z.string()) }).optional(),
});
export type Health = z.infer<typeof Health>;
