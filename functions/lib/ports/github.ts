import type { RepositoryRef } from '#model/primitives.ts';

export interface PullRequest {
  readonly number: number;
  readonly title: string;
  readonly state: 'open' | 'closed';
  readonly merged: boolean;
  readonly mergedBy: string | null;
  readonly author: string;
  readonly baseRef: string;
  readonly baseSha: string;
  readonly headRef: string;
  readonly headSha: string;
  /** True when the head is in another repository. */
  readonly fork: boolean;
  /** null while GitHub computes it. */
  readonly mergeable: boolean | null;
  /** The test merge of an open PR, or the merge commit of a merged one. */
  readonly mergeCommitSha: string | null;
}

export interface TreeEntry {
  readonly path: string;
  readonly type: 'blob' | 'tree' | 'commit';
  readonly mode: string;
  readonly sha: string;
  readonly size?: number;
}

export interface Commit {
  readonly sha: string;
  readonly treeSha: string;
  readonly parents: readonly string[];
  readonly message: string;
}

export interface CheckRunRequest {
  readonly name: string;
  readonly headSha: string;
  readonly status: 'queued' | 'in_progress' | 'completed';
  readonly conclusion?: string;
  readonly detailsUrl?: string;
  readonly externalId?: string;
  readonly title: string;
  readonly summary: string;
  readonly text?: string;
  /** At most 50 a request; GitHub appends those of later updates. */
  readonly annotations?: readonly CheckAnnotation[];
  /** Buttons, shown once the run has completed. At most 3; label 20, description 40, identifier 20 characters. */
  readonly actions?: readonly CheckAction[];
}

export interface CheckAction {
  readonly label: string;
  readonly description: string;
  readonly identifier: string;
}

export interface CheckAnnotation {
  readonly path: string;
  readonly startLine: number;
  readonly endLine: number;
  readonly startColumn?: number;
  readonly endColumn?: number;
  readonly level: 'notice' | 'warning' | 'failure';
  readonly message: string;
  readonly title?: string;
}

/** GitHub, as an App installation. All calls may throw TransientError (rate limit, 5xx) and RefusedError (4xx). */
export interface GitHub {
  getPullRequest(repository: RepositoryRef, number: number): Promise<PullRequest>;
  listOpenPullRequests(repository: RepositoryRef, filter: { base?: string; head?: string }): Promise<PullRequest[]>;
  /** The pull requests of a branch of this repository, open or closed. */
  pullRequestsOfBranch(repository: RepositoryRef, branch: string): Promise<PullRequest[]>;
  /** The pull requests that a commit came from. */
  pullRequestsOfCommit(repository: RepositoryRef, sha: string): Promise<PullRequest[]>;
  /** Paths changed by a pull request. */
  listChangedFiles(repository: RepositoryRef, number: number): Promise<string[]>;
  /** What somebody may do in the repository; `none` for who is no collaborator or not there. */
  getPermission(repository: RepositoryRef, login: string): Promise<'admin' | 'write' | 'read' | 'none'>;
  /** Head commit of a branch; undefined when there is no such branch. */
  getBranchHead(repository: RepositoryRef, branch: string): Promise<string | undefined>;
  getCommit(repository: RepositoryRef, sha: string): Promise<Commit>;
  /** All entries under a tree, recursively. @throws RefusedError when GitHub truncated the answer */
  getTree(repository: RepositoryRef, treeSha: string): Promise<TreeEntry[]>;
  getBlob(repository: RepositoryRef, blobSha: string): Promise<Uint8Array>;
  /** Makes a tree that equals `baseTree` but has `subtree` at `path`; answers its id. */
  createTree(repository: RepositoryRef, baseTree: string, path: string, subtree: string): Promise<string>;
  /** Makes a tree that equals `baseTree` but has a plain file of this content at `path`; answers its id. */
  writeFile(repository: RepositoryRef, baseTree: string, path: string, content: string): Promise<string>;
  createCommit(repository: RepositoryRef, commit: { message: string; tree: string; parents: readonly string[] }): Promise<string>;
  /** Creates the branch, or moves it there when it exists (force). */
  setBranch(repository: RepositoryRef, branch: string, sha: string): Promise<void>;
  createPullRequest(repository: RepositoryRef, request: { title: string; body: string; head: string; base: string }): Promise<PullRequest>;
  updatePullRequest(
    repository: RepositoryRef,
    number: number,
    change: { title?: string; body?: string; state?: 'open' | 'closed' },
  ): Promise<void>;
  /** The run of that name and external id on a commit, with the number of its annotations. */
  findCheckRun(
    repository: RepositoryRef,
    sha: string,
    name: string,
    externalId: string,
  ): Promise<{ id: number; annotations: number } | undefined>;
  createCheckRun(repository: RepositoryRef, request: CheckRunRequest): Promise<number>;
  updateCheckRun(repository: RepositoryRef, id: number, request: CheckRunRequest): Promise<void>;
}
