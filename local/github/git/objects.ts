import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { invalid } from '../refusal.ts';
import { type Repository, ZERO } from './repository.ts';

export interface Entry {
  readonly path: string;
  readonly mode: string;
  readonly type: string;
  readonly sha: string;
  readonly size: number | undefined;
}

/** Entries of a tree, all levels with `recursive`. */
export async function readTree(repository: Repository, tree: string, recursive: boolean): Promise<Entry[]> {
  const text = await repository.run(['ls-tree', '-z', '-l', ...(recursive ? ['-r', '-t'] : []), tree]);
  return text.split('\0').filter(Boolean).map(parseEntry);
}

function parseEntry(line: string): Entry {
  const tab = line.indexOf('\t');
  const [mode = '', type = '', sha = '', size = '-'] = line.slice(0, tab).split(/ +/);
  return { path: line.slice(tab + 1), mode, type, sha, size: size === '-' ? undefined : Number(size) };
}

export async function readBlob(repository: Repository, sha: string): Promise<Buffer> {
  const result = await repository.tryRun(['cat-file', 'blob', sha]);
  if (result.code !== 0) throw new Error(`git cat-file ${sha}: ${result.stderr}`);
  return result.stdout;
}

export interface TreeChange {
  readonly path: string;
  readonly mode: string;
  readonly type: string;
  /** null deletes. */
  readonly sha: string | null;
}

/** Makes a tree: `base` (or nothing) with the changes on top. @throws Refusal 422 when an object is not there */
export async function makeTree(repository: Repository, base: string | undefined, changes: readonly TreeChange[]): Promise<string> {
  const env = { GIT_INDEX_FILE: join(repository.directory, `index-${crypto.randomUUID()}`) };
  try {
    await repository.run(base === undefined ? ['read-tree', '--empty'] : ['read-tree', base], { env });
    for (const change of changes) await applyChange(repository, change, env);
    return (await repository.run(['write-tree'], { env })).trim();
  } finally {
    await rm(env.GIT_INDEX_FILE, { force: true });
  }
}

async function applyChange(repository: Repository, change: TreeChange, env: Record<string, string>): Promise<void> {
  const present = await repository.run(['ls-files', '-z', '--cached', '--full-name', '--', `:(literal,top)${change.path}`], { env });
  const lines = present
    .split('\0')
    .filter(Boolean)
    .map((path) => `0 ${ZERO}\t${path}`);
  if (change.sha !== null) lines.push(...(await additions(repository, change, change.sha)));
  await repository.run(['update-index', '-z', '--index-info'], { env, stdin: lines.map((line) => `${line}\0`).join('') });
}

async function additions(repository: Repository, change: TreeChange, sha: string): Promise<string[]> {
  const type = change.type === 'tree' ? 'tree' : change.type === 'commit' ? 'commit' : 'blob';
  if (type !== 'commit' && (await repository.resolve(sha, type)) === undefined) throw invalid(`tree.sha ${sha} is not a valid ${type}`);
  if (type !== 'tree') return [`${change.mode} ${sha}\t${change.path}`];
  const entries = (await readTree(repository, sha, true)).filter((entry) => entry.type !== 'tree');
  return entries.map((entry) => `${entry.mode} ${entry.sha}\t${change.path}/${entry.path}`);
}
