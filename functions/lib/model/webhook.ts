import * as z from 'zod';
import { GitId, RepositoryRef } from './primitives.ts';

const Repository = z.object({ name: z.string().min(1), owner: z.object({ login: z.string().min(1) }) });
const Installation = z.object({ id: z.int() });

/** Who did what the event tells of. */
const Sender = z.object({ login: z.string().min(1) });

/** What is read of a `pull_request` event: only who to look at. */
export const PullRequestEvent = z.object({
  action: z.string(),
  number: z.int().positive(),
  pull_request: z.object({
    head: z.object({ sha: GitId }),
    base: z.object({ sha: GitId, ref: z.string() }),
    updated_at: z.string().optional(),
    merged: z.boolean().nullish(),
  }),
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

const PullNumbers = z.array(z.object({ number: z.int().positive() })).default([]);

/** What is read of a `check_suite` event; `pull_requests` is empty for forks. */
export const CheckSuiteEvent = z.object({
  action: z.string(),
  check_suite: z.object({ id: z.int(), head_sha: GitId, head_branch: z.string().nullish(), pull_requests: PullNumbers }),
  repository: Repository,
  installation: Installation,
  sender: Sender,
});

/** What is read of a `check_run` event; `requested_action` is there when a button was pressed. */
export const CheckRunEvent = z.object({
  action: z.string(),
  check_run: z.object({
    id: z.int(),
    name: z.string(),
    head_sha: GitId,
    check_suite: z.object({ head_branch: z.string().nullish() }).nullish(),
    pull_requests: PullNumbers,
  }),
  requested_action: z.object({ identifier: z.string() }).nullish(),
  repository: Repository,
  installation: Installation,
  sender: Sender,
});

/** What is read of an `issue_comment` event. */
export const CommentEvent = z.object({
  action: z.string(),
  issue: z.object({ number: z.int().positive(), pull_request: z.looseObject({}).nullish() }),
  comment: z.object({
    id: z.int(),
    body: z.string().nullable(),
    user: z.object({ login: z.string(), type: z.string().optional() }).nullable(),
  }),
  repository: Repository,
  installation: Installation,
});

/** What is read of a `merge_group` event. */
export const MergeGroupEvent = z.object({
  action: z.string(),
  merge_group: z.object({ head_sha: GitId, base_sha: GitId, base_ref: z.string() }),
  repository: Repository,
  installation: Installation,
});

/** What a person asked for, by a button, a re-run or a comment; rights are looked at where it is done. */
export const Asked = z.object({
  what: z.enum(['rerun', 'test', 'cancel', 'refresh']),
  /** GitHub login. */
  by: z.string().min(1),
  /** The head that was meant, as it was written. */
  sha: z.string().optional(),
});
export type Asked = z.infer<typeof Asked>;

/** Input of the `pull-request` machine for one pull request. */
export const PullRequestInput = z.object({
  repository: RepositoryRef,
  number: z.int().positive(),
  cause: z.string().min(1),
  asked: Asked.optional(),
  /** Set when the base branch moved: its new head. */
  base: GitId.optional(),
});
export type PullRequestInput = z.infer<typeof PullRequestInput>;

/** Input of the `pull-request` machine that finds the pull requests an event means: those of a base that moved, or of a head. */
export const LookInput = z.object({
  repository: RepositoryRef,
  cause: z.string().min(1),
  look: z.union([z.object({ branch: z.string().min(1), commit: GitId }), z.object({ headSha: GitId })]),
  asked: Asked.optional(),
});
export type LookInput = z.infer<typeof LookInput>;

/** Input of the `pull-request` machine for a merge queue's group. */
export const MergeGroupInput = z.object({
  repository: RepositoryRef,
  cause: z.string().min(1),
  mergeGroup: z.object({ headSha: GitId, baseSha: GitId, baseRef: z.string().min(1) }),
});
export type MergeGroupInput = z.infer<typeof MergeGroupInput>;

/** Input of the `rollout` machine: a push to a branch; what it means is read from the settings. */
export const RolloutInput = z.object({ repository: RepositoryRef, branch: z.string().min(1), commit: GitId, cause: z.string().min(1) });
export type RolloutInput = z.infer<typeof RolloutInput>;
