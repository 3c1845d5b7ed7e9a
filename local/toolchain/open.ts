import { cacheDirectory } from './cache.ts';
import { createRecipes } from './recipes.ts';
import { createToolchain, type Toolchain } from './toolchain.ts';

/** The toolchain of this machine: the local world's recipes and its cache, as the environment says. */
export function openToolchain(options: {
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal;
  readonly afterBuilds?: () => Promise<void>;
}): Toolchain {
  const { signal = new AbortController().signal, ...rest } = options;
  return createToolchain({ cache: cacheDirectory(process.env), recipes: createRecipes(process.env), signal, ...rest });
}
