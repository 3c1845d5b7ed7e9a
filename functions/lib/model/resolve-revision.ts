import * as z from 'zod';
import { CheckRef } from './checks.ts';
import { GitId, Revision } from './primitives.ts';

/** Output of `resolve-revision`, in the state as `$.resolveRevision`: the pinned start of a rollout. */
export const ResolveRevision = z.object({
  /** `nothing` ends the rollout without a word; `wait` looks again after `waitSeconds`. */
  decision: z.enum(['start', 'nothing', 'wait']),
  reason: z.string(),
  waitSeconds: z.int().min(0),
  rolloutId: z.string(),
  kind: z.enum(['channel', 'settings']),
  /** The channel of a `channel` rollout; null for settings, which may touch several. */
  channel: z.string().nullable(),
  revision: Revision.nullable(),
  commit: GitId,
  basis: z.enum(['genesis', 'pull-request', 'proven-here', 'hotfix', 'settings']),
  settingsCommit: GitId,
  mergedPullRequest: z.int().nullable(),
  mergedBy: z.string().nullable(),
  /** Head of each channel's branch: where the clusters of a channel without any proof begin. */
  heads: z.record(z.string(), z.object({ commit: GitId, revision: Revision })),
  check: CheckRef,
});
export type ResolveRevision = z.infer<typeof ResolveRevision>;
