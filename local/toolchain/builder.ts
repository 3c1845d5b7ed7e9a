import { appendFile, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SluiceError } from '#model/errors.ts';
import { type Manifest, makeTemporary, pruneSiblings, publishProduct } from './cache.ts';
import { type PresentBinary, verifyBinaries } from './present.ts';
import { run } from './process.ts';
import type { BuildContext, Progress, Recipe } from './recipe.ts';

export interface BuildOptions {
  readonly cache: string;
  /** Where the product will lie. */
  readonly directory: string;
  readonly recipe: Recipe;
  readonly present: readonly PresentBinary[];
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
  readonly need: (product: string) => Promise<string>;
  readonly report: (progress: Progress) => void;
}

/**
 * Builds a product in a temporary folder, runs its binaries, and moves the folder to its place.
 * @throws SluiceError with the end of the build's output and where all of it is; the signal's reason when aborted
 */
export async function buildProduct(options: BuildOptions): Promise<Manifest> {
  const { recipe, directory, log, signal } = options;
  const started = Date.now();
  const logFile = join(options.cache, 'logs', `${recipe.product}.log`);
  await mkdir(dirname(logFile), { recursive: true });
  await writeFile(logFile, '');
  const temporary = await makeTemporary(directory);
  let compiled = 0;
  const report = (progress: Progress): void => {
    compiled = progress.total ?? compiled;
    options.report(progress);
  };

  log(`getting ${recipe.title}`);
  try {
    await linkPresent(temporary, options);
    await recipe.build(contextOf(options, temporary, logFile, report));
    await verifyBinaries(temporary, recipe);
    const seconds = (Date.now() - started) / 1000;
    const manifest = await publishProduct(temporary, directory, recipe, { seconds, compiled });
    log(`${recipe.title} is ready after ${Math.round(seconds)} s`);
    await pruneSiblings(directory);
    return manifest;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    signal.throwIfAborted();
    const text = error instanceof Error ? error.message : String(error);
    await appendFile(logFile, `${text}\n`);
    throw new SluiceError(`${recipe.title} could not be built: ${text}\nAll output is in ${logFile}. The next start tries again.`, {
      cause: error,
    });
  }
}

async function linkPresent(temporary: string, { present, recipe, log }: BuildOptions): Promise<void> {
  for (const { file, path } of present) {
    await mkdir(dirname(join(temporary, file)), { recursive: true });
    await symlink(path, join(temporary, file));
    log(`using ${path} for ${recipe.title}`);
  }
}

function contextOf(options: BuildOptions, temporary: string, logFile: string, report: (progress: Progress) => void): BuildContext {
  const { signal, need, present } = options;
  return {
    directory: temporary,
    finalDirectory: options.directory,
    present: new Set(present.map(({ file }) => file)),
    signal,
    need,
    run: (command, args, runOptions) => run(command, args, { ...runOptions, signal, logFile }),
    report,
  };
}
