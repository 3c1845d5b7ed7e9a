import * as z from 'zod';
import { GitId } from './primitives.ts';

const User = z.object({ login: z.string() }).nullish();
const Repository = z.object({ full_name: z.string() });

/** A pull request as GitHub answers it, alone or in a list; lists lack what GitHub computes per pull request. */
export const PullAnswer = z.object({
  number: z.int(),
  title: z.string(),
  state: z.enum(['open', 'closed']),
  merged_at: z.string().nullish(),
  merged_by: User,
  user: User,
  base: z.object({ ref: z.string(), sha: GitId, repo: Repository }),
  head: z.object({ ref: z.string(), sha: GitId, repo: Repository.nullish() }),
  mergeable: z.boolean().nullish(),
  merge_commit_sha: z.string().nullish(),
});
export type PullAnswer = z.infer<typeof PullAnswer>;

/** A changed file of a pull request; a rename names both paths. */
export const PullFileAnswer = z.object({ filename: z.string(), previous_filename: z.string().optional() });

/** GitHub shows `maintain` as write and `triage` as read. */
export const PermissionAnswer = z.object({ permission: z.enum(['admin', 'write', 'read', 'none']) });

export const RefAnswer = z.object({ object: z.object({ sha: GitId }) });

export const CommitAnswer = z.object({
  sha: GitId,
  tree: z.object({ sha: GitId }),
  parents: z.array(z.object({ sha: GitId })),
  message: z.string(),
});

export const TreeAnswer = z.object({
  sha: GitId,
  truncated: z.boolean().default(false),
  tree: z.array(
    z.object({ path: z.string(), type: z.enum(['blob', 'tree', 'commit']), mode: z.string(), sha: GitId, size: z.int().optional() }),
  ),
});

export const BlobAnswer = z.object({ content: z.string(), encoding: z.enum(['base64', 'utf-8']) });

/** Anything that GitHub made and answers by its Git id. */
export const MadeAnswer = z.object({ sha: GitId });

export const CheckRunAnswer = z.object({ id: z.int() });

export const CheckRunsAnswer = z.object({
  check_runs: z.array(z.object({ id: z.int(), external_id: z.string().nullable(), output: z.object({ annotations_count: z.int() }) })),
});

/** A release in a list of releases. */
export const ReleaseAnswer = z.object({ tag_name: z.string(), prerelease: z.boolean(), draft: z.boolean() });
