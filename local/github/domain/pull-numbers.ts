import { type ChangedFile, changedFiles } from '../git/diff.ts';
import type { CommitInfo } from '../git/repository.ts';
import type { Pull } from '../state.ts';
import { requiredState } from './gate.ts';
import { fullPullJson, type Json } from './payloads.ts';
import type { World } from './world.ts';

/** Where a pull request's changes begin: the newest commit that base and head share. */
async function forkPoint(world: World, pull: Pull): Promise<string> {
  const result = await world.repository.tryRun(['merge-base', await baseOf(world, pull), pull.headSha]);
  return result.code === 0 ? result.stdout.toString().trim() : pull.baseSha;
}

/** A merged pull request keeps the base it was merged into. */
async function baseOf(world: World, pull: Pull): Promise<string> {
  if (pull.state === 'closed') return pull.baseSha;
  return (await world.repository.resolve(`refs/heads/${pull.baseRef}`)) ?? pull.baseSha;
}

/** Files that a pull request changes, against the point where it left its base. */
export async function filesOf(world: World, pull: Pull): Promise<ChangedFile[]> {
  return changedFiles(world.repository, await forkPoint(world, pull), pull.headSha);
}

export async function commitsOf(world: World, pull: Pull): Promise<CommitInfo[]> {
  return world.repository.commits([`${await baseOf(world, pull)}..${pull.headSha}`]);
}

export async function fullPull(world: World, pull: Pull): Promise<Json> {
  const files = await filesOf(world, pull);
  return fullPullJson(world, pull, {
    commits: (await commitsOf(world, pull)).length,
    additions: files.reduce((sum, file) => sum + file.additions, 0),
    deletions: files.reduce((sum, file) => sum + file.deletions, 0),
    changedFiles: files.length,
    comments: world.store.state.comments.filter((comment) => comment.number === pull.number).length,
    mergeableState: mergeableState(world, pull),
  });
}

function mergeableState(world: World, pull: Pull): string {
  if (pull.state === 'closed' || pull.mergeable === null) return 'unknown';
  if (!pull.mergeable) return 'dirty';
  return requiredState(world, pull.headSha) === 'green' ? 'clean' : 'blocked';
}
