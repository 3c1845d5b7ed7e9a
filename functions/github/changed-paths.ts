import type { RepositoryRef } from '#model/primitives.ts';
import type { GitHub, PullRequest } from '#ports/github.ts';

/**
 * Paths that merging changes, from the trees of the base and of the test merge: GitHub's own list of changed files ends at
 * 3,000 and leaves out where a renamed file was. @param baseSha commit of the base @param mergeTree tree of the test merge
 */
export async function changedPaths(repository: RepositoryRef, baseSha: string, mergeTree: string, github: GitHub): Promise<string[]> {
  const { treeSha } = await github.getCommit(repository, baseSha);
  const [before, after] = await Promise.all([filesOf(repository, treeSha, github), filesOf(repository, mergeTree, github)]);
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => before.get(path) !== after.get(path)).sort();
}

async function filesOf(repository: RepositoryRef, tree: string, github: GitHub): Promise<Map<string, string>> {
  const entries = await github.getTree(repository, tree);
  // The mode too: a file that becomes executable, or a link, is another file.
  return new Map(entries.filter(({ type }) => type !== 'tree').map(({ path, mode, sha }) => [path, `${mode} ${sha}`]));
}

/**
 * Why a head that another open pull request has too is refused: GitHub keeps checks by commit, so that the green of one
 * would pass for the other's. undefined when no other has it.
 */
export async function sharedHead(repository: RepositoryRef, pull: PullRequest, github: GitHub): Promise<string | undefined> {
  const pulls = await github.pullRequestsOfCommit(repository, pull.headSha);
  const other = pulls.find(({ number, state, headSha }) => number !== pull.number && state === 'open' && headSha === pull.headSha);
  if (other === undefined) return undefined;
  return `its head is that of #${other.number} (to ${other.baseRef}) too, and checks belong to commits: push a commit of its own, or close one of both and re-run the check`;
}
