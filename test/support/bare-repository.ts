import { type ChildProcessWithoutNullStreams, execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A file to write; null takes it away. */
export type Change = readonly [path: string, content: string | null];

/** A real bare Git repository, worked on by plumbing commands: no work tree, no hooks, no configuration of the user. */
export interface BareRepository {
  readonly directory: string;
  /** Commits the first parent's tree with the changes and, if given, another tree in place of `channels/cluster/`. */
  commit(parents: readonly string[], message: string, changes: readonly Change[], configuration?: string): Promise<string>;
  /** Commits exactly this tree. */
  commitTree(tree: string, parents: readonly string[], message: string): Promise<string>;
  /** The tree that merging would make, as GitHub's test merge; undefined on a conflict. */
  mergeTree(ours: string, theirs: string): Promise<string | undefined>;
  /** Object id of an expression, for example `<commit>:channels/cluster`; null when there is none. */
  resolve(expression: string): Promise<string | null>;
  /** Content under `channels/cluster/` of a tree or commit: path and blob of each file, one a line. */
  content(tree: string): Promise<string>;
  /** Commits of `base..head` that are no merges, oldest first: what a rebase replays. */
  replayed(base: string, head: string): Promise<string[]>;
  close(): void;
}

const ENVIRONMENT = {
  PATH: process.env['PATH'],
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Test',
  GIT_AUTHOR_EMAIL: 'test@example.com',
  GIT_COMMITTER_NAME: 'Test',
  GIT_COMMITTER_EMAIL: 'test@example.com',
};

export function createBareRepository(): BareRepository {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-bare-'));
  execFileSync('git', ['init', '--quiet', '--bare', directory], { env: ENVIRONMENT });
  const names = spawn('git', ['-C', directory, 'cat-file', '--batch-check=%(objectname)'], { env: ENVIRONMENT });
  const ask = lineByLine(names);
  let time = 1_700_000_000;

  function git(commandLine: readonly string[], input = ''): Promise<{ code: number; output: string }> {
    return new Promise((resolve, reject) => {
      const child = execFile('git', ['-C', directory, ...commandLine], { env: ENVIRONMENT }, (error, output, errors) => {
        const code = error === null ? 0 : Number(error.code);
        if (code > 1 || Number.isNaN(code)) reject(new Error(`git ${commandLine.join(' ')}: ${errors}`));
        else resolve({ code, output: output.trim() });
      });
      // A command that reads no input may close the pipe before it is written; its exit code is what counts.
      child.stdin?.on('error', () => undefined).end(input);
    });
  }

  return {
    directory,
    async commit(parents, message, changes, configuration) {
      // Each commit has its own second: equal content then still has different commits.
      time += 1;
      const { output } = await git(['fast-import', '--quiet', '--force'], importStream(parents, message, changes, configuration, time));
      return output;
    },
    async commitTree(tree, parents, message) {
      time += 1;
      const lines = [`tree ${tree}`, ...parents.map((parent) => `parent ${parent}`)];
      const who = `Test <test@example.com> ${time} +0000`;
      const { output } = await git(
        ['hash-object', '-t', 'commit', '-w', '--stdin'],
        `${[...lines, `author ${who}`, `committer ${who}`].join('\n')}\n\n${message}\n`,
      );
      return output;
    },
    mergeTree: remember(async (ours = '', theirs = '') => {
      const { code, output } = await git(['merge-tree', '--write-tree', '--allow-unrelated-histories', ours, theirs]);
      return code === 0 ? output.split('\n')[0] : undefined;
    }),
    async resolve(expression) {
      const answer = await ask(expression);
      return /^[0-9a-f]{40}$/.test(answer) ? answer : null;
    },
    content: remember(async (tree = '') => {
      const { output } = await git(['ls-tree', '-r', '--format=%(path) %(objectname)', tree, 'channels/cluster/']);
      return output;
    }),
    async replayed(base, head) {
      const { output } = await git(['rev-list', '--reverse', '--topo-order', '--no-merges', `${base}..${head}`]);
      return output === '' ? [] : output.split('\n');
    },
    close() {
      names.kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Git's objects never change, so that an answer about two object ids holds for good. A process costs milliseconds. */
function remember<T>(run: (...ids: string[]) => Promise<T>): (...ids: string[]) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (...ids) => {
    const key = ids.join(' ');
    const answer = known.get(key) ?? run(...ids);
    known.set(key, answer);
    return answer;
  };
}

function importStream(
  parents: readonly string[],
  message: string,
  changes: readonly Change[],
  configuration: string | undefined,
  time: number,
): string {
  const [first, ...others] = parents;
  const lines = changes.map(([path, content]) =>
    content === null ? `D ${path}` : `M 100644 inline ${path}\ndata ${Buffer.byteLength(content)}\n${content}`,
  );
  return [
    'feature done',
    'commit refs/heads/import',
    'mark :1',
    `committer Test <test@example.com> ${time} +0000`,
    `data ${Buffer.byteLength(message)}`,
    message,
    ...(first === undefined ? [] : [`from ${first}`]),
    ...others.map((parent) => `merge ${parent}`),
    ...(configuration === undefined ? [] : [`M 040000 ${configuration} channels/cluster`]),
    ...lines,
    '',
    'get-mark :1',
    'done',
    '',
  ].join('\n');
}

/** One question a line, one answer a line, in order. */
function lineByLine(child: ChildProcessWithoutNullStreams): (question: string) => Promise<string> {
  const waiting: ((answer: string) => void)[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(line));
  return (question) =>
    new Promise((resolve) => {
      waiting.push(resolve);
      child.stdin.write(`${question}\n`);
    });
}
