import { RefusedError } from '#model/errors.ts';
import type { RepositoryRef } from '#model/primitives.ts';
import type { CheckRunRequest, GitHub, PullRequest } from '#ports/github.ts';
import { createGitObjects, type GitObjects } from './git-objects.ts';

/** A check run as the fake keeps it: annotations of all requests together. */
export type FakeCheckRun = CheckRunRequest & { readonly id: number };

/** GitHub in memory: one repository, and what others than the App do to it. */
export interface FakeGitHub extends GitHub {
  readonly objects: GitObjects;
  readonly branches: Map<string, string>;
  readonly checkRuns: FakeCheckRun[];
  /** By login; everybody else reads. */
  readonly permissions: Map<string, 'admin' | 'write' | 'read' | 'none'>;
  /** Commits files (null deletes) on a branch, made from `from` when it is new; answers the commit. */
  push(branch: string, files: Readonly<Record<string, string | null>>, from?: string): string;
  /** As the operator: merges with a merge commit. */
  merge(number: number, by?: string): string;
  /** Opens a pull request whose head is in another repository. */
  openFromFork(files: Readonly<Record<string, string | null>>, base: string): PullRequest;
}

interface Pull {
  readonly number: number;
  title: string;
  state: 'open' | 'closed';
  mergedBy: string | null;
  mergeCommit: string | null;
  /** Base when the head was pushed, and when it was merged. */
  baseSha: string;
  /** Only that of a fork; a branch's head is read. */
  readonly forkHead: string | undefined;
  /** Head when it was closed. */
  closedHead: string | undefined;
  readonly author: string;
  readonly headRef: string;
  readonly baseRef: string;
}

/** @param repository the one repository; every other is refused with 404 */
export function createFakeGitHub(repository: RepositoryRef): FakeGitHub {
  const objects = createGitObjects();
  const branches = new Map<string, string>();
  const pulls: Pull[] = [];
  const checkRuns: FakeCheckRun[] = [];
  const permissions: FakeGitHub['permissions'] = new Map([['operator', 'admin']]);
  const state = { objects, branches, pulls, merges: new Map<string, string>() };

  const here = (at: RepositoryRef): void => {
    if (at.owner !== repository.owner || at.name !== repository.name) throw refused(404, 'Not Found');
  };
  const pullOf = (number: number): Pull => known(pulls.find((pull) => pull.number === number));
  const append = (pull: Omit<Pull, 'number' | 'state' | 'mergedBy' | 'mergeCommit' | 'baseSha' | 'closedHead'>): Pull => {
    const baseSha = known(branches.get(pull.baseRef), 422, 'base is invalid');
    const opened: Pull = {
      ...pull,
      number: pulls.length + 1,
      state: 'open',
      mergedBy: null,
      mergeCommit: null,
      baseSha,
      closedHead: undefined,
    };
    if (objects.ancestors(baseSha).has(headOf(state, opened))) throw refused(422, `No commits between ${pull.baseRef} and ${pull.headRef}`);
    pulls.push(opened);
    return opened;
  };

  return {
    objects,
    branches,
    checkRuns,
    permissions,
    push(branch, files, from) {
      const parent = branches.get(branch) ?? (from === undefined ? undefined : branches.get(from));
      const sha = commitFiles(objects, parent, files);
      branches.set(branch, sha);
      for (const pull of pulls) {
        if (pull.state === 'open' && pull.headRef === branch && pull.forkHead === undefined)
          pull.baseSha = branches.get(pull.baseRef) ?? pull.baseSha;
      }
      return sha;
    },
    merge(number, by = 'operator') {
      const pull = pullOf(number);
      const merge = known(testMerge(state, pull), 405, 'Pull Request is not mergeable');
      pull.closedHead = headOf(state, pull);
      pull.baseSha = known(branches.get(pull.baseRef));
      branches.set(pull.baseRef, merge);
      Object.assign(pull, { state: 'closed', mergedBy: by, mergeCommit: merge });
      return merge;
    },
    openFromFork(files, base) {
      const head = commitFiles(objects, branches.get(base), files);
      return shown(state, append({ title: 'From a fork', author: 'stranger', headRef: 'patch', baseRef: base, forkHead: head }));
    },

    async getPullRequest(at, number) {
      here(at);
      return shown(state, pullOf(number));
    },
    async listOpenPullRequests(at, filter) {
      here(at);
      const head = filter.head?.replace(`${repository.owner}:`, '');
      return pulls
        .filter((pull) => pull.state === 'open' && (filter.base ?? pull.baseRef) === pull.baseRef)
        .filter((pull) => head === undefined || (pull.forkHead === undefined && pull.headRef === head))
        .map((pull) => ({ ...shown(state, pull), mergeable: null }));
    },
    async pullRequestsOfBranch(at, branch) {
      here(at);
      return pulls.filter((pull) => pull.forkHead === undefined && pull.headRef === branch).map((pull) => shown(state, pull));
    },
    async pullRequestsOfCommit(at, sha) {
      here(at);
      return pulls.filter((pull) => pull.mergeCommit === sha || broughtBy(state, pull).has(sha)).map((pull) => shown(state, pull));
    },
    async listChangedFiles(at, number) {
      here(at);
      const pull = pullOf(number);
      return changedPaths(objects, mergeBase(objects, pull.baseSha, headOf(state, pull)), headOf(state, pull));
    },
    async getPermission(at, login) {
      here(at);
      return permissions.get(login) ?? 'read';
    },
    async getBranchHead(at, branch) {
      // As GitHub's 404: a repository that is not there has no branch either.
      return at.owner === repository.owner && at.name === repository.name ? branches.get(branch) : undefined;
    },
    async getCommit(at, sha) {
      here(at);
      return known(objects.readCommit(sha));
    },
    async getTree(at, treeSha) {
      here(at);
      return known(objects.readTree(treeSha));
    },
    async getBlob(at, blobSha) {
      here(at);
      return known(objects.readBlob(blobSha));
    },
    async createTree(at, baseTree, path, subtree) {
      here(at);
      known(objects.readTree(subtree), 422, 'tree.sha is not a valid tree');
      known(objects.readTree(baseTree), 422, 'base_tree is not a valid tree oid');
      const files = new Map([...objects.files(baseTree)].filter(([file]) => file !== path && !file.startsWith(`${path}/`)));
      for (const [file, sha] of objects.files(subtree)) files.set(`${path}/${file}`, sha);
      return objects.tree(files);
    },
    async writeFile(at, baseTree, path, content) {
      here(at);
      known(objects.readTree(baseTree), 422, 'base_tree is not a valid tree oid');
      return objects.tree(new Map([...objects.files(baseTree), [path, objects.blob(content)]]));
    },
    async createCommit(at, commit) {
      here(at);
      for (const parent of commit.parents) known(objects.readCommit(parent), 422, 'Parent SHA does not exist');
      known(objects.readTree(commit.tree), 422, 'Tree SHA does not exist');
      return objects.commit({ treeSha: commit.tree, parents: commit.parents, message: commit.message });
    },
    async setBranch(at, branch, sha) {
      here(at);
      known(objects.readCommit(sha), 422, 'Object does not exist');
      branches.set(branch, sha);
    },
    async createPullRequest(at, request) {
      here(at);
      known(branches.get(request.head), 422, 'head is invalid');
      const twin = pulls.some((pull) => pull.state === 'open' && pull.headRef === request.head && pull.baseRef === request.base);
      if (twin) throw refused(422, `A pull request already exists for ${repository.owner}:${request.head}.`);
      const draft = { title: request.title, author: 'sluice[bot]', headRef: request.head, baseRef: request.base, forkHead: undefined };
      return shown(state, append(draft));
    },
    async updatePullRequest(at, number, change) {
      here(at);
      const pull = pullOf(number);
      if (change.state === 'closed' && pull.state === 'open') pull.closedHead = headOf(state, pull);
      if (change.state === 'open' && pull.mergeCommit !== null) throw refused(422, 'state is invalid');
      pull.title = change.title ?? pull.title;
      pull.state = change.state ?? pull.state;
    },
    async findCheckRun(at, sha, name, externalId) {
      here(at);
      const run = checkRuns.find((one) => one.headSha === sha && one.name === name && one.externalId === externalId);
      return run === undefined ? undefined : { id: run.id, annotations: run.annotations?.length ?? 0 };
    },
    async createCheckRun(at, request) {
      here(at);
      known(objects.readCommit(request.headSha), 422, `No commit found for SHA: ${request.headSha}`);
      checkLimits(request);
      const run = { ...request, id: checkRuns.length + 1 };
      checkRuns.push(run);
      return run.id;
    },
    async updateCheckRun(at, id, request) {
      here(at);
      checkLimits(request);
      const index = checkRuns.findIndex((run) => run.id === id);
      const before = known(checkRuns[index]);
      const annotations = [...(before.annotations ?? []), ...(request.annotations ?? [])];
      checkRuns[index] = { ...request, headSha: before.headSha, id, annotations };
    },
  };
}

interface State {
  readonly objects: GitObjects;
  readonly branches: ReadonlyMap<string, string>;
  readonly pulls: readonly Pull[];
  /** Test merges by base and head: looking twice at an unchanged pull request shows the same commit. */
  readonly merges: Map<string, string>;
}

function refused(status: number, message: string): RefusedError {
  return new RefusedError(`GitHub answered ${status}: ${message}`);
}

function known<T>(value: T | undefined, status = 404, message = 'Not Found'): T {
  if (value === undefined) throw refused(status, message);
  return value;
}

function headOf(state: State, pull: Pull): string {
  return known(pull.state === 'closed' ? pull.closedHead : (pull.forkHead ?? state.branches.get(pull.headRef)));
}

function shown(state: State, pull: Pull): PullRequest {
  const merge = pull.state === 'open' ? testMerge(state, pull) : undefined;
  return {
    number: pull.number,
    title: pull.title,
    state: pull.state,
    merged: pull.mergeCommit !== null,
    mergedBy: pull.mergedBy,
    author: pull.author,
    baseRef: pull.baseRef,
    baseSha: pull.baseSha,
    headRef: pull.headRef,
    headSha: headOf(state, pull),
    fork: pull.forkHead !== undefined,
    mergeable: pull.state === 'open' ? merge !== undefined : null,
    mergeCommitSha: pull.mergeCommit ?? merge ?? null,
  };
}

function broughtBy(state: State, pull: Pull): Set<string> {
  const old = state.objects.ancestors(pull.baseSha);
  return new Set([...state.objects.ancestors(headOf(state, pull))].filter((sha) => !old.has(sha)));
}

function commitFiles(objects: GitObjects, parent: string | undefined, files: Readonly<Record<string, string | null>>): string {
  const all = parent === undefined ? new Map<string, string>() : objects.files(known(objects.readCommit(parent)).treeSha);
  for (const [path, content] of Object.entries(files)) {
    if (content === null) all.delete(path);
    else all.set(path, objects.blob(content));
  }
  return objects.commit({ treeSha: objects.tree(all), parents: parent === undefined ? [] : [parent], message: 'Change' });
}

/** The newest commit that both have; undefined without common history. */
function mergeBase(objects: GitObjects, a: string, b: string): string | undefined {
  const other = objects.ancestors(b);
  const common = [...objects.ancestors(a)].filter((sha) => other.has(sha));
  return common.find((sha) => !common.some((newer) => newer !== sha && objects.ancestors(newer).has(sha)));
}

function filesAt(objects: GitObjects, commit: string | undefined): Map<string, string> {
  return commit === undefined ? new Map() : objects.files(known(objects.readCommit(commit)).treeSha);
}

function changedPaths(objects: GitObjects, from: string | undefined, to: string): string[] {
  const before = filesAt(objects, from);
  const after = filesAt(objects, to);
  return [...new Set([...before.keys(), ...after.keys()])].filter((path) => before.get(path) !== after.get(path)).sort();
}

/** The test merge, file by file; undefined when both sides changed a file differently. */
function testMerge(state: State, pull: Pull): string | undefined {
  const { objects } = state;
  const base = known(state.branches.get(pull.baseRef));
  const head = headOf(state, pull);
  const made = state.merges.get(`${base} ${head}`);
  if (made !== undefined) return made;
  const origin = mergeBase(objects, base, head);
  const [before, ours, theirs] = [filesAt(objects, origin), filesAt(objects, base), filesAt(objects, head)];
  for (const path of changedPaths(objects, origin, head)) {
    const wanted = theirs.get(path);
    if (ours.get(path) !== before.get(path) && ours.get(path) !== wanted) return undefined;
    if (wanted === undefined) ours.delete(path);
    else ours.set(path, wanted);
  }
  const merge = objects.commit({ treeSha: objects.tree(ours), parents: [base, head], message: `Merge ${head} into ${base}` });
  state.merges.set(`${base} ${head}`, merge);
  return merge;
}

/** Limits of one request (GitHub's OpenAPI description of check runs, schema and prose). */
function checkLimits(request: CheckRunRequest): void {
  if ((request.annotations ?? []).length > 50) throw refused(422, 'No more than 50 items are allowed');
  if ([...request.summary].length > 65_535 || [...(request.text ?? '')].length > 65_535) throw refused(422, 'more than 65535 characters');
  if (request.status === 'completed' && request.conclusion === undefined) throw refused(422, 'conclusion is required');
}
