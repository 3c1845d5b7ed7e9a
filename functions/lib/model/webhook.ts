import * as z from 'zod';
import { GitId, RepositoryRef } from './primitives.ts';

const Repository = z.object({ name: z.string().min(1), owner: z.object({ login: z.string().min(1) }) });
const Installation = z.object({ id: z.int() });

/** What is read of a `pull_request` event: only who to look at. */
export const PullRequestEvent = z.object({
  action: z.string(),
  number: z.int().positive(),
  pull_request: z.object({ head: z.object({ sha: GitId }), base: z.object({ sha: GitId, ref: z.string() }) }),
  repository: Repository,
  installation: Installation,
});

/** What is read of a `push` event. */
export const PushEvent = z.object({
  ref: z.string(),
  after: GitId,
  deleted: z.boolean().default(false),
  repository: Repository,
  installation: Installation,
});

/** What is read of `check_suite` and `check_run` events with action `rerequested`. */
export const RerequestEvent = z.object({
  action: z.string(),
  check_suite: z
    .object({
      id: z.int(),
      head_sha: GitId,
      head_branch: z.string().nullish(),
      pull_requests: z.array(z.object({ number: z.int() })).default([]),
    })
    .optional(),
  check_run: z
    .object({
      id: z.int(),
      head_sha: GitId,
      check_suite: z.object({ id: z.int(), head_branch: z.string().nullish() }).optional(),
      pull_requests: z.array(z.object({ number: z.int() })).default([]),
    })
    .optional(),
  repository: Repository,
  installation: Installation,
});

/** Input of the `pull-request` machine. */
export const PullRequestInput = z.object({ repository: RepositoryRef, number: z.int().positive(), cause: z.string().min(1) });
export type PullRequestInput = z.infer<typeof PullRequestInput>;

/** Input of the `rollout` machine: a push to a branch; what it means is read from the settings. */
export const RolloutInput = z.object({ repository: RepositoryRef, branch: z.string().min(1), commit: GitId, cause: z.string().min(1) });
export type RolloutInput = z.infer<typeof RolloutInput>;
