import { mergeTree, rebase } from '../git/merge.ts';
import { Refusal } from '../refusal.ts';
import type { Pull } from '../state.ts';
import { type Actor, personOf } from './actor.ts';
import { gateReason } from './gate.ts';
import { closePull } from './pulls.ts';
import { branchMoved } from './refs.ts';
import type { World } from './world.ts';

export interface MergeRequest {
  /** The head that the person saw; another one is refused. */
  readonly sha?: string | undefined;
  readonly method: 'merge' | 'squash' | 'rebase';
  readonly title?: string | undefined;
  readonly message?: string | undefined;
}

/** Why a pull request can't be merged now, for people; undefined when it can. */
export function mergeObstacle(world: World, pull: Pull): string | undefined {
  if (pull.merged) return 'The pull request is merged already.';
  if (pull.state === 'closed') return 'The pull request is closed.';
  if (pull.mergeable === null) return 'GitHub is still checking whether it can be merged.';
  if (!pull.mergeable) return 'It conflicts with its base branch.';
  return gateReason(world, pull.headSha);
}

/** Merges. @throws Refusal 409 when the head is another, 405 when it can't be merged or the required check isn't green */
export async function mergePull(world: World, pull: Pull, request: MergeRequest, by: Actor): Promise<string> {
  if (pull.state === 'closed') throw new Refusal(405, 'Pull Request is not mergeable');
  if (request.sha !== undefined && request.sha !== pull.headSha) {
    throw new Refusal(409, 'Head branch was modified. Review and try the merge again.');
  }
  const reason = gateReason(world, pull.headSha);
  if (reason !== undefined) throw new Refusal(405, reason);
  const ref = `refs/heads/${pull.baseRef}`;
  const base = await world.repository.resolve(ref);
  const merged = base === undefined ? undefined : await makeMerge(world, pull, base, request, by);
  if (base === undefined || merged === undefined) throw new Refusal(405, 'Pull Request is not mergeable');
  await world.repository.updateRef(ref, merged, base);
  pull.merged = true;
  pull.mergedBy = by.login;
  pull.mergeCommitSha = merged;
  pull.baseSha = base;
  await closePull(world, pull, by);
  await branchMoved(world, world.settings.repository.owner, { ref, before: base, after: merged }, by);
  return merged;
}

async function makeMerge(world: World, pull: Pull, base: string, request: MergeRequest, by: Actor): Promise<string | undefined> {
  const who = personOf(by);
  if (request.method === 'rebase') return rebase(world.repository, base, pull.headSha, who);
  const tree = await mergeTree(world.repository, base, pull.headSha);
  if (tree === undefined) return undefined;
  if (request.method === 'merge') {
    const title = request.title ?? `Merge pull request #${pull.number} from ${pull.headOwner}/${pull.headRef}`;
    return world.repository.commitTree(tree, [base, pull.headSha], `${title}\n\n${request.message ?? pull.title}\n`, who);
  }
  const messages = (await world.repository.commits([`${base}..${pull.headSha}`])).map((commit) => `* ${commit.message.split('\n')[0]}`);
  const title = request.title ?? `${pull.title} (#${pull.number})`;
  return world.repository.commitTree(tree, [base], `${title}\n\n${request.message ?? messages.join('\n')}\n`, who);
}
