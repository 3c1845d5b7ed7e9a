import type { Repository } from './repository.ts';
import type { Person } from './run.ts';

/** Tree of merging `theirs` into `ours`; undefined when they conflict or have no common history. */
export async function mergeTree(repository: Repository, ours: string, theirs: string): Promise<string | undefined> {
  const result = await repository.tryRun(['merge-tree', '--write-tree', '--no-messages', ours, theirs]);
  return result.code === 0 ? result.stdout.toString().split('\n')[0] : undefined;
}

/** Puts the commits of base..head on top of base, one by one; undefined when one conflicts or is a merge. */
export async function rebase(repository: Repository, base: string, head: string, who: Person): Promise<string | undefined> {
  let onto = base;
  for (const commit of await repository.commits([`${base}..${head}`], 1000)) {
    const [parent] = commit.parents;
    if (commit.parents.length !== 1 || parent === undefined) return undefined;
    const tree = await picked(repository, onto, parent, commit.tree, who);
    if (tree === undefined) return undefined;
    onto = await repository.commitTree(tree, [onto], commit.message, { name: commit.author.name, email: commit.author.email });
  }
  return onto;
}

/**
 * Tree of one commit's change on top of `onto`. Git before 2.40 takes no merge base of one's own, so three helper
 * commits are made whose only common ancestor has the parent's tree.
 */
async function picked(repository: Repository, onto: string, parent: string, tree: string, who: Person): Promise<string | undefined> {
  const ancestor = await repository.commitTree(`${parent}^{tree}`, [], 'ancestor', who);
  const ours = await repository.commitTree(`${onto}^{tree}`, [ancestor], 'ours', who);
  const theirs = await repository.commitTree(tree, [ancestor], 'theirs', who);
  return mergeTree(repository, ours, theirs);
}
