import type * as z from 'zod';
import { RefusedError } from '#model/errors.ts';
import {
  BlobAnswer,
  CheckRunAnswer,
  CheckRunsAnswer,
  CommitAnswer,
  MadeAnswer,
  PermissionAnswer,
  PullAnswer,
  PullFileAnswer,
  RefAnswer,
  TreeAnswer,
} from '#model/github-api.ts';
import type { RepositoryRef } from '#model/primitives.ts';
import type { GitHub, TreeEntry } from '#ports/github.ts';
import { type Client, createClient, type GitHubConnection } from './client.ts';
import { checkRunBody, pullRequestOf } from './shapes.ts';

const REPOSITORY = '/repos/{owner}/{repo}';

/** GitHub's REST API as an App installation: github.com or a GitHub Enterprise Server, by `baseUrl`. */
export function createGitHub(connection: GitHubConnection): GitHub {
  const client = createClient({ ...connection, app: connection });
  return { ...pullRequests(client), ...reads(client), ...writes(client), ...checkRuns(client) };
}

function at(repository: RepositoryRef): { owner: string; repo: string } {
  return { owner: repository.owner, repo: repository.name };
}

type PullRequests = Pick<
  GitHub,
  | 'getPullRequest'
  | 'listOpenPullRequests'
  | 'pullRequestsOfBranch'
  | 'pullRequestsOfCommit'
  | 'listChangedFiles'
  | 'createPullRequest'
  | 'updatePullRequest'
>;

function pullRequests(client: Client): PullRequests {
  const get = async (repository: RepositoryRef, number: number) =>
    pullRequestOf(await client.call(`GET ${REPOSITORY}/pulls/{pull_number}`, { ...at(repository), pull_number: number }, PullAnswer));
  return {
    getPullRequest: get,
    async listOpenPullRequests(repository, filter) {
      // GitHub ignores a head filter without an owner and would answer every pull request.
      const head = filter.head === undefined || filter.head.includes(':') ? filter.head : `${repository.owner}:${filter.head}`;
      const parameters = { ...at(repository), state: 'open', ...(filter.base === undefined ? {} : { base: filter.base }) };
      const answers = await client.list(`GET ${REPOSITORY}/pulls`, { ...parameters, ...(head === undefined ? {} : { head }) }, PullAnswer);
      return answers.map(pullRequestOf);
    },
    async pullRequestsOfBranch(repository, branch) {
      const parameters = { ...at(repository), state: 'all', head: `${repository.owner}:${branch}` };
      return (await client.list(`GET ${REPOSITORY}/pulls`, parameters, PullAnswer)).map(pullRequestOf);
    },
    async pullRequestsOfCommit(repository, sha) {
      const route = `GET ${REPOSITORY}/commits/{commit_sha}/pulls`;
      const answers = await client.list(route, { ...at(repository), commit_sha: sha }, PullAnswer);
      // Lists do not say who merged, so each one is read.
      return Promise.all(answers.map((answer) => get(repository, answer.number)));
    },
    async listChangedFiles(repository, number) {
      const route = `GET ${REPOSITORY}/pulls/{pull_number}/files`;
      const files = await client.list(route, { ...at(repository), pull_number: number }, PullFileAnswer);
      const paths = files.flatMap((file) =>
        file.previous_filename === undefined ? [file.filename] : [file.filename, file.previous_filename],
      );
      return [...new Set(paths)].sort();
    },
    async createPullRequest(repository, request) {
      return pullRequestOf(await client.call(`POST ${REPOSITORY}/pulls`, { ...at(repository), ...request }, PullAnswer));
    },
    async updatePullRequest(repository, number, change) {
      await client.call(`PATCH ${REPOSITORY}/pulls/{pull_number}`, { ...at(repository), pull_number: number, ...change }, PullAnswer);
    },
  };
}

function reads(client: Client): Pick<GitHub, 'getPermission' | 'getBranchHead' | 'getCommit' | 'getTree' | 'getBlob'> {
  return {
    async getPermission(repository, login) {
      const parameters = { ...at(repository), username: login };
      const answer = await client.find(`GET ${REPOSITORY}/collaborators/{username}/permission`, parameters, PermissionAnswer, [404]);
      return answer?.permission ?? 'none';
    },
    getBranchHead: (repository, branch) => branchHead(client, repository, branch),
    async getCommit(repository, sha) {
      const route = `GET ${REPOSITORY}/git/commits/{commit_sha}`;
      const answer = await client.call(route, { ...at(repository), commit_sha: sha }, CommitAnswer);
      return { sha: answer.sha, treeSha: answer.tree.sha, parents: answer.parents.map((parent) => parent.sha), message: answer.message };
    },
    async getTree(repository, treeSha) {
      const parameters = { ...at(repository), tree_sha: treeSha, recursive: '1' };
      const answer = await client.call(`GET ${REPOSITORY}/git/trees/{tree_sha}`, parameters, TreeAnswer);
      if (answer.truncated) throw new RefusedError(`GitHub cut the tree ${treeSha}: it has more than 100,000 entries or 7 MB`);
      return answer.tree.map(treeEntryOf);
    },
    async getBlob(repository, blobSha) {
      const answer = await client.call(`GET ${REPOSITORY}/git/blobs/{file_sha}`, { ...at(repository), file_sha: blobSha }, BlobAnswer);
      return new Uint8Array(Buffer.from(answer.content, answer.encoding));
    },
  };
}

function treeEntryOf(entry: z.infer<typeof TreeAnswer>['tree'][number]): TreeEntry {
  const { size, ...rest } = entry;
  return size === undefined ? rest : { ...rest, size };
}

async function branchHead(client: Client, repository: RepositoryRef, branch: string): Promise<string | undefined> {
  const parameters = { ...at(repository), ref: `heads/${branch}` };
  const answer = await client.find(`GET ${REPOSITORY}/git/ref/{ref}`, parameters, RefAnswer, [404]);
  return answer?.object.sha;
}

function writes(client: Client): Pick<GitHub, 'createTree' | 'writeFile' | 'createCommit' | 'setBranch'> {
  return {
    async createTree(repository, baseTree, path, subtree) {
      const tree = [{ path, mode: '040000', type: 'tree', sha: subtree }];
      const answer = await client.call(`POST ${REPOSITORY}/git/trees`, { ...at(repository), base_tree: baseTree, tree }, MadeAnswer);
      return answer.sha;
    },
    async writeFile(repository, baseTree, path, content) {
      const tree = [{ path, mode: '100644', type: 'blob', content }];
      const answer = await client.call(`POST ${REPOSITORY}/git/trees`, { ...at(repository), base_tree: baseTree, tree }, MadeAnswer);
      return answer.sha;
    },
    async createCommit(repository, commit) {
      const answer = await client.call(`POST ${REPOSITORY}/git/commits`, { ...at(repository), ...commit }, MadeAnswer);
      return answer.sha;
    },
    async setBranch(repository, branch, sha) {
      const head = await branchHead(client, repository, branch);
      if (head === sha) return;
      if (head === undefined) {
        const parameters = { ...at(repository), ref: `refs/heads/${branch}`, sha };
        // 422: someone made it in between; then it is moved like one that was there.
        const made = await client.find(`POST ${REPOSITORY}/git/refs`, parameters, RefAnswer, [422]);
        if (made !== undefined) return;
      }
      await client.call(`PATCH ${REPOSITORY}/git/refs/{ref}`, { ...at(repository), ref: `heads/${branch}`, sha, force: true }, RefAnswer);
    },
  };
}

function checkRuns(client: Client): Pick<GitHub, 'findCheckRun' | 'createCheckRun' | 'updateCheckRun'> {
  return {
    async findCheckRun(repository, sha, name, externalId) {
      const parameters = { ...at(repository), ref: sha, check_name: name, filter: 'all', per_page: 100 };
      const answer = await client.call(`GET ${REPOSITORY}/commits/{ref}/check-runs`, parameters, CheckRunsAnswer);
      const run = answer.check_runs.find((one) => one.external_id === externalId);
      return run === undefined ? undefined : { id: run.id, annotations: run.output.annotations_count };
    },
    async createCheckRun(repository, request) {
      const body = { ...checkRunBody(request), head_sha: request.headSha };
      const answer = await client.call(`POST ${REPOSITORY}/check-runs`, { ...at(repository), ...body }, CheckRunAnswer);
      return answer.id;
    },
    async updateCheckRun(repository, id, request) {
      const parameters = { ...at(repository), check_run_id: id, ...checkRunBody(request) };
      await client.call(`PATCH ${REPOSITORY}/check-runs/{check_run_id}`, parameters, CheckRunAnswer);
    },
  };
}
