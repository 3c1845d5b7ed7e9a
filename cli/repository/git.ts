import { spawn } from 'node:child_process';
import type { ListedFile } from '#domain/listed-files.ts';
import { InputError, NotFoundError } from '#model/errors.ts';

/** A Git repository, only ever read. */
export interface Git {
  /** Top of the working copy. */
  readonly root: string;
  /** Output of a command, trimmed; undefined when Git ends with an error. */
  ask(...args: string[]): Promise<string | undefined>;
  /** Commit of a name, or undefined. */
  commitOf(name: string): Promise<string | undefined>;
  /** Tracked and new files below a folder, without what is ignored. */
  workingFiles(folder: string): Promise<string[]>;
  /** Files of a commit below a folder. */
  filesOf(commit: string, folder: string): Promise<(ListedFile & { readonly sha: string })[]>;
  /** Files of a tree, from its top. */
  filesOfTree(tree: string): Promise<(ListedFile & { readonly sha: string })[]>;
  /** Contents of blobs, in order. */
  blobs(shas: readonly string[]): Promise<Buffer[]>;
}

/** Git must not run what a repository's own configuration names, nor take locks, nor ask anybody. */
const SAFE = ['-c', 'core.fsmonitor=false', '-c', 'core.quotepath=off'];
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

/** The repository around a folder; undefined when there is none. @throws NotFoundError without git */
export async function openGit(folder: string): Promise<Git | undefined> {
  const { code, stdout } = await run(folder, ['rev-parse', '--show-toplevel']);
  return code === 0 ? gitAt(stdout.toString().trimEnd()) : undefined;
}

function gitAt(root: string): Git {
  const must = async (args: readonly string[], input?: string): Promise<Buffer> => {
    const { code, stdout, stderr } = await run(root, args, input);
    if (code !== 0) throw new InputError(`git ${args[0]} failed in ${root}: ${stderr.toString().trim()}`);
    return stdout;
  };
  const ask: Git['ask'] = async (...args) => {
    const { code, stdout } = await run(root, args);
    return code === 0 ? stdout.toString().trim() : undefined;
  };
  return {
    root,
    ask,
    async commitOf(name) {
      const sha = await ask('rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`);
      if (sha !== undefined && !/^[0-9a-f]{40}$/.test(sha)) {
        throw new InputError(`${root} names its objects by SHA-256; Sluice needs a repository with SHA-1 names, as on GitHub`);
      }
      return sha;
    },
    async workingFiles(folder) {
      const stdout = await must(['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', folder]);
      return [...new Set(words(stdout))].sort();
    },
    async filesOf(commit, folder) {
      return words(await must(['ls-tree', '-r', '-z', '--long', commit, '--', `${folder}/`])).map(listedFile);
    },
    async filesOfTree(tree) {
      return words(await must(['ls-tree', '-r', '-z', '--long', '--end-of-options', tree])).map(listedFile);
    },
    async blobs(shas) {
      return contents(await must(['cat-file', '--batch'], `${shas.join('\n')}\n`), shas);
    },
  };
}

function words(output: Buffer): string[] {
  return output
    .toString()
    .split('\0')
    .filter((word) => word !== '');
}

/** `<mode> <type> <sha> <size or ->\t<path>` */
function listedFile(line: string): ListedFile & { sha: string } {
  const tab = line.indexOf('\t');
  const [mode = '', type = '', sha = '', size = ''] = line.slice(0, tab).split(/ +/);
  return { path: line.slice(tab + 1), mode, type, sha, ...(/^\d+$/.test(size) ? { size: Number(size) } : {}) };
}

/** Answer of cat-file --batch: `<sha> <type> <bytes>`, a line break, the content, a line break, for each. */
function contents(output: Buffer, shas: readonly string[]): Buffer[] {
  let at = 0;
  return shas.map((sha) => {
    const end = output.indexOf('\n', at);
    const bytes = Number(output.subarray(at, end).toString().split(' ')[2]);
    if (end < 0 || !Number.isInteger(bytes))
      throw new NotFoundError(`Git does not have the object ${sha}; fetch it (git fetch --unshallow)`);
    at = end + 1 + bytes + 1;
    return output.subarray(end + 1, end + 1 + bytes);
  });
}

interface Ended {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** Runs one git command. @throws NotFoundError without git */
export function run(directory: string, args: readonly string[], input = ''): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', [...SAFE, ...args], { cwd: directory, env: environment(), stdio: ['pipe', 'pipe', 'pipe'] });
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[], bytes: 0 };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (data: Buffer) => {
        output[name].push(data);
        output.bytes += data.length;
        if (output.bytes > MAX_OUTPUT_BYTES) child.kill('SIGKILL');
      });
    }
    child.once('error', (error) => reject(new NotFoundError(`git does not run in ${directory}: ${error.message}`, { cause: error })));
    // A command that reads no input may close the pipe before it is written; its exit code is what counts.
    child.stdin.on('error', () => undefined).end(input);
    child.once('close', (code) => resolve({ code: code ?? 1, stdout: Buffer.concat(output.stdout), stderr: Buffer.concat(output.stderr) }));
  });
}

/** The environment without what a hook says of its own repository, which may be another one. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX|OBJECT_DIRECTORY)$/.test(name));
  return { ...Object.fromEntries(kept), GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0' };
}
