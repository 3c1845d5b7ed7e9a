import { createHash } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Scratch, SpooledFile } from '#ports/files.ts';
import { withFile } from './random-access.ts';

/** Length of the SHA-256 that etcd appends to a snapshot. */
const TRAILER_BYTES = 32;
/** Messages of a snapshot have 32 KiB; fewer, larger writes keep etcd's stream at line rate. */
const WRITE_BYTES = 1024 * 1024;

/** @param root an existing directory that may be written to, for example /tmp of a Lambda */
export function createScratch(root: string): Scratch {
  return {
    async withDirectory(use) {
      // A short name: paths of Unix sockets inside have at most 107 bytes.
      const directory = await mkdtemp(join(root, 'sl-'));
      try {
        return await use(directory);
      } finally {
        await rm(directory, { recursive: true, force: true, maxRetries: 3 });
      }
    },
    spool,
    read: withFile,
  };
}

async function spool(chunks: AsyncIterable<Uint8Array>, path: string): Promise<SpooledFile> {
  const file = await open(path, 'wx', 0o600);
  try {
    const digest = createTrailerDigest();
    let pending: Uint8Array[] = [];
    let pendingBytes = 0;
    for await (const chunk of chunks) {
      digest.update(chunk);
      pending.push(chunk);
      pendingBytes += chunk.length;
      if (pendingBytes < WRITE_BYTES) continue;
      await file.writev(pending);
      pending = [];
      pendingBytes = 0;
    }
    if (pending.length > 0) await file.writev(pending);
    return digest.result();
  } finally {
    await file.close();
  }
}

/** Hashes a stream of which the last 32 bytes are a hash of the rest: one pass, both hashes. */
function createTrailerDigest(): { update(chunk: Uint8Array): void; result(): SpooledFile } {
  const hash = createHash('sha256');
  let held: Uint8Array = new Uint8Array();
  let bytes = 0;
  return {
    update(chunk) {
      bytes += chunk.length;
      if (chunk.length >= TRAILER_BYTES) {
        hash.update(held).update(chunk.subarray(0, chunk.length - TRAILER_BYTES));
        held = chunk.slice(chunk.length - TRAILER_BYTES);
        return;
      }
      const joined = Buffer.concat([held, chunk]);
      const keep = Math.max(0, joined.length - TRAILER_BYTES);
      hash.update(joined.subarray(0, keep));
      held = joined.subarray(keep);
    },
    result() {
      const bodySha256 = hash.copy().digest('hex');
      return { bytes, bodySha256, trailer: Buffer.from(held).toString('hex'), sha256: hash.update(held).digest('hex') };
    },
  };
}
