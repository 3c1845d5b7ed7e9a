import { mergeTree } from '../git/merge.ts';
import { ZERO } from '../git/repository.ts';
import { invalid } from '../refusal.ts';
import type { Pull } from '../state.ts';
import { type Actor, personOf } from './actor.ts';
import { sendPull } from './events.ts';
import type { World } from './world.ts';

export interface PullRequestDraft {
  readonly title: string;
  readonly body: string;
  /** `branch`, or `owner:branch` of a fork. */
  readonly head: string;
  readonly base: string;
}

export function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Opens a pull request. @throws Refusal 422 in GitHub's words */
export async function openPull(world: World, draft: PullRequestDraft, by: Actor): Promise<Pull> {
  const { owner } = world.settings.repository;
  const colon = draft.head.indexOf(':');
  const headOwner = colon === -1 ? owner : draft.head.slice(0, colon);
  const headRef = draft.head.slice(colon + 1);
  const baseSha = await world.repository.resolve(`refs/heads/${draft.base}`);
  if (baseSha === undefined) throw fieldError('base', 'invalid');
  const headSha = await (await world.repositoryOf(headOwner))?.resolve(`refs/heads/${headRef}`);
  if (headSha === undefined) throw fieldError('head', 'invalid');
  const known = world.store.state.pulls.find(
    (pull) => pull.state === 'open' && pull.headOwner === headOwner && pull.headRef === headRef && pull.baseRef === draft.base,
  );
  if (known !== undefined) throw customError(`A pull request already exists for ${headOwner}:${headRef}.`);
  const number = world.store.state.nextNumber;
  const pull: Pull = {
    id: world.store.id(),
    number,
    title: draft.title,
    body: draft.body,
    state: 'open',
    author: by.login,
    baseRef: draft.base,
    baseSha,
    headOwner,
    headRef,
    headSha,
    mergeable: null,
    mergeCommitSha: null,
    merged: false,
    mergedBy: null,
    createdAt: now(),
    updatedAt: now(),
    closedAt: null,
  };
  await bringHead(world, pull);
  if ((await world.repository.tryRun(['merge-base', baseSha, headSha])).code !== 0) {
    throw customError(`The ${draft.head} branch has no history in common with ${draft.base}`);
  }
  const ahead = await world.repository.run(['rev-list', '--count', `${baseSha}..${headSha}`]);
  if (ahead.trim() === '0') throw customError(`No commits between ${draft.base} and ${draft.head}`);
  world.store.state.nextNumber += 1;
  world.store.state.pulls.push(pull);
  world.store.touch();
  await sendPull(world, 'opened', pull, by);
  computeLater(world, pull);
  return pull;
}

function fieldError(field: string, code: string): Error {
  return invalid('Validation Failed', [{ resource: 'PullRequest', field, code }]);
}

function customError(message: string): Error {
  return invalid('Validation Failed', [{ resource: 'PullRequest', code: 'custom', message }]);
}

/** Makes refs/pull/N/head name the head commit, fetched from the fork when it is there. */
export async function bringHead(world: World, pull: Pull): Promise<void> {
  const target = `refs/pull/${pull.number}/head`;
  const source = await world.repositoryOf(pull.headOwner);
  if (source === undefined || source === world.repository) {
    await world.repository.updateRef(target, pull.headSha);
    return;
  }
  await world.repository.run(['fetch', '--quiet', '--no-tags', source.directory, `+${pull.headSha}:${target}`]);
}

/**
 * Makes the test merge after what is going on now. Until then `mergeable` is null, as on GitHub; the answer is dropped
 * when head or base moved again.
 */
export function computeLater(world: World, pull: Pull): void {
  void world
    .serial(() => compute(world, pull))
    .catch((error: unknown) => {
      console.error(`local GitHub: no test merge of pull request ${pull.number}:`, error);
    });
}

async function compute(world: World, pull: Pull): Promise<void> {
  if (pull.state !== 'open' || pull.mergeable !== null) return;
  const ref = `refs/pull/${pull.number}/merge`;
  const base = await world.repository.resolve(`refs/heads/${pull.baseRef}`);
  const tree = base === undefined ? undefined : await mergeTree(world.repository, base, pull.headSha);
  if (base === undefined || tree === undefined) {
    pull.mergeable = false;
    pull.mergeCommitSha = null;
    if ((await world.repository.resolve(ref)) !== undefined) await world.repository.updateRef(ref, ZERO);
  } else {
    const message = `Merge ${pull.headSha} into ${base}`;
    const merge = await world.repository.commitTree(tree, [base, pull.headSha], message, personOf({ login: pull.author, kind: 'User' }));
    await world.repository.updateRef(ref, merge);
    pull.mergeable = true;
    pull.mergeCommitSha = merge;
  }
  world.store.touch();
}

/** Forgets what was computed, because head or base moved, and computes it anew. */
export function recompute(world: World, pull: Pull): void {
  pull.mergeable = null;
  world.store.touch();
  computeLater(world, pull);
}

export async function closePull(world: World, pull: Pull, by: Actor): Promise<void> {
  if (pull.state === 'closed') return;
  pull.state = 'closed';
  pull.closedAt = now();
  pull.updatedAt = pull.closedAt;
  world.store.touch();
  await sendPull(world, 'closed', pull, by);
}

/** Opens a closed pull request again. @throws Refusal 422 when it is merged or its branch is gone */
export async function reopenPull(world: World, pull: Pull, by: Actor): Promise<void> {
  if (pull.state === 'open') return;
  const head = await (await world.repositoryOf(pull.headOwner))?.resolve(`refs/heads/${pull.headRef}`);
  if (pull.merged || head === undefined) throw fieldError('state', 'invalid');
  pull.state = 'open';
  pull.closedAt = null;
  pull.updatedAt = now();
  pull.headSha = head;
  await bringHead(world, pull);
  await sendPull(world, 'reopened', pull, by);
  recompute(world, pull);
}

export interface PullChange {
  readonly title?: string | undefined;
  readonly body?: string | undefined;
  readonly base?: string | undefined;
  readonly state?: 'open' | 'closed' | undefined;
}

/** Changes title, body, base or state; one event each for the text and the state. @throws Refusal 422 */
export async function editPull(world: World, pull: Pull, change: PullChange, by: Actor): Promise<void> {
  const changes: Record<string, unknown> = {};
  if (change.title !== undefined && change.title !== pull.title) {
    changes['title'] = { from: pull.title };
    pull.title = change.title;
  }
  if (change.body !== undefined && change.body !== pull.body) {
    changes['body'] = { from: pull.body };
    pull.body = change.body;
  }
  const retargeted = change.base !== undefined && change.base !== pull.baseRef;
  if (retargeted) {
    const sha = await world.repository.resolve(`refs/heads/${change.base}`);
    if (sha === undefined || pull.state === 'closed') throw fieldError('base', 'invalid');
    changes['base'] = { ref: { from: pull.baseRef }, sha: { from: pull.baseSha } };
    pull.baseRef = change.base ?? pull.baseRef;
    pull.baseSha = sha;
  }
  if (Object.keys(changes).length > 0) {
    pull.updatedAt = now();
    if (retargeted) recompute(world, pull);
    world.store.touch();
    await sendPull(world, 'edited', pull, by, { changes });
  }
  if (change.state === 'closed') await closePull(world, pull, by);
  if (change.state === 'open') await reopenPull(world, pull, by);
}
