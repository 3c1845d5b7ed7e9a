import { createHash } from 'node:crypto';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { boundProblems, type ListedFile } from '#domain/listed-files.ts';
import { CONFIGURATION_FOLDER, isSettings } from '#domain/pull-request-kind.ts';
import type { Snapshot } from '#model/configuration.ts';
import { InputError } from '#model/errors.ts';
import type { Git } from './git.ts';

/** Folder of both kinds of files in a fleet repository. */
export const FOLDER = 'channels';
/** Files listed before a folder is given up. */
const MAX_LISTED = 20_000;
/** Problems that a refusal tells. */
const PROBLEMS_TOLD = 10;

export interface TextFile {
  /** From the repository's top. */
  readonly path: string;
  readonly content: string;
}

/** Both kinds of files, as they stand at one moment. */
export interface Tree {
  /** `channels/cluster/` without the folder's name; undefined when there is none. */
  readonly configuration: Snapshot | undefined;
  /** `channels/*.yaml` and `channels/policies/`. */
  readonly settings: readonly TextFile[];
}

/** The files of a working copy: those that Git would track, or all where there is no Git. @throws InputError past the bounds */
export async function readWorkingTree(root: string, git: Git | undefined): Promise<Tree> {
  const paths = git === undefined ? await walk(root, FOLDER) : await git.workingFiles(FOLDER);
  if (paths.length > MAX_LISTED) throw new InputError(`${FOLDER}/ has more than ${MAX_LISTED} files`);
  const listed = (await Promise.all(paths.map((path) => look(root, path)))).filter((file) => file !== undefined);
  const read = async (files: readonly ListedFile[]): Promise<Buffer[]> => Promise.all(files.map((file) => readFile(join(root, file.path))));
  return treeOf(listed, read);
}

/** The files of a commit. @throws InputError past the bounds */
export async function readCommit(git: Git, commit: string): Promise<Tree> {
  const listed = await git.filesOf(commit, FOLDER);
  const shas = new Map(listed.map(({ path, sha }) => [path, sha]));
  return treeOf(listed, (files) => git.blobs(files.map(({ path }) => shas.get(path) ?? '')));
}

/** The configuration that a tree is, as a hold names it. @throws InputError past the bounds, or without files */
export async function readConfigurationTree(git: Git, tree: string): Promise<Snapshot> {
  const listed = (await git.filesOfTree(tree)).map((file) => ({ ...file, path: `${CONFIGURATION_FOLDER}/${file.path}` }));
  const shas = new Map(listed.map(({ path, sha }) => [path, sha]));
  const { configuration } = await treeOf(listed, (files) => git.blobs(files.map(({ path }) => shas.get(path) ?? '')));
  if (configuration === undefined) throw new InputError(`the tree ${tree} has no files`);
  return configuration;
}

async function treeOf(listed: readonly ListedFile[], read: (files: readonly ListedFile[]) => Promise<Buffer[]>): Promise<Tree> {
  const configuration = listed.filter(({ path }) => path.startsWith(`${CONFIGURATION_FOLDER}/`));
  const settings = listed.filter(({ path }) => isSettings(path));
  refuse([
    ...(configuration.length === 0 ? [] : boundProblems(CONFIGURATION_FOLDER, configuration)),
    ...(settings.length === 0 ? [] : boundProblems(FOLDER, settings)),
  ]);
  const [blobs, settingsBlobs] = [await read(configuration), await read(settings)];
  const settingsFiles = texts(settings, settingsBlobs);
  if (configuration.length === 0) return { configuration: undefined, settings: settingsFiles };
  const cut = (path: string): string => path.slice(CONFIGURATION_FOLDER.length + 1);
  const files = texts(configuration, blobs).map(({ path, content }) => ({ path: cut(path), content }));
  const leaves = configuration.map(({ path, mode }, index) => ({ path: cut(path), mode, sha: hashObject('blob', blobs[index] ?? '') }));
  return { configuration: { revision: hashTree(leaves).toString('hex'), files }, settings: settingsFiles };
}

/** @throws InputError for what is no text, told as Git tells it */
function texts(files: readonly ListedFile[], blobs: readonly Buffer[]): TextFile[] {
  refuse(files.filter((_, index) => blobs[index]?.includes(0)).map(({ path }) => `${path} is binary; the fleet's files are text`));
  return files.map(({ path }, index) => ({ path, content: new TextDecoder().decode(blobs[index]) }));
}

function refuse(problems: readonly string[]): void {
  if (problems.length === 0) return;
  const more = problems.length > PROBLEMS_TOLD ? [`and ${problems.length - PROBLEMS_TOLD} more`] : [];
  throw new InputError([...problems.slice(0, PROBLEMS_TOLD), ...more].join('; '));
}

/** A file as Git would list it, without following links; undefined when it was deleted. */
async function look(root: string, path: string): Promise<ListedFile | undefined> {
  const found = await lstat(join(root, path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (found === undefined) return undefined;
  if (found.isDirectory()) return { path, type: 'commit', mode: '160000' };
  if (!found.isFile()) return { path, type: 'blob', mode: '120000' };
  return { path, type: 'blob', mode: (found.mode & 0o100) === 0 ? '100644' : '100755', size: found.size };
}

async function walk(root: string, folder: string): Promise<string[]> {
  const found: string[] = [];
  const open = [folder];
  for (let at = open.pop(); at !== undefined && found.length <= MAX_LISTED; at = open.pop()) {
    const entries = await readdir(join(root, at), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = `${at}/${entry.name}`;
      if (entry.isDirectory() && entry.name !== '.git') open.push(path);
      else found.push(path);
    }
  }
  return found.sort();
}

interface Leaf {
  readonly path: string;
  readonly mode: string;
  readonly sha: Buffer;
}

/** Git's id of a tree of files. */
function hashTree(files: readonly Leaf[]): Buffer {
  const children = new Map<string, { mode: string; sha: Buffer }>();
  const folders = new Map<string, Leaf[]>();
  for (const { path, mode, sha } of files) {
    const slash = path.indexOf('/');
    const inside = folders.get(path.slice(0, slash)) ?? [];
    if (slash < 0) children.set(path, { mode, sha });
    else folders.set(path.slice(0, slash), inside);
    if (slash >= 0) inside.push({ path: path.slice(slash + 1), mode, sha });
  }
  for (const [name, inside] of folders) children.set(name, { mode: '40000', sha: hashTree(inside) });
  // Git orders by bytes, folders as if their names ended in a slash.
  const key = ([name, { mode }]: [string, { mode: string }]): Buffer => Buffer.from(mode === '40000' ? `${name}/` : name);
  const sorted = [...children].sort((left, right) => Buffer.compare(key(left), key(right)));
  return hashObject('tree', Buffer.concat(sorted.flatMap(([name, { mode, sha }]) => [Buffer.from(`${mode} ${name}\0`), sha])));
}

function hashObject(type: string, content: Buffer | string): Buffer {
  return createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest();
}
