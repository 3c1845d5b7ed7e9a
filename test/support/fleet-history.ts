import { comparisonBase, desiredRevision, mayRollOut, newestSucceeded } from '#domain/evidence.ts';
import { type CommitFact, historyOf, mayPromote, promotedCommits } from '#domain/promotion.ts';
import type { ChannelProof, RevisionEvidence } from '#model/records.ts';
import type { ChannelFile } from '#model/settings.ts';
import type { BareRepository, Change } from './bare-repository.ts';

export const CHANNELS = ['dev', 'alpha', 'beta'] as const;
export type Channel = (typeof CHANNELS)[number];
export type Method = 'merge' | 'squash' | 'rebase';
export type Hold = NonNullable<ChannelFile['hold']>;

export interface Pull {
  readonly number: number;
  readonly base: Channel;
  readonly head: string;
  readonly kind: 'feature' | 'hotfix' | 'merge-back' | 'promotion' | 'revert' | 'adopt';
  readonly e2ePasses: boolean;
  /** Of a promotion: its branch. */
  readonly headRef?: string;
  /** Of a promotion: what it must bring, exactly. */
  readonly promotes?: { readonly content: string; readonly targetHead: string };
}

export interface Branch {
  head: string;
  /** How the head came to be, as the test knows it. */
  via: 'genesis' | 'merge' | 'push';
  pull: number | null;
}

export interface Started {
  readonly channel: Channel;
  readonly revision: string;
  readonly commit: string;
  readonly content: string;
  readonly via: Branch['via'];
}

/** What an operator could see of a fleet's history, and what Sluice recorded; all of it observed in one bare repository. */
export interface History {
  readonly repository: BareRepository;
  readonly branches: Record<Channel, Branch>;
  readonly commits: Map<string, CommitFact>;
  readonly evidence: Map<string, RevisionEvidence>;
  readonly proofs: Record<Channel, ChannelProof[]>;
  /** Revision that each channel began with. */
  readonly genesis: Record<Channel, string | null>;
  readonly running: Record<Channel, string | null>;
  readonly holds: Record<Channel, Hold | undefined>;
  readonly waivers: { channel: string; revision: string; owner: string; reason: string; until: string }[];
  pulls: Pull[];
  now: Date;
  pullCount: number;
  /** Looks whether squash or rebase hid a merge-back, as the promotion step may. */
  readonly looksIntoContent: boolean;
  readonly observe: Observer;
}

/** What the property test watches; it knows the true content, not Sluice's records. */
export interface Observer {
  checked(content: string, pull: Pull): void;
  /** A check without e2e: it was found to change nothing. */
  equal(content: string, pull: Pull): void;
  started(start: Started): Promise<void>;
  proven(channel: Channel, content: string): void;
  proposed(source: Channel, target: Channel, commit: string): Promise<void>;
  refused(source: Channel, target: Channel, commit: string): Promise<void>;
}

const UPSTREAM: Record<Channel, Channel | undefined> = { dev: undefined, alpha: 'dev', beta: 'alpha' };
const DOWNSTREAM: Record<Channel, Channel | undefined> = { dev: 'alpha', alpha: 'beta', beta: undefined };

export async function observeCommit(history: History, sha: string, parents: readonly string[], message: string): Promise<string> {
  const revision = await history.repository.resolve(`${sha}:channels/cluster`);
  history.commits.set(sha, { sha, parents, revision, message });
  return sha;
}

export async function commitOn(history: History, parent: string, message: string, changes: readonly Change[]): Promise<string> {
  return observeCommit(history, await history.repository.commit([parent], message, changes), [parent], message);
}

export function openPull(history: History, pull: Omit<Pull, 'number'>): Pull {
  history.pullCount += 1;
  const opened = { ...pull, number: history.pullCount };
  history.pulls.push(opened);
  return opened;
}

/** The file of a configuration that nothing is rendered from. */
export const NOTES = 'channels/cluster/NOTES.md';

/** What clusters get of a content: all but the notes. */
export function rendered(content: string): string {
  return content
    .split('\n')
    .filter((line) => !line.startsWith(NOTES))
    .join('\n');
}

/**
 * What the `pull-request` machine does: compares the merge result with what the channel has proven, runs e2e where a
 * cluster would change, and keeps the evidence by its tree.
 */
export async function checkPull(history: History, pull: Pull): Promise<void> {
  const tree = await history.repository.mergeTree(history.branches[pull.base].head, pull.head);
  const revision = tree === undefined ? null : await history.repository.resolve(`${tree}:channels/cluster`);
  if (tree === undefined || revision === null) return;
  const content = await history.repository.content(tree);
  const { base: channel } = pull;
  const branchRevision = history.commits.get(history.branches[channel].head)?.revision ?? null;
  const baseRevision = comparisonBase(branchRevision, history.proofs[channel], history.genesis[channel]);
  const affects = rendered(content) !== rendered(await contentOf(history, baseRevision));
  if (affects && !pull.e2ePasses) return;
  const at = history.now.toISOString();
  const ran = { execution: 'e2e', channel, baseRevision: baseRevision ?? revision, passed: 10, failed: 0, durationSeconds: 60, at };
  const known = history.evidence.get(revision);
  history.evidence.set(revision, {
    revision,
    check: { pullRequest: pull.number, headSha: pull.head, execution: 'pr', at, channel, baseRevision },
    equalIn: { ...known?.equalIn, ...(affects ? {} : { [channel]: baseRevision }) },
    e2e: affects ? ran : (known?.e2e ?? null),
  });
  if (!affects) return history.observe.equal(content, pull);
  history.observe.checked(content, pull);
  if (pull.kind !== 'hotfix') return;
  history.waivers.push({ channel: pull.base, revision, owner: 'on-call', reason: 'hotfix', until: '2099-01-01T00:00:00Z' });
}

async function contentOf(history: History, revision: string | null): Promise<string> {
  const commit = [...history.commits.values()].find((one) => one.revision === revision);
  return commit === undefined ? '' : history.repository.content(commit.sha);
}

/** Merges as GitHub does; false when it would refuse. */
export async function mergePull(history: History, pull: Pull, method: Method): Promise<boolean> {
  const base = history.branches[pull.base];
  const tree = await history.repository.mergeTree(base.head, pull.head);
  if (tree === undefined) return false;
  const head =
    method === 'rebase' ? await rebased(history, base.head, pull.head) : await merged(history, base.head, pull.head, tree, method);
  if (head === undefined) return false;
  history.branches[pull.base] = { head, via: 'merge', pull: pull.number };
  history.pulls = history.pulls.filter(({ number }) => number !== pull.number);
  return true;
}

async function merged(history: History, base: string, head: string, tree: string, method: Method): Promise<string> {
  // GitHub's squash of a single commit keeps its message; the trailers of a promotion stay.
  const message = method === 'squash' ? (history.commits.get(head)?.message ?? '') : 'Merge pull request';
  const parents = method === 'squash' ? [base] : [base, head];
  return observeCommit(history, await history.repository.commitTree(tree, parents, message), parents, message);
}

async function rebased(history: History, base: string, head: string): Promise<string | undefined> {
  let tip = base;
  for (const sha of await history.repository.replayed(base, head)) {
    const [parent] = history.commits.get(sha)?.parents ?? [];
    if (parent === undefined) return undefined;
    // A cherry-pick is a three-way merge on the picked commit's parent: a stand-in for our tip with just that parent.
    const tipTree = await history.repository.resolve(`${tip}^{tree}`);
    const standIn = await history.repository.commitTree(tipTree ?? '', [parent], 'stand-in');
    const tree = await history.repository.mergeTree(standIn, sha);
    if (tree === undefined) return undefined;
    tip = await observeCommit(history, await history.repository.commitTree(tree, [tip], 'replayed'), [tip], 'replayed');
  }
  return tip;
}

/** What Sluice does after each event: looks at each channel, rolls out what it may, proposes what it may. */
export async function runSluice(history: History, succeeds: boolean): Promise<void> {
  for (const channel of CHANNELS) {
    await rollOut(history, channel, succeeds);
    await promote(history, channel);
  }
}

function channelFile(history: History, channel: Channel): Pick<ChannelFile, 'channel' | 'follows' | 'branch' | 'hold'> {
  const follows = UPSTREAM[channel];
  const hold = history.holds[channel];
  return { channel, branch: channel, ...(follows === undefined ? {} : { follows }), ...(hold === undefined ? {} : { hold }) };
}

async function rollOut(history: History, channel: Channel, succeeds: boolean): Promise<void> {
  const { head, via, pull } = history.branches[channel];
  const revision = history.commits.get(head)?.revision ?? null;
  const settings = channelFile(history, channel);
  const proofs = history.proofs[channel];
  const upstream = settings.follows === undefined ? [] : history.proofs[UPSTREAM[channel] ?? 'dev'];
  const decision = mayRollOut({
    channel: settings,
    head: { commit: head, revision, mergedPullRequest: via === 'merge' ? pull : null },
    evidence: revision === null ? undefined : history.evidence.get(revision),
    ownProof: proofs.find((proof) => proof.revision === revision),
    upstreamProof: upstream.find((proof) => proof.revision === revision),
    hasProofs: proofs.length > 0,
    genesis: history.genesis[channel],
    isFounded: true,
    running: history.running[channel] === null ? [] : [history.running[channel]],
    waivers: history.waivers,
    now: history.now,
  });
  const desired = desiredRevision({ name: `${channel}-1` }, settings, proofs, history.now);
  if (decision.decision === 'start' && decision.basis === 'genesis') history.genesis[channel] = revision;
  if (decision.decision === 'start' && revision !== null) return start(history, channel, { revision, commit: head, via, succeeds });
  if (desired.basis === 'channel-hold' && desired.revision !== null) history.running[channel] = desired.revision;
}

async function start(
  history: History,
  channel: Channel,
  what: { revision: string; commit: string; via: Branch['via']; succeeds: boolean },
): Promise<void> {
  const newest = newestSucceeded(history.proofs[channel]);
  if (history.running[channel] === what.revision && newest?.commit === what.commit) return;
  const content = await history.repository.content(what.commit);
  await history.observe.started({ channel, revision: what.revision, commit: what.commit, content, via: what.via });
  history.running[channel] = what.revision;
  if (!what.succeeds) return;
  history.now = new Date(history.now.getTime() + 60_000);
  const at = history.now.toISOString();
  const proof: ChannelProof = {
    channel,
    revision: what.revision,
    commit: what.commit,
    rollout: `rollout-${what.commit.slice(0, 12)}`,
    basis: 'pull-request',
    clusters: [{ name: 'dev-1', execution: 'update-dev-1', backup: null, durationSeconds: 60 }],
    startedAt: at,
    finishedAt: at,
  };
  history.proofs[channel] = [...history.proofs[channel].filter(({ revision }) => revision !== what.revision), proof];
  history.observe.proven(channel, content);
}

async function promote(history: History, source: Channel): Promise<void> {
  const target = DOWNSTREAM[source];
  const proof = newestSucceeded(history.proofs[source]);
  if (target === undefined || proof === undefined) return;
  const { head } = history.branches[target];
  const open = history.pulls.filter(({ kind, base }) => kind === 'promotion' && base === target);
  const decision = mayPromote({
    source: {
      channel: source,
      proofs: history.proofs[source],
      commit: proof.commit,
      revision: proof.revision,
      history: historyOf(history.commits, proof.commit),
    },
    target: {
      channel: target,
      branch: target,
      head,
      revision: history.commits.get(head)?.revision ?? null,
      promoted: promotedCommits(history.commits, head),
      ...(history.looksIntoContent ? { isContained: await isContained(history, proof.commit, head) } : {}),
    },
    open: open.map(({ number, headRef }) => ({ number, headRef: headRef ?? '' })),
  });
  if (decision.decision === 'refuse') return history.observe.refused(source, target, proof.commit);
  if (decision.decision !== 'open') return;
  await history.observe.proposed(source, target, proof.commit);
  history.pulls = history.pulls.filter(({ number }) => !decision.replaces.includes(number));
  const { repository } = history;
  const sha = await repository.commit(decision.parents, decision.message, [], proof.revision);
  await observeCommit(history, sha, decision.parents, decision.message);
  const promotes = { content: await repository.content(proof.commit), targetHead: head };
  await checkPull(
    history,
    openPull(history, { base: target, head: sha, kind: 'promotion', e2ePasses: true, promotes, headRef: decision.branch }),
  );
}

/** Merging the target's head into the proposed commit changes nothing. */
async function isContained(history: History, commit: string, targetHead: string): Promise<boolean> {
  const tree = await history.repository.mergeTree(commit, targetHead);
  if (tree === undefined) return false;
  const revision = await history.repository.resolve(`${tree}:channels/cluster`);
  return revision === history.commits.get(commit)?.revision;
}
