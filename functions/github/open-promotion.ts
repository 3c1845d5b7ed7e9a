import * as z from 'zod';
import { type CommitFact, mayPromote, promotedCommits, promotionBranchPrefix } from '#domain/promotion.ts';
import { promotionText } from '#domain/promotion-text.ts';
import { CONFIGURATION_FOLDER } from '#domain/pull-request-kind.ts';
import { parseSettings } from '#domain/settings.ts';
import { readEvidence, readProofs } from '#facts/fleet.ts';
import { NotFoundError } from '#model/errors.ts';
import type { RepositoryRef } from '#model/primitives.ts';
import { ResolveRevision } from '#model/resolve-revision.ts';
import type { ChannelFile } from '#model/settings.ts';
import type { GitHub } from '#ports/github.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { acceptedSettings } from './settings.ts';
import { snapshotOf } from './snapshot-configuration.ts';

interface Ports {
  readonly github: GitHub;
  readonly objects: ObjectStore;
}

/** How far back the source's commits are read for what the target has; two requests each. */
const SOURCE_COMMITS = 300;
/** How far back the target's commits are read for promotions that it went back from. */
const TARGET_COMMITS = 50;

const Outcome = z.object({ outcome: z.enum(['opened', 'nothing', 'refused']), reason: z.string(), pullRequests: z.array(z.int()) });

/**
 * Proposes a revision that succeeded in its channel to each channel that follows it: one commit on a branch of its own
 * with the target's head and the source commit as parents and exactly the proven tree, and a pull request with the
 * evidence. Merging it is the approval.
 */
export const openPromotion = defineStep({
  name: 'open-promotion',
  input: z.object({ repository: z.object({ owner: z.string(), name: z.string() }), resolveRevision: ResolveRevision }),
  output: Outcome,
  async run({ repository, resolveRevision: rollout }, ports: Ports) {
    const { channel: source, revision } = rollout;
    if (source === null || revision === null || rollout.basis === 'genesis') {
      return { outcome: 'nothing' as const, reason: 'nothing of a channel was rolled out that could be promoted', pullRequests: [] };
    }
    const { settings: files } = await acceptedSettings(repository, ports);
    const settings = files === undefined ? undefined : parseSettings(files).value?.settings;
    if (settings === undefined) throw new NotFoundError('the settings can no longer be read; the promotion is not opened');
    const targets = settings.channels.filter((channel) => channel.follows === source);
    if (targets.length === 0) return { outcome: 'nothing' as const, reason: `no channel follows ${source}`, pullRequests: [] };
    const results = [];
    for (const target of targets) results.push(await propose(repository, { ...rollout, channel: source, revision }, target, ports));
    return {
      outcome: results.some((result) => result.number !== undefined) ? ('opened' as const) : (results[0]?.outcome ?? ('nothing' as const)),
      reason: results.map((result) => result.reason).join('; '),
      pullRequests: results.flatMap((result) => (result.number === undefined ? [] : [result.number])),
    };
  },
});

type Rollout = Omit<ResolveRevision, 'channel' | 'revision'> & { channel: string; revision: string };
interface Proposal {
  readonly outcome: 'opened' | 'nothing' | 'refused';
  readonly reason: string;
  readonly number?: number;
}

async function propose(repository: RepositoryRef, rollout: Rollout, target: ChannelFile, ports: Ports): Promise<Proposal> {
  const { github, objects } = ports;
  const head = await github.getBranchHead(repository, target.branch);
  if (head === undefined) throw new NotFoundError(`channel ${target.channel} names the branch ${target.branch}, which does not exist`);
  const proofs = await readProofs(objects, rollout.channel);
  const prefix = promotionBranchPrefix(rollout.channel, target.channel);
  // A fork may call its branch as it likes: only the repository's own are promotions.
  const pulls = await github.listOpenPullRequests(repository, { base: target.branch });
  const open = pulls.filter((pull) => !pull.fork && pull.headRef.startsWith(prefix));
  const targetRevision = await snapshotOf(repository, head, ports);
  const decision = mayPromote({
    source: {
      channel: rollout.channel,
      proofs,
      commit: rollout.commit,
      revision: rollout.revision,
      history: await historyUntil(repository, rollout.commit, targetRevision, github),
    },
    target: {
      channel: target.channel,
      branch: target.branch,
      head,
      revision: targetRevision,
      promoted: await promotedTo(repository, head, github),
    },
    open,
  });
  if (decision.decision === 'nothing') return { outcome: 'nothing', reason: decision.reason };
  if (decision.decision === 'refuse') return { outcome: 'refused', reason: decision.reason };

  const headTree = (await github.getCommit(repository, head)).treeSha;
  const tree = await github.createTree(repository, headTree, CONFIGURATION_FOLDER, rollout.revision);
  const commit = await github.createCommit(repository, { message: decision.message, tree, parents: decision.parents });
  await github.setBranch(repository, decision.branch, commit);
  const proof = proofs.find((candidate) => candidate.revision === rollout.revision);
  const evidence = await readEvidence(objects, rollout.revision);
  const text = promotionText({ source: rollout.channel, target: target.channel, revision: rollout.revision, proof, evidence });
  // First the older ones: a run that ends in between finds no open promotion and opens its own; never are two open.
  for (const number of decision.replaces) await github.updatePullRequest(repository, number, { state: 'closed' });
  const pull = await github.createPullRequest(repository, { ...text, head: decision.branch, base: target.branch });
  return { outcome: 'opened', reason: `#${pull.number} proposes it to ${target.channel}`, number: pull.number };
}

/**
 * Revisions of a commit and its ancestors, nearest first, until the wanted one is found: whether the proposed commit's
 * own history holds what the target has. Past the bound it counts as not held, and the promotion is refused.
 */
async function historyUntil(repository: RepositoryRef, commit: string, wanted: string | null, github: GitHub): Promise<Set<string>> {
  const revisions = new Set<string>();
  const seen = new Set<string>();
  const open = [commit];
  for (let sha = open.shift(); sha !== undefined && seen.size < SOURCE_COMMITS; sha = open.shift()) {
    if (seen.has(sha)) continue;
    seen.add(sha);
    const { treeSha, parents } = await github.getCommit(repository, sha);
    const entries = await github.getTree(repository, treeSha);
    const revision = entries.find((entry) => entry.path === CONFIGURATION_FOLDER && entry.type === 'tree')?.sha;
    if (revision !== undefined) revisions.add(revision);
    if (revision === wanted) break;
    open.push(...parents);
  }
  return revisions;
}

/** Source commits that came to the target by promotions, from the trailers of its first-parent commits. */
async function promotedTo(repository: RepositoryRef, head: string, github: GitHub): Promise<Set<string>> {
  const commits = new Map<string, CommitFact>();
  let sha: string | undefined = head;
  for (let count = 0; sha !== undefined && count < TARGET_COMMITS; count += 1) {
    const commit: Awaited<ReturnType<GitHub['getCommit']>> = await github.getCommit(repository, sha);
    commits.set(commit.sha, { sha: commit.sha, parents: commit.parents, revision: null, message: commit.message });
    // The second parent of a merge carries the trailer when the promotion was merged as it is.
    const second = commit.parents[1];
    if (second !== undefined && !commits.has(second)) {
      const side = await github.getCommit(repository, second);
      commits.set(second, { sha: second, parents: [], revision: null, message: side.message });
    }
    sha = commit.parents[0];
  }
  return promotedCommits(commits, head);
}
