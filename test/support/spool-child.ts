// A scratch directory in a process of its own, which may be killed or have a limit for its files. Arguments: the root, and how
// many bytes to spool (in chunks of 32 KiB, as etcd sends them). Tells, a JSON line each, where it is, and how the spooling
// ended; with 0 bytes it stays until it is killed.
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createScratch } from '#adapters/files/scratch.ts';

const [root = '', count = '0'] = process.argv.slice(2);
const CHUNK = 32 * 1024;

async function* chunks(): AsyncGenerator<Uint8Array> {
  for (let left = Number(count); left > 0; left -= CHUNK) yield new Uint8Array(Math.min(left, CHUNK));
}

const scratch = createScratch(root);
await scratch.withDirectory(async (directory) => {
  const path = join(directory, 'file');
  if (count === '0') {
    writeFileSync(path, 'left');
    process.stdout.write(`${JSON.stringify({ directory })}\n`);
    await new Promise(() => setInterval(() => undefined, 60_000));
  }
  const told = await scratch.spool(chunks(), path).then(
    ({ bytes }) => ({ bytes, onDisk: statSync(path).size }),
    (error: Error) => ({ name: error.name, message: error.message }),
  );
  process.stdout.write(`${JSON.stringify(told)}\n`);
});
