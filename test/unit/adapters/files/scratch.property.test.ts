import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createScratch } from '#adapters/files/scratch.ts';
import { trailerVerdict } from '#domain/backup.ts';
import type { SpooledFile } from '#ports/files.ts';
import { snapshotOf } from '../../../support/fakes/etcd.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-scratch-'));
const scratch = createScratch(root);
const PAGES = fc.uint8Array({ minLength: 1, maxLength: 4 }).map((seed) => new Uint8Array(seed.length * 512).fill(seed[0] ?? 0));

afterAll(() => rmSync(root, { recursive: true }));

describe('a spooled snapshot', () => {
  it('is written as it came, whatever the sizes of the chunks, and its hashes are those of the file', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 20 }), async (chunks) => {
        const whole = Buffer.concat(chunks);

        const { file, written } = await spool(chunks);

        expect(written).toEqual(whole);
        expect(file).toEqual({
          bytes: whole.length,
          sha256: sha256(whole),
          bodySha256: sha256(whole.subarray(0, Math.max(0, whole.length - 32))),
          trailer: whole.subarray(Math.max(0, whole.length - 32)).toString('hex'),
        });
      }),
      { numRuns: 60 },
    );
  });

  it('is so too where chunks are larger than what is written at once, or end where that does', async () => {
    const megabyte = 1024 * 1024;
    const sizes = [megabyte, megabyte - 7, 7, 3 * megabyte + 11, 32 * 1024, 2 * megabyte - 5, 0, 1];
    const chunks = sizes.map((size, index) => new Uint8Array(size).map((_, place) => (place * 7 + (place >>> 9) + index) & 0xff));
    const whole = Buffer.concat(chunks);

    const { file, written } = await spool(chunks);

    expect(Buffer.compare(written, whole)).toBe(0);
    expect([file.bytes, file.sha256, file.bodySha256]).toEqual([whole.length, sha256(whole), sha256(whole.subarray(0, -32))]);
  });

  it('holds L1 when it is whole', async () => {
    await fc.assert(
      fc.asyncProperty(PAGES, fc.integer({ min: 1, max: 700 }), async (pages, cut) => {
        const { file } = await spool(cutBy(snapshotOf(pages), cut));

        expect(trailerVerdict(file, 0).verdict).toBe('holds');
      }),
      { numRuns: 40 },
    );
  });

  it('fails L1 when any one bit is flipped or any part of its end is missing', async () => {
    await fc.assert(
      fc.asyncProperty(PAGES, fc.nat(), fc.boolean(), async (pages, position, truncate) => {
        const whole = Buffer.from(snapshotOf(pages));
        const at = position % (whole.length * 8);
        if (!truncate) whole[at >> 3] = (whole[at >> 3] ?? 0) ^ (1 << (at & 7));

        const { file } = await spool([truncate ? whole.subarray(0, at >> 3) : whole]);

        expect(trailerVerdict(file, 0).verdict).toBe('fails');
      }),
      { numRuns: 80 },
    );
  });

  it('passes the error of its stream on', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(10);
      throw new Error('the stream broke');
    }

    await expect(scratch.withDirectory((directory) => scratch.spool(broken(), join(directory, 'f')))).rejects.toThrow('the stream broke');
  });
});

describe('a scratch directory', () => {
  it('is gone after use, also after an error', async () => {
    const seen: string[] = [];
    await scratch.withDirectory(async (directory) => seen.push(directory));

    const failing = scratch.withDirectory(async (directory) => {
      seen.push(directory);
      throw new Error('no');
    });

    await expect(failing).rejects.toThrow('no');
    expect(seen).toHaveLength(2);
    expect(seen.filter((directory) => existsSync(directory))).toEqual([]);
  });
});

async function spool(chunks: readonly Uint8Array[]): Promise<{ file: SpooledFile; written: Buffer }> {
  return scratch.withDirectory(async (directory) => {
    const path = join(directory, 'snapshot.db');
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield* chunks;
    }
    const file = await scratch.spool(stream(), path);
    return { file, written: readFileSync(path) };
  });
}

function cutBy(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
