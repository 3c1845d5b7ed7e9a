import type { ChannelProof } from '#model/records.ts';
import { newestSucceeded, short } from './evidence.ts';

/** A commit as it is read from GitHub or Git. `revision` is the tree id of `channels/cluster/`; null where it has none. */
export interface CommitFact {
  readonly sha: string;
  readonly parents: readonly string[];
  readonly revision: string | null;
  readonly message: string;
}

export interface PromotionFacts {
  readonly source: {
    readonly channel: string;
    readonly proofs: readonly ChannelProof[];
    /** The commit that is proposed: that of the rollout that just succeeded. */
    readonly commit: string;
    readonly revision: string;
    /** Revisions of the proposed commit and of all its ancestors: not of the branch's head, which may be further on. */
    readonly history: ReadonlySet<string>;
  };
  readonly target: {
    readonly channel: string;
    readonly branch: string;
    readonly head: string;
    readonly revision: string | null;
    /** Source commits that were promoted to this branch before (see promotedCommits). */
    readonly promoted: ReadonlySet<string>;
    /**
     * True when it was observed that merging the target's head into the proposed commit changes nothing: all that the
     * target has is there, although squash or rebase hid it from the history. Absent: not looked at.
     */
    readonly isContained?: boolean;
  };
  /** Open promotions of this hop. */
  readonly open: readonly { readonly number: number; readonly headRef: string }[];
}

export type PromotionDecision =
  | {
      readonly decision: 'open';
      readonly branch: string;
      readonly message: string;
      readonly parents: readonly [string, string];
      /** Open promotions of older revisions of this hop, to be closed in favour of this one. */
      readonly replaces: readonly number[];
    }
  | { readonly decision: 'nothing'; readonly reason: string }
  /** `hotfix`: the target's revision whose content must be merged back to the source first. */
  | { readonly decision: 'refuse'; readonly reason: string; readonly hotfix: string | null };

/**
 * May the proposed revision be promoted? Only the newest that succeeded in the source; not what the target has, or had
 * and went back from; never while the target holds content that the proposed commit lacks: the target's revision must be
 * one of the commit's own history, or its content be found contained. One open promotion a hop, pinned to its revision.
 */
export function mayPromote({ source, target, open }: PromotionFacts): PromotionDecision {
  const newest = newestSucceeded(source.proofs);
  if (newest === undefined || !source.proofs.some(({ revision }) => revision === source.revision)) {
    return { decision: 'refuse', reason: `${short(source.revision)} has not succeeded in ${source.channel}`, hotfix: null };
  }
  if (newest.revision !== source.revision) {
    return { decision: 'nothing', reason: `the newer ${short(newest.revision)} succeeded in ${source.channel}` };
  }
  if (target.revision === source.revision) return { decision: 'nothing', reason: `${target.channel} has ${short(source.revision)}` };
  if (target.revision === null) {
    return { decision: 'refuse', reason: `branch ${target.branch} has no channels/cluster/ to update`, hotfix: null };
  }
  if (target.promoted.has(source.commit)) {
    return { decision: 'nothing', reason: `${short(source.revision)} was promoted to ${target.channel} before, which went back from it` };
  }
  if (!source.history.has(target.revision) && target.isContained !== true) {
    const reason = `${target.channel} holds ${short(target.revision)}, which ${source.channel} lacks; merge ${target.branch} back to ${source.channel} first`;
    return { decision: 'refuse', reason, hotfix: target.revision };
  }
  return proposal({ source, target, open });
}

function proposal({ source, target, open }: PromotionFacts): PromotionDecision {
  const branch = promotionBranch(source.channel, target.channel, source.commit);
  const there = open.find(({ headRef }) => headRef === branch);
  if (there !== undefined) return { decision: 'nothing', reason: `#${there.number} proposes it` };
  return {
    decision: 'open',
    branch,
    message: promotionMessage(source.channel, target.channel, source.revision, source.commit),
    parents: [target.head, source.commit],
    replaces: open.map(({ number }) => number),
  };
}

/** Branch of a promotion: `sluice/promote-<source>-to-<target>-<12 hex of the source commit>`. */
export function promotionBranch(source: string, target: string, commit: string): string {
  return `${promotionBranchPrefix(source, target)}${short(commit)}`;
}

/** What the branches of all promotions of one hop begin with. */
export function promotionBranchPrefix(source: string, target: string): string {
  return `sluice/promote-${source}-to-${target}-`;
}

/** Commit message of a promotion; its trailers tell later runs what was promoted, also after a squash. */
export function promotionMessage(source: string, target: string, revision: string, commit: string): string {
  return `Promote ${short(revision)} from ${source} to ${target}\n\nSluice-Revision: ${revision}\nSluice-Promotes: ${commit}\n`;
}

/** Commits reachable from a head, the head among them. Commits that are not in the map end the walk. */
export function reachable(commits: ReadonlyMap<string, CommitFact>, head: string): CommitFact[] {
  const seen = new Map<string, CommitFact>();
  const open = [head];
  for (let sha = open.pop(); sha !== undefined; sha = open.pop()) {
    const commit = commits.get(sha);
    if (commit === undefined || seen.has(sha)) continue;
    seen.set(sha, commit);
    open.push(...commit.parents);
  }
  return [...seen.values()];
}

/** Revisions of a commit and all its ancestors. */
export function historyOf(commits: ReadonlyMap<string, CommitFact>, head: string): Set<string> {
  return new Set(reachable(commits, head).flatMap(({ revision }) => (revision === null ? [] : [revision])));
}

/** Source commits that a branch got by promotions, read from the trailers of its commits and from their parents. */
export function promotedCommits(commits: ReadonlyMap<string, CommitFact>, head: string): Set<string> {
  const trailers = reachable(commits, head).flatMap(({ message }) =>
    [...message.matchAll(/^Sluice-Promotes: (?<commit>[0-9a-f]{40})$/gm)].flatMap(({ groups }) => groups?.['commit'] ?? []),
  );
  return new Set(trailers);
}
