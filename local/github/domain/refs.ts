import { type Repository, ZERO } from '../git/repository.ts';
import type { Actor } from './actor.ts';
import { requestSuite } from './checks.ts';
import { type RefChange, sendPull, sendPush } from './events.ts';
import { bringHead, closePull, now, recompute } from './pulls.ts';
import type { World } from './world.ts';

/** Branches that differ between two looks at a repository. */
export function changedBranches(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): RefChange[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names]
    .map((name) => ({ ref: `refs/heads/${name}`, before: before.get(name) ?? ZERO, after: after.get(name) ?? ZERO }))
    .filter((change) => change.before !== change.after);
}

/** Runs what may move branches (a push, an API call) and tells the world of every branch that moved. */
export async function watchingBranches<T>(
  world: World,
  owner: string,
  repository: Repository,
  by: Actor,
  work: () => Promise<T>,
): Promise<T> {
  const before = await repository.branches();
  const result = await work();
  for (const change of changedBranches(before, await repository.branches())) await branchMoved(world, owner, change, by);
  return result;
}

/** What GitHub does when a branch moved: a push event, the pull requests from and to it brought up to date. */
export async function branchMoved(world: World, owner: string, change: RefChange, by: Actor): Promise<void> {
  const main = owner === world.settings.repository.owner;
  if (main) {
    await sendPush(world, change, by);
    if (change.after !== ZERO) requestSuite(world, change.after, change.ref.replace('refs/heads/', ''), by);
  }
  const branch = change.ref.replace('refs/heads/', '');
  for (const pull of world.store.state.pulls.filter((candidate) => candidate.state === 'open')) {
    if (pull.headOwner === owner && pull.headRef === branch) await headMoved(world, pull.number, change, by);
    if (main && pull.baseRef === branch) await baseMoved(world, pull.number, change, by);
  }
}

async function headMoved(world: World, number: number, change: RefChange, by: Actor): Promise<void> {
  const pull = world.store.state.pulls.find((candidate) => candidate.number === number);
  if (pull === undefined || pull.headSha === change.after) return;
  if (change.after === ZERO) {
    await closePull(world, pull, by);
    return;
  }
  pull.headSha = change.after;
  pull.baseSha = (await world.repository.resolve(`refs/heads/${pull.baseRef}`)) ?? pull.baseSha;
  pull.updatedAt = now();
  await bringHead(world, pull);
  recompute(world, pull);
  await sendPull(world, 'synchronize', pull, by, { before: change.before, after: change.after });
}

/** A base that now holds the head has merged it, however that came; a base that is gone closes the pull request. */
async function baseMoved(world: World, number: number, change: RefChange, by: Actor): Promise<void> {
  const pull = world.store.state.pulls.find((candidate) => candidate.number === number);
  if (pull === undefined || pull.state === 'closed') return;
  if (change.after === ZERO) {
    await closePull(world, pull, by);
    return;
  }
  const contained = await world.repository.tryRun(['merge-base', '--is-ancestor', pull.headSha, change.after]);
  if (contained.code !== 0) {
    recompute(world, pull);
    return;
  }
  pull.merged = true;
  pull.mergedBy = by.login;
  pull.mergeCommitSha = change.after;
  if (change.before !== ZERO) pull.baseSha = change.before;
  await closePull(world, pull, by);
}
