import { join } from 'node:path';
import { PEER_PRODUCT } from '../../local/toolchain/go-recipes.ts';
import { openToolchain } from '../../local/toolchain/open.ts';

let found: Promise<string> | undefined;

/** Path of a kubectl that is compiled as its release is: the one of the local world is compiled in a hurry. */
export function peerKubectl(): Promise<string> {
  found ??= ensure();
  return found;
}

async function ensure(): Promise<string> {
  const toolchain = openToolchain({ log: (line) => process.stderr.write(`${line}\n`) });
  return join(await toolchain.ensure(PEER_PRODUCT), 'kubectl');
}
