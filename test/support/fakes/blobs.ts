import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { RefusedError } from '#model/errors.ts';
import type { Blobs } from '#ports/blobs.ts';

export interface FakeBlobs extends Blobs {
  /** Content by key; a test may change it as a failing store would. */
  readonly stored: Map<string, Uint8Array>;
  /** Thrown by the next upload, with nothing stored. */
  uploadFails: Error | undefined;
}

/** Big objects in memory. */
export function createFakeBlobs(): FakeBlobs {
  const stored = new Map<string, Uint8Array>();
  const fake: FakeBlobs = {
    stored,
    uploadFails: undefined,
    async uploadFile(key, path, expected) {
      const content = await readFile(path);
      if (sha256(content) !== expected.sha256) throw new RefusedError(`${path} has changed since it was written`);
      if (fake.uploadFails !== undefined) throw fake.uploadFails;
      if (stored.has(key)) return false;
      stored.set(key, content);
      return true;
    },
    async downloadFile(key, path) {
      const content = stored.get(key);
      if (content === undefined) return undefined;
      await writeFile(path, content, { flag: 'wx' });
      return { bytes: content.length, sha256: sha256(content) };
    },
  };
  return fake;
}

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
