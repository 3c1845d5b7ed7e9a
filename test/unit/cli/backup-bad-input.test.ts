import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildSnapshot, PAGE, sealed } from '../../support/bbolt.ts';
import { createRandom } from '../../support/faults/random.ts';
import { verifyInChild } from '../../support/verify-in-child.ts';

const MEBIBYTE = 1024 * 1024;
/** Largest resident set, Node included, and processor time of a file that is refused by its head. */
const MOST_MEGABYTES = 300;
const MOST_SECONDS = 5;

// Each starts a process; on a machine that does much else they are late, and none of their bounds is of time on a clock.
vi.setConfig({ testTimeout: 150_000 });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sl-bad-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('sluice backup verify, in a process of its own, of a file that is no snapshot', () => {
  it.each([
    ['of no byte', new Uint8Array(), 'L1, L2', '0 bytes'],
    ['of the length of a trailer', new Uint8Array(32), 'L1, L2', '32 bytes'],
    ['of random bytes', randomBytes(3 * MEBIBYTE + 5, 1), 'L1, L2', 'is no meta page'],
    ['of random bytes with a right SHA-256', sealed(randomBytes(MEBIBYTE, 2)), 'L2', 'is no meta page'],
    ['of random bytes behind right meta pages', behindMeta((body) => body.set(randomBytes(body.length, 3))), 'L2', 'page'],
    ['of zeros behind right meta pages', behindMeta((body) => body.fill(0)), 'L2', 'page'],
  ])('%s tells which layer fails, and where', async (_, content, layers, reason) => {
    const told = await verify('bad.db', content);

    expect(told.code).toBe(1);
    expect(told.out).toContain(`(${layers})`);
    expect(told.out).toContain(reason);
    expect(told.error).toBe('');
    expect(told).toSatisfy(isBounded);
  });

  it('of a sparse tebibyte could not run, and says what the most is', async () => {
    const path = join(folder, 'huge.db');
    writeFileSync(path, '');
    truncateSync(path, 1024 ** 4);

    const told = await verifyInChild(path);

    expect(told).toMatchObject({ code: 2, out: '' });
    expect(told.error).toContain('no database of etcd is larger than');
    expect(told).toSatisfy(isBounded);
  });

  it('of half a gibibyte of holes is read in the memory of a small one', async () => {
    const path = join(folder, 'sparse.db');
    writeFileSync(path, '');
    truncateSync(path, 512 * MEBIBYTE + 32);

    const told = await verifyInChild(path);

    expect(told.code).toBe(1);
    expect(told.out).toContain('(L1, L2)');
    expect(told.megabytes).toBeLessThan(MOST_MEGABYTES);
  });
});

describe('a file made to fill the memory', () => {
  it('with a large branch at each level is refused at the first one', async () => {
    const told = await verify('branches.db', sealed(nested(4, 512)));

    expect(told.code).toBe(1);
    expect(told.out).toMatch(/page \d+: is of \d+ bytes, more than etcd writes into one/);
    expect(told).toSatisfy(isBounded);
  });

  it('with a name of megabytes is told in a line', async () => {
    const told = await verify('name.db', sealed(withName('b'.repeat(4 * MEBIBYTE))));

    expect(told.code).toBe(1);
    expect(told.out.length).toBeLessThan(2000);
    expect(told).toSatisfy(isBounded);
  });
});

function isBounded({ cpuSeconds, megabytes }: { cpuSeconds: number; megabytes: number }): boolean {
  return cpuSeconds < MOST_SECONDS && megabytes < MOST_MEGABYTES;
}

function verify(name: string, content: Uint8Array) {
  const path = join(folder, name);
  writeFileSync(path, content);
  return verifyInChild(path);
}

function randomBytes(count: number, seed: number): Uint8Array {
  const random = createRandom(seed);
  const words = new Uint32Array(Math.ceil(count / 4)).map(() => random.below(2 ** 32));
  return new Uint8Array(words.buffer, 0, count);
}

/** A snapshot that is right in its first two pages. @param spoil changes all that is behind */
function behindMeta(spoil: (body: Buffer) => void): Buffer {
  const records = Array.from({ length: 200 }, (_, index) => ({ main: index + 2, key: `/registry/pods/ns/${index}`, value: 'x' }));
  const file = Buffer.from(buildSnapshot({ records }).subarray(0, -32));
  spoil(file.subarray(2 * PAGE));
  return sealed(file);
}

/** Meta pages for as many pages as follow, the first of which is the root. */
function withMeta(pages: Buffer): Buffer {
  const like = buildSnapshot({ records: [] });
  const file = Buffer.concat([like.subarray(0, 2 * PAGE), pages]);
  for (const id of [0, 1]) {
    const meta = file.subarray(id * PAGE, id * PAGE + 80);
    meta.writeBigUInt64LE(2n, 32);
    meta.writeBigUInt64LE(BigInt(file.length / PAGE), 56);
    let sum = 0xcbf29ce484222325n;
    for (const byte of meta.subarray(16, 72)) sum = BigInt.asUintN(64, (sum ^ BigInt(byte)) * 0x100000001b3n);
    meta.writeBigUInt64LE(sum, 72);
  }
  return file;
}

/** Branches of one child each, of so many pages each. */
function nested(levels: number, extent: number): Buffer {
  const pages = Buffer.alloc(levels * extent * PAGE, 1);
  for (let level = 0; level < levels; level++) {
    const at = level * extent * PAGE;
    pages.writeBigUInt64LE(BigInt(2 + level * extent), at);
    pages.writeUInt16LE(1, at + 8);
    pages.writeUInt16LE(1, at + 10);
    pages.writeUInt32LE(extent - 1, at + 12);
    pages.writeUInt32LE(16, at + 16);
    pages.writeUInt32LE(extent * PAGE - 32, at + 20);
    pages.writeBigUInt64LE(BigInt(2 + (level + 1) * extent), at + 24);
  }
  return withMeta(pages);
}

/** A root with one entry that is no bucket. */
function withName(name: string): Buffer {
  const extent = Math.ceil((32 + name.length) / PAGE);
  const page = Buffer.alloc(extent * PAGE);
  page.writeBigUInt64LE(2n, 0);
  page.writeUInt16LE(2, 8);
  page.writeUInt16LE(1, 10);
  page.writeUInt32LE(extent - 1, 12);
  page.writeUInt32LE(16, 20);
  page.writeUInt32LE(name.length, 24);
  page.write(name, 32);
  return withMeta(Buffer.concat([page, Buffer.alloc(2 * PAGE)]));
}
