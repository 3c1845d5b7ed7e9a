import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { SluiceError } from '#model/errors.ts';
import { run } from './process.ts';
import type { BuildContext } from './recipe.ts';

const PYTHON_MINIMUM = [3, 10] as const;
const CANDIDATES = ['python3', 'python', ...[14, 13, 12, 11, 10].map((minor) => `python3.${minor}`)];
const PROBE = 'import json, sys, venv, ensurepip; print(json.dumps({"version": list(sys.version_info[:3]), "path": sys.executable}))';

const Answer = z.object({ version: z.tuple([z.int(), z.int(), z.int()]), path: z.string() });

export interface Python {
  readonly path: string;
  /** Like `3.11.7`. */
  readonly version: string;
}

/** The first Python >= 3.10 that can make virtual environments: `SLUICE_PYTHON`, then PATH. @throws SluiceError */
export async function findPython(env: NodeJS.ProcessEnv): Promise<Python> {
  for (const command of env['SLUICE_PYTHON'] ? [env['SLUICE_PYTHON']] : CANDIDATES) {
    const found = await probe(command, env);
    if (found !== undefined) return found;
  }
  throw new SluiceError(
    'no Python >= 3.10 with the modules venv and ensurepip was found on PATH; install it (Debian: apt-get install python3 python3-venv) or name one in SLUICE_PYTHON',
  );
}

async function probe(command: string, env: NodeJS.ProcessEnv): Promise<Python | undefined> {
  try {
    const { version, path } = Answer.parse(JSON.parse(await run(command, ['-c', PROBE], { env, timeoutMs: 20_000 })));
    const [major, minor] = version;
    const fits = major === PYTHON_MINIMUM[0] && minor >= PYTHON_MINIMUM[1];
    return fits ? { path, version: version.join('.') } : undefined;
  } catch {
    // Not there, too old to know the modules, or without venv: the next candidate may do.
    return undefined;
  }
}

/** Makes a virtual environment in the build's folder and installs packages (`name==version`, options of pip) into it. */
export async function installPackages(context: BuildContext, python: Python, folder: string, packages: readonly string[]): Promise<void> {
  context.report({ phase: 'installing' });
  const venv = join(context.directory, folder);
  await context.run(python.path, ['-m', 'venv', venv]);
  await context.run(join(venv, 'bin', 'python'), [
    ...['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check', '--progress-bar', 'off'],
    ...packages,
  ]);
}

/** Rewrites the first lines of an environment's scripts, which hold the path of the temporary folder. */
export async function moveScripts(context: BuildContext, folder: string): Promise<void> {
  const bin = join(context.directory, folder, 'bin');
  for (const name of await readdir(bin)) {
    const path = join(bin, name);
    if (!(await stat(path)).isFile()) continue;
    const content = await readFile(path);
    if (content.subarray(0, 2).toString() !== '#!') continue;
    await writeFile(path, content.toString('utf8').replaceAll(context.directory, context.finalDirectory));
  }
}

/** Moves what a package brought in a folder of its own out of its environment, and removes the environment. */
export async function keepPackageFolder(context: BuildContext, folder: string, packageFolder: string): Promise<void> {
  const library = join(context.directory, folder, 'lib');
  const [version] = (await readdir(library)).filter((name) => name.startsWith('python3.'));
  if (version === undefined) throw new SluiceError(`${library} holds no Python; remove the folder and start again`);
  const source = join(library, version, 'site-packages', packageFolder);
  for (const name of await readdir(source)) await rename(join(source, name), join(context.directory, name));
  await rm(join(context.directory, folder), { recursive: true });
}
