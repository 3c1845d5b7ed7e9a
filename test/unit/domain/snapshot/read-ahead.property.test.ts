import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAhead } from '#domain/snapshot/read-ahead.ts';
import type { RandomAccess } from '#ports/random-access.ts';

const PAGE = 4096;
const BLOCK = 64 * 1024;

describe('reading ahead', () => {
  it('gives the bytes that lie there, whatever was asked for before', () => {
    const content = Uint8Array.from({ length: 5 * BLOCK + 777 }, (_, index) => (index * 31) ^ (index >>> 8));
    const place = fc.nat({ max: content.length });
    fc.assert(
      fc.property(fc.array(fc.tuple(place, fc.integer({ min: 0, max: 2 * BLOCK })), { minLength: 1, maxLength: 60 }), (asked) => {
        const file = readAhead(counted(content).file);

        for (const [offset, length] of asked) {
          const target = new Uint8Array(Math.min(length, content.length - offset));
          file.read(offset, target);
          expect(Buffer.compare(target, content.subarray(offset, offset + target.length))).toBe(0);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('takes a file in order, from either end, in a sixteenth of the calls', () => {
    const pages = Array.from({ length: 64 * 16 }, (_, index) => index);
    for (const order of [pages, pages.toReversed()]) {
      const { file, told } = counted(new Uint8Array(pages.length * PAGE));
      readPages(readAhead(file), order);
      expect(told()).toEqual({ calls: 64, bytes: 64 * BLOCK });
    }
  });

  it('gives up where pages are scattered: less than twice the bytes asked for are read', () => {
    const pages = 64 * 1024;
    const { file, told } = counted(new Uint8Array(pages * PAGE));
    // A step without a common factor meets each page once, and never two of a block while it is kept.
    readPages(
      readAhead(file),
      Array.from({ length: 8192 }, (_, index) => (index * 10_007) % pages),
    );

    expect(told().bytes).toBeLessThan(2 * 8192 * PAGE);
  });

  it('does not keep a block whose reading failed', () => {
    const { file } = counted(new Uint8Array(4 * BLOCK).fill(7));
    let broken = true;
    const failing = readAhead({
      bytes: file.bytes,
      read(offset, target) {
        if (broken) throw new Error('cut');
        file.read(offset, target);
      },
    });
    const page = new Uint8Array(PAGE);

    expect(() => failing.read(0, page)).toThrow('cut');
    broken = false;
    failing.read(0, page);

    expect(page.every((byte) => byte === 7)).toBe(true);
  });
});

function readPages(file: RandomAccess, pages: readonly number[]): void {
  const target = new Uint8Array(PAGE);
  expect(pages.length).toBeGreaterThan(0);
  for (const page of pages) file.read(page * PAGE, target);
}

function counted(content: Uint8Array): { file: RandomAccess; told: () => { calls: number; bytes: number } } {
  let calls = 0;
  let bytes = 0;
  const file = {
    bytes: content.length,
    read(offset: number, target: Uint8Array) {
      if (offset + target.length > content.length) throw new Error(`nothing at ${offset + target.length}`);
      calls += 1;
      bytes += target.length;
      target.set(content.subarray(offset, offset + target.length));
    },
  };
  return { file, told: () => ({ calls, bytes }) };
}
