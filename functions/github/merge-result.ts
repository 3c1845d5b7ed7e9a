import { hashOf } from '#domain/hash.ts';
import { CONFIGURATION_FOLDER, decideKind, type KindDecision } from '#domain/pull-request-kind.ts';
import { TransientError } from '#model/errors.ts';
import type { RepositoryRef } from '#model/primitives.ts';
import type { GitHub, PullRequest } from '#ports/github.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { changedPaths, sharedHead } from './changed-paths.ts';
import { channelBranches, isSettingsFile, readSettings } from './settings.ts';

interface Ports {
  readonly github: GitHub;
  readonly objects: ObjectStore;
}

export type MergeResult =
  | { readonly outcome: 'conflict'; readonly work: string }
  | {
      readonly outcome: 'decided';
      readonly decision: KindDecision;
      /** The test merge, and the base commit that it merges into. */
      readonly mergeSha: string;
      readonly baseSha: string;
      /** Hash of what is checked. Trees, not commits: a base that moves elsewhere changes nothing of it. */
      readonly work: string;
    };

/**
 * What merging would make: GitHub's test merge, and what of the fleet differs between it and its base.
 * @param base head that the base branch must have, when a move of it is what is looked at
 * @throws TransientError while GitHub computes the test merge, or still shows that of an older head or base
 */
export async function readMergeResult(
  repository: RepositoryRef,
  pull: PullRequest,
  base: string | undefined,
  ports: Ports,
): Promise<MergeResult> {
  const { number, headSha, baseRef, mergeable, mergeCommitSha } = pull;
  if (mergeable === null) throw new TransientError(`GitHub has not computed the test merge of #${number} yet`);
  if (!mergeable || mergeCommitSha === null) return { outcome: 'conflict', work: hashOf({ headSha, baseRef, conflict: true }) };
  const [settings, shared, merge, head] = await Promise.all([
    readSettings(repository, ports),
    sharedHead(repository, pull, ports.github),
    ports.github.getCommit(repository, mergeCommitSha),
    base === undefined ? undefined : ports.github.getBranchHead(repository, baseRef),
  ]);
  const [baseSha, mergedHead] = merge.parents;
  // A test merge of an older head would green content that nobody looked at.
  if (baseSha === undefined || mergedHead !== headSha) {
    throw new TransientError(`GitHub's test merge of #${number} is not yet of ${headSha}`);
  }
  if (base !== undefined && head !== undefined && baseSha !== head) {
    throw new TransientError(`GitHub's test merge of #${number} is not yet into ${head} of ${baseRef}`);
  }
  const paths = await changedPaths(repository, baseSha, merge.treeSha, ports.github);
  const decision: KindDecision =
    shared === undefined ? decideKind(baseRef, paths, channelBranches(settings)) : { kind: 'refused', reason: shared };
  const sides = await Promise.all([baseSha, mergeCommitSha].map((commit) => contentOf(repository, commit, decision.kind, ports.github)));
  return { outcome: 'decided', decision, mergeSha: mergeCommitSha, baseSha, work: hashOf({ headSha, baseRef, decision, sides }) };
}

/** Ids of what a kind of pull request is about: the configuration's tree, or the settings' files. */
async function contentOf(repository: RepositoryRef, commit: string, kind: KindDecision['kind'], github: GitHub): Promise<unknown> {
  if (kind !== 'configuration' && kind !== 'settings') return null;
  const { treeSha } = await github.getCommit(repository, commit);
  const entries = await github.getTree(repository, treeSha);
  if (kind === 'settings') return entries.filter(isSettingsFile).map(({ path, sha }) => [path, sha]);
  return entries.find((entry) => entry.path === CONFIGURATION_FOLDER && entry.type === 'tree')?.sha ?? null;
}
