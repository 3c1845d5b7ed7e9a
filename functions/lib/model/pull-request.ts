import * as z from 'zod';
import { CheckRef } from './checks.ts';
import { ExecutionName, GitId, RepositoryRef, Revision } from './primitives.ts';

/** What a pull request changes: `gone` when there is nothing to check (closed, or nothing of the fleet). */
export const PullRequestKind = z.enum(['configuration', 'settings', 'gone']);
export type PullRequestKind = z.infer<typeof PullRequestKind>;

/** Output of `read-pull-request`, in the state as `$.readPullRequest`. */
export const ReadPullRequest = z.object({
  repository: RepositoryRef,
  number: z.int(),
  title: z.string(),
  author: z.string(),
  baseRef: z.string(),
  baseSha: GitId,
  headSha: GitId,
  /** The commit that merging would make (GitHub's test merge). */
  mergeSha: GitId,
  kind: PullRequestKind,
  /** The channel whose branch is the base; null for a settings pull request. */
  channel: z.string().nullable(),
  check: CheckRef,
  e2eCheck: CheckRef,
  names: z.object({ e2e: ExecutionName }),
  /** Of the attempt, so that checks take nothing from an older one. */
  generation: z.int().optional(),
  /** Its head is in another repository. */
  fork: z.boolean().optional(),
});
export type ReadPullRequest = z.infer<typeof ReadPullRequest>;

/** Output of `snapshot-configuration`, in the state as `$.snapshotConfiguration`. */
export const SnapshotConfiguration = z.object({
  /**
   * What the merge result is compared with: the revision that the channel has proven last, since that is what its clusters
   * run; the base branch's own only where nothing was proven yet. null where there is none, and for settings.
   */
  baseRevision: Revision.nullable(),
  /** Configuration at the head of the base branch; null where there is none, and for settings. */
  branchRevision: Revision.nullable(),
  /** Configuration at the merge result. */
  headRevision: Revision.nullable(),
  baseSettingsCommit: GitId,
  headSettingsCommit: GitId,
  /** Branches that the settings at the merge result name and that do not exist. Absent: none. */
  missingBranches: z.array(z.string()).optional(),
  /** False when this very step from base to head has passed e2e already. */
  e2eNeeded: z.boolean(),
});
export type SnapshotConfiguration = z.infer<typeof SnapshotConfiguration>;

/** What validation and plan read of the state: which kind of change, and both sides of it. */
export const MergeResult = z.object({
  readPullRequest: z.object({ kind: PullRequestKind, baseRef: z.string(), fork: z.boolean().optional() }),
  snapshotConfiguration: SnapshotConfiguration.pick({
    baseRevision: true,
    headRevision: true,
    baseSettingsCommit: true,
    headSettingsCommit: true,
    missingBranches: true,
  }),
});

/** Settings as read from one commit: raw files, so that findings keep their line. `settings/<commit>.json`. */
export const SettingsFiles = z.object({ commit: GitId, files: z.array(z.object({ path: z.string(), content: z.string() })) });
export type SettingsFiles = z.infer<typeof SettingsFiles>;
