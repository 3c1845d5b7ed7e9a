import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { main } from '../../cli/main.ts';
import { referenceSettings, referenceSnapshot } from './reference-fleet.ts';

/** Files by path; null deletes. */
export type Files = Readonly<Record<string, string | Buffer | null>>;

export interface FleetRepository {
  readonly directory: string;
  git(...args: string[]): string;
  write(files: Files): void;
  /** Runs the command there, as people do. */
  sluice(...args: string[]): Promise<{ code: number; out: string; error: string }>;
  remove(): void;
}

/** The reference fleet's settings as files of `main`. */
export function settingsFiles(): Record<string, string> {
  return Object.fromEntries(referenceSettings().files.map(({ path, content }) => [path, content]));
}

/** The reference configuration as files of a channel branch. */
export function configurationFiles(): Record<string, string> {
  return Object.fromEntries(referenceSnapshot().files.map(({ path, content }) => [`channels/cluster/${path}`, content]));
}

/** An empty folder that is removed by the caller. */
export function createFolder(): FleetRepository {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-cli-'));
  const environment = { PATH: process.env['PATH'], GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
  const person = ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.com'];
  return {
    directory,
    git: (...args) =>
      execFileSync('git', [...person, ...args], { cwd: directory, env: environment, stdio: 'pipe' })
        .toString()
        .trim(),
    write(files) {
      for (const [path, content] of Object.entries(files)) {
        const file = join(directory, path);
        mkdirSync(dirname(file), { recursive: true });
        if (content === null) rmSync(file);
        else writeFileSync(file, content);
      }
    },
    sluice: (...args) => runSluice(directory, args),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

let made: FleetRepository | undefined;

/** The reference fleet as a clone has it: local branch `my-change` where the origin's `dev` is. */
export function createFleetRepository(): FleetRepository {
  if (made === undefined) {
    const first = createFolder();
    process.once('exit', () => first.remove());
    made = cloned(first);
  }
  // Made once by Git, then copied: a process for each command would be most of what these tests cost.
  const folder = createFolder();
  cpSync(made.directory, folder.directory, { recursive: true, preserveTimestamps: true });
  return folder;
}

function cloned(folder: FleetRepository): FleetRepository {
  folder.git('init', '--quiet', '--initial-branch=main');
  folder.write({ 'README.md': 'Fleet\n' });
  commit(folder, 'begin');
  folder.git('checkout', '--quiet', '-b', 'dev');
  folder.write(configurationFiles());
  commit(folder, 'configuration');
  for (const branch of ['alpha', 'beta']) folder.git('branch', branch);
  folder.git('checkout', '--quiet', 'main');
  folder.write(settingsFiles());
  commit(folder, 'settings');
  for (const branch of ['main', 'dev', 'alpha', 'beta']) folder.git('update-ref', `refs/remotes/origin/${branch}`, branch);
  folder.git('checkout', '--quiet', '-b', 'my-change', 'dev');
  for (const branch of ['main', 'dev', 'alpha', 'beta']) folder.git('branch', '--quiet', '-D', branch);
  return folder;
}

export function commit(folder: FleetRepository, message: string): void {
  folder.git('add', '--all');
  folder.git('commit', '--quiet', '-m', message);
}

export async function runSluice(
  directory: string,
  args: readonly string[],
  colours = false,
): Promise<{ code: number; out: string; error: string }> {
  const said: { out: string[]; error: string[] } = { out: [], error: [] };
  const terminal = {
    out: (text: string) => void said.out.push(text),
    error: (text: string) => void said.error.push(text),
    colours,
    directory,
  };
  const code = await main(args, terminal);
  return { code, out: said.out.join(''), error: said.error.join('') };
}
