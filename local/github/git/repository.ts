import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type GitCall, type GitResult, git, type Person, tryGit } from './run.ts';

export const ZERO = '0'.repeat(40);

export interface CommitInfo {
  readonly sha: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Person & { readonly date: string };
  readonly committer: Person & { readonly date: string };
  readonly message: string;
}

/** One bare repository. */
export interface Repository {
  readonly directory: string;
  run(args: readonly string[], call?: GitCall): Promise<string>;
  tryRun(args: readonly string[], call?: GitCall): Promise<GitResult>;
  /** Branch heads by name without refs/heads/. */
  branches(): Promise<Map<string, string>>;
  /** Id of what a revision names; undefined when there is none, or it is not of this type. */
  resolve(revision: string, type?: 'commit' | 'tree' | 'blob'): Promise<string | undefined>;
  commit(sha: string): Promise<CommitInfo>;
  /** Commits of a range, oldest first. */
  commits(range: readonly string[], limit?: number): Promise<CommitInfo[]>;
  /** Moves a ref; with `old` only from there. An all-zero `sha` deletes. */
  updateRef(ref: string, sha: string, old?: string): Promise<void>;
  commitTree(tree: string, parents: readonly string[], message: string, who: Person): Promise<string>;
}

/** Directory of a repository under a root, for example `<root>/zalando/fleet.git`. */
export function repositoryDirectory(root: string, owner: string, name: string): string {
  return join(root, owner, `${name}.git`);
}

/** Makes the bare repository if it is not there. */
export async function openRepository(directory: string, defaultBranch: string): Promise<Repository> {
  mkdirSync(directory, { recursive: true });
  const repository = repositoryAt(directory);
  if ((await tryGit(['-C', directory, 'rev-parse', '--is-bare-repository'])).stdout.toString().trim() === 'true') return repository;
  await git(['init', '--quiet', '--bare', `--initial-branch=${defaultBranch}`, directory]);
  await configure(repository);
  return repository;
}

async function configure(repository: Repository): Promise<void> {
  await repository.run(['config', 'http.receivepack', 'true']);
  // Only the server writes these, as on GitHub.
  await repository.run(['config', 'receive.hideRefs', 'refs/pull']);
  await repository.run(['config', 'uploadpack.allowAnySHA1InWant', 'true']);
  await repository.run(['config', 'gc.auto', '0']);
}

/** A copy of all branches, as a fork has them. */
export async function forkRepository(source: Repository, directory: string): Promise<Repository> {
  await git(['clone', '--quiet', '--bare', '--no-hardlinks', source.directory, directory]);
  const fork = repositoryAt(directory);
  await configure(fork);
  return fork;
}

function repositoryAt(directory: string): Repository {
  const run = (args: readonly string[], call?: GitCall) => git(['--git-dir', directory, ...args], call);
  const tryRun = (args: readonly string[], call?: GitCall) => tryGit(['--git-dir', directory, ...args], call);
  const commits: Repository['commits'] = async (range, limit = 250) =>
    parseCommits(await run(['log', '--reverse', '--topo-order', `--max-count=${limit}`, `--format=${FORMAT}`, ...range, '--']));
  // Nothing is ever collected (gc.auto 0), and clients ask about the same commits again and again: a process each time
  // would be a third of what this server costs.
  const there = new Set<string>();
  return {
    directory,
    run,
    tryRun,
    commits,
    async branches() {
      const lines = (await run(['for-each-ref', '--format=%(objectname) %(refname:lstrip=2)', 'refs/heads'])).split('\n').filter(Boolean);
      return new Map(lines.map((line) => [line.slice(41), line.slice(0, 40)]));
    },
    async resolve(revision, type = 'commit') {
      if (revision.startsWith('-')) return undefined;
      if (there.has(`${type} ${revision}`)) return revision;
      const result = await tryRun(['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{${type}}`]);
      if (result.code !== 0) return undefined;
      const id = result.stdout.toString().trim();
      if (id === revision) there.add(`${type} ${id}`);
      return id;
    },
    async commit(sha) {
      const [commit] = await commits(['--no-walk', sha], 1);
      if (commit === undefined) throw new Error(`there is no commit ${sha}`);
      return commit;
    },
    async updateRef(ref, sha, old) {
      if (sha === ZERO) await run(['update-ref', '-d', ref, ...(old === undefined ? [] : [old])]);
      else await run(['update-ref', ref, sha, ...(old === undefined ? [] : [old])]);
    },
    async commitTree(tree, parents, message, who) {
      const call = { stdin: message, env: identity(who) };
      return (await run(['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent])], call)).trim();
    },
  };
}

function identity(who: Person): Record<string, string> {
  return { GIT_AUTHOR_NAME: who.name, GIT_AUTHOR_EMAIL: who.email, GIT_COMMITTER_NAME: who.name, GIT_COMMITTER_EMAIL: who.email };
}

/** Fields end with the unit separator, records with the record separator: neither occurs in a message by accident. */
const FORMAT = '%H%x1f%T%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%B%x1e';

function parseCommits(text: string): CommitInfo[] {
  return text
    .split('\x1e')
    .map((record) => record.replace(/^\n/, ''))
    .filter((record) => record !== '')
    .map((record) => {
      const [sha = '', tree = '', parents = '', an = '', ae = '', ad = '', cn = '', ce = '', cd = '', message = ''] = record.split('\x1f');
      return {
        sha,
        tree,
        parents: parents.split(' ').filter(Boolean),
        author: { name: an, email: ae, date: ad },
        committer: { name: cn, email: ce, date: cd },
        message: message.replace(/\n$/, ''),
      };
    });
}
