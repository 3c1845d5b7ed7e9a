import { createHash } from 'node:crypto';
import type { Commit, TreeEntry } from '#ports/github.ts';

interface Child {
  readonly mode: string;
  readonly sha: string;
}

/** Git objects in memory under Git's own ids, so that equal content has one id as in a real repository. */
export interface GitObjects {
  blob(content: string | Uint8Array): string;
  readBlob(sha: string): Uint8Array | undefined;
  /** Tree of files by path; values are blob ids. */
  tree(files: ReadonlyMap<string, string>): string;
  /** All entries under a tree, depth first, or undefined. */
  readTree(sha: string): TreeEntry[] | undefined;
  /** Blob ids by path. */
  files(tree: string): Map<string, string>;
  commit(commit: Omit<Commit, 'sha'>): string;
  readCommit(sha: string): Commit | undefined;
  /** Commits that can be reached from one, itself included. */
  ancestors(sha: string): Set<string>;
}

export function createGitObjects(): GitObjects {
  const blobs = new Map<string, Uint8Array>();
  const trees = new Map<string, Map<string, Child>>();
  const commits = new Map<string, Commit>();
  const writeTree = (files: ReadonlyMap<string, string>): string => {
    const children = new Map<string, Child>();
    const folders = new Map<string, Map<string, string>>();
    for (const [path, sha] of files) {
      const slash = path.indexOf('/');
      if (slash === -1) children.set(path, { mode: '100644', sha });
      else {
        const folder = folders.get(path.slice(0, slash)) ?? new Map<string, string>();
        folders.set(path.slice(0, slash), folder.set(path.slice(slash + 1), sha));
      }
    }
    for (const [name, inside] of folders) children.set(name, { mode: '040000', sha: writeTree(inside) });
    const sha = idOf('tree', treeBytes(children));
    trees.set(sha, children);
    return sha;
  };
  const readTree = (sha: string): TreeEntry[] | undefined => {
    const children = trees.get(sha);
    if (children === undefined) return undefined;
    return sorted(children).flatMap(([path, child]): TreeEntry[] => {
      if (child.mode !== '040000') return [{ path, type: 'blob', ...child, size: blobs.get(child.sha)?.length ?? 0 }];
      const inside = (readTree(child.sha) ?? []).map((entry) => ({ ...entry, path: `${path}/${entry.path}` }));
      return [{ path, type: 'tree', ...child }, ...inside];
    });
  };
  const ancestors = (sha: string): Set<string> => {
    const seen = new Set<string>();
    const open = [sha];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      open.push(...(commits.get(next)?.parents ?? []));
    }
    return seen;
  };
  return {
    blob(content) {
      const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
      const sha = idOf('blob', bytes);
      blobs.set(sha, bytes);
      return sha;
    },
    readBlob: (sha) => blobs.get(sha),
    tree: writeTree,
    readTree,
    files: (tree) => new Map((readTree(tree) ?? []).filter((entry) => entry.type === 'blob').map((entry) => [entry.path, entry.sha])),
    commit(commit) {
      const parents = commit.parents.map((parent) => `parent ${parent}\n`).join('');
      // The number stands for Git's times: two commits of equal content are two commits.
      const text = `tree ${commit.treeSha}\n${parents}author A <a@b> ${commits.size} +0000\n\n${commit.message}`;
      const sha = idOf('commit', new TextEncoder().encode(text));
      commits.set(sha, { sha, ...commit });
      return sha;
    },
    readCommit: (sha) => commits.get(sha),
    ancestors,
  };
}

function idOf(type: string, bytes: Uint8Array): string {
  return createHash('sha1').update(`${type} ${bytes.length}\0`).update(bytes).digest('hex');
}

/** Git sorts a folder as if its name ended with a slash. */
function sorted(children: ReadonlyMap<string, Child>): [string, Child][] {
  const key = ([name, child]: [string, Child]): string => (child.mode === '040000' ? `${name}/` : name);
  return [...children].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function treeBytes(children: ReadonlyMap<string, Child>): Uint8Array {
  return Buffer.concat(
    sorted(children).flatMap(([name, child]) => [Buffer.from(`${child.mode.replace(/^0/, '')} ${name}\0`), Buffer.from(child.sha, 'hex')]),
  );
}
