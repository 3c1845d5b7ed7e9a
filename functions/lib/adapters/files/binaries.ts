import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { RefusedError } from '#model/errors.ts';
import type { Binaries } from '#ports/files.ts';

/** Keeps executables below `root`, one directory per content. */
export function createBinaries(root: string): Binaries {
  let attempts = 0;
  return {
    async provide(file, sha256, fetch) {
      const directory = join(root, 'sluice-binaries', sha256);
      const path = join(directory, file);
      // Hashed on each use: a half-written or damaged file of an earlier call must not run.
      if ((await hashOfFile(path)) === sha256) return path;
      await mkdir(directory, { recursive: true, mode: 0o700 });
      attempts += 1;
      const partial = `${path}.${process.pid}-${attempts}.partial`;
      try {
        await fetch(partial);
        const found = await hashOfFile(partial);
        if (found !== sha256)
          throw new RefusedError(`${file} has the SHA-256 ${found ?? 'of nothing'} instead of ${sha256}; publish the artifact again`);
        await chmod(partial, 0o700);
        await rename(partial, path);
      } finally {
        await rm(partial, { force: true });
      }
      return path;
    },
  };
}

async function hashOfFile(path: string): Promise<string | undefined> {
  const known = await stat(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (known === undefined) return undefined;
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
}
