import { stat } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import { SluiceError } from '#model/errors.ts';
import { run } from './process.ts';
import type { Binary, Recipe } from './recipe.ts';

const VERSION_TIMEOUT_MS = 20_000;

/** A binary that was on the machine already. Size and time of change stand for its content. */
export interface PresentBinary {
  readonly file: string;
  readonly path: string;
  readonly bytes: number;
  readonly changed: number;
}

/**
 * Folders where a product's binaries may already be: `SLUICE_BINARIES/<product>-<version>`, `KUBEBUILDER_ASSETS`, and
 * PATH. A binary found there is used only if it tells exactly the wanted version.
 */
export function foldersOf(env: NodeJS.ProcessEnv, folder: string): string[] {
  const own = env['SLUICE_BINARIES'] ? [join(env['SLUICE_BINARIES'], folder)] : [];
  const assets = env['KUBEBUILDER_ASSETS'] ? [env['KUBEBUILDER_ASSETS']] : [];
  return [...own, ...assets, ...(env['PATH'] ?? '').split(delimiter).filter((path) => path !== '')];
}

/** The binaries of a product that are on the machine at the wanted version, the first found of each. */
export async function findPresent(recipe: Recipe): Promise<PresentBinary[]> {
  const found: PresentBinary[] = [];
  for (const binary of recipe.binaries) {
    for (const folder of recipe.searchIn) {
      const path = join(folder, basename(binary.file));
      const status = await stat(path).catch(() => undefined);
      if (status?.isFile() !== true || !(await saysVersion(path, binary))) continue;
      found.push({ file: binary.file, path, bytes: status.size, changed: status.mtimeMs });
      break;
    }
  }
  return found;
}

/** Runs each binary of a product's folder. @throws SluiceError naming the first that doesn't tell the wanted version */
export async function verifyBinaries(directory: string, recipe: Recipe): Promise<void> {
  for (const binary of recipe.binaries) {
    const path = join(directory, binary.file);
    const answer = await (binary.runBy === undefined ? answerOf(path, binary) : answerOf(join(directory, binary.runBy), binary, [path]));
    if (holdsWord(answer, binary.says)) continue;
    throw new SluiceError(`${binary.file} of ${recipe.title} does not say ${binary.says}, but: ${answer.slice(0, 300)}`);
  }
}

async function saysVersion(path: string, binary: Binary): Promise<boolean> {
  try {
    return holdsWord(await answerOf(path, binary), binary.says);
  } catch {
    // It doesn't run or doesn't know the flag: then it isn't the binary that is looked for.
    return false;
  }
}

function answerOf(path: string, binary: Binary, before: readonly string[] = []): Promise<string> {
  return run(path, [...before, ...binary.versionArgs], { timeoutMs: VERSION_TIMEOUT_MS });
}

/** True when the text holds the word with nothing of a version before or after it: `v1.36.3` is not in `v1.36.3-eks`. */
function holdsWord(text: string, word: string): boolean {
  return text.split(/\s+/).some((part) => part.replace(/^["',(]+|["',)]+$/g, '') === word);
}
