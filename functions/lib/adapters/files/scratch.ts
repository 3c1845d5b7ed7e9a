import { createHash } from 'node:crypto';
import { type FileHandle, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Scratch, SpooledFile } from '#ports/files.ts';
import { diskError } from './disk-full.ts';
import { withFile } from './random-access.ts';

/** Length of the SHA-256 that etcd appends to a snapshot. */
const TRAILER_BYTES = 32;
/** Messages of a snapshot have 32 KiB; fewer, larger writes keep etcd's stream at line rate. */
const WRITE_BYTES = 1024 * 1024;
/** `sl-<process>-<its start>-<random>`, numbers to the base of 36. */
const DIRECTORY = /^sl-(?<process>[0-9a-z]+)-(?<start>[0-9a-z]+)-[A-Za-z0-9]{6}$/;

/** @param root an existing directory that may be written to, for example /tmp of a Lambda */
export function createScratch(root: string): Scratch {
  return {
    async withDirectory(use) {
      await removeLeftovers(root);
      // A short name: paths of Unix sockets inside have at most 107 bytes.
      const directory = await mkdtemp(join(root, `sl-${process.pid.toString(36)}-${(await startOf(process.pid)) ?? '0'}-`));
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

/**
 * A function that is ended at its timeout leaves its files, and the next call on the same machine finds them (AWS Lambda
 * keeps /tmp then): with a database in it, the disk would be full for good.
 */
async function removeLeftovers(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const { process: owner, start } = DIRECTORY.exec(name)?.groups ?? {};
    if (owner === undefined || (await startOf(Number.parseInt(owner, 36))) === start) continue;
    await rm(join(root, name), { recursive: true, force: true, maxRetries: 3 });
  }
}

/** When a process started, for process ids come again (proc(5), field 22 of stat); undefined when there is none. */
async function startOf(id: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${id}/stat`, 'utf8').catch(() => undefined);
  // The second field is a name in brackets, which may have blanks and brackets itself.
  const field = text?.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  return field === undefined ? undefined : Number(field).toString(36);
}

async function spool(chunks: AsyncIterable<Uint8Array>, path: string): Promise<SpooledFile> {
  const file = await open(path, 'wx', 0o600);
  const digest = createTrailerDigest();
  // Two, filled in turn: one is written and hashed while the next bytes come. Copies let go of the stream's own memory.
  let [filling, written] = [Buffer.allocUnsafeSlow(WRITE_BYTES), Buffer.allocUnsafeSlow(WRITE_BYTES)];
  let filled = 0;
  let writing: Promise<void> = Promise.resolve();
  const flush = async (): Promise<void> => {
    await writing;
    const part = filling.subarray(0, filled);
    writing = writeAll(file, part, path);
    // It is waited for above, below or at the next turn; until then its failure must not end the process.
    writing.catch(() => undefined);
    digest.update(part);
    [filling, written] = [written, filling];
    filled = 0;
  };
  try {
    for await (const chunk of chunks) {
      for (let taken = 0; taken < chunk.length; ) {
        const part = chunk.subarray(taken, taken + WRITE_BYTES - filled);
        filling.set(part, filled);
        filled += part.length;
        taken += part.length;
        if (filled === WRITE_BYTES) await flush();
      }
    }
    await flush();
    await writing;
    return digest.result();
  } finally {
    await writing.catch(() => undefined);
    await file.close();
  }
}

/** Writes each byte: on a disk that gets full, one call writes a part and says nothing else. */
async function writeAll(file: FileHandle, bytes: Uint8Array, path: string): Promise<void> {
  try {
    for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten;
  } catch (error) {
    throw diskError(error, path);
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
        // A copy: the buffer is filled again.
        held = Uint8Array.from(chunk.subarray(chunk.length - TRAILER_BYTES));
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
