import { join } from 'node:path';
import { cacheDirectory } from '../../local/toolchain/cache.ts';
import { createRecipes, PEER_PRODUCT } from '../../local/toolchain/recipes.ts';
import { createToolchain } from '../../local/toolchain/toolchain.ts';

let found: Promise<string> | undefined;

/** Path of a kubectl that is compiled as its release is: the one of the local world is compiled in a hurry. */
export function peerKubectl(): Promise<string> {
  found ??= ensure();
  return found;
}

async function ensure(): Promise<string> {
  const toolchain = createToolchain({
    cache: cacheDirectory(process.env),
    recipes: createRecipes(process.env),
    log: (line) => process.stderr.write(`${line}\n`),
    signal: new AbortController().signal,
  });
  return join(await toolchain.ensure(PEER_PRODUCT), 'kubectl');
}
