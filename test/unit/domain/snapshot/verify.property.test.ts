import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finish, raw } from '#domain/snapshot/crc32c.ts';
import { contentLayer, hashLayer, trailerLayer } from '#domain/snapshot/verdicts.ts';
import { checkTrailer, readContent } from '#domain/snapshot/verify.ts';
import { buildSnapshot, entryOf, inMemory, PAGE, type SnapshotParts, sealed, type TestRecord } from '../../../support/bbolt.ts';

const CLOCK = { now: () => new Date(0) };
const none = (): void => undefined;

describe('CRC-32C', () => {
  it('is that of RFC 3720 for "123456789" and for 32 bytes of 0', () => {
    expect(crc(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
    expect(crc(new Uint8Array(32))).toBe(0x8a9136aa);
  });
});

describe('the key-value hash', () => {
  it("is etcd's, computed another way: forward, with the set of kept revisions", () => {
    fc.assert(
      fc.property(history(), ({ records, compact }) => {
        const content = read({ records, ...(compact < 0 ? {} : { scheduledCompact: compact }) }, (own) =>
          Array.from({ length: own.revision + 1 }, (_, revision) => ({ revision, compactRevision: compact })).filter(
            ({ revision }) => revision >= Math.max(1, compact),
          ),
        );

        expect(content.hashes.length).toBeGreaterThan(1);
        for (const { revision, hash } of content.hashes)
          expect([revision, hash]).toEqual([revision, reference(records, compact, revision)]);
      }),
      { numRuns: 150 },
    );
  });

  it('counts what is left of each kind and namespace', () => {
    const records: TestRecord[] = [
      { main: 2, key: '/registry/pods/a/one', value: 'x' },
      { main: 3, key: '/registry/pods/b/two', value: 'x' },
      { main: 4, key: '/registry/apps.example.org/widgets/a/three', value: 'x' },
      { main: 5, key: '/registry/namespaces/a', value: 'x' },
      { main: 6, key: '/registry/pods/b/two', value: undefined },
      { main: 7, key: 'compact_rev_key', value: '5' },
    ];

    const { counts, keys, revision, compactRevision, storageVersion } = read({ records, finishedCompact: 5 });

    expect(counts).toEqual({ kinds: { 'apps.example.org/widgets': 1, namespaces: 1, pods: 1 }, namespaces: { a: 2 }, otherKeys: 1 });
    expect({ keys, revision, compactRevision, storageVersion }).toEqual({
      keys: 4,
      revision: 7,
      compactRevision: 5,
      storageVersion: '3.6.0',
    });
  });

  it('is wanted of a member: none is no proof, another one fails, and so does one that the file cannot have', () => {
    const content = read({ records: [{ main: 2, key: 'a', value: 'b' }] });
    const own = content.hashes[0] ?? { revision: 0, compactRevision: 0, hash: 0 };

    expect(hashLayer(content, [], 'no member answered', 0)).toMatchObject({ verdict: 'not-run', reason: 'no member answered' });
    expect(hashLayer(content, [{ ...own, source: 'etcd-a' }], '', 0).verdict).toBe('holds');
    expect(hashLayer(content, [{ ...own, hash: own.hash + 1, source: 'etcd-a' }], '', 0).verdict).toBe('fails');
    expect(hashLayer(content, [{ ...own, revision: 9, source: 'etcd-a' }], '', 0).verdict).toBe('fails');
  });
});

describe('damage', () => {
  const records = Array.from({ length: 60 }, (_, index) => ({
    main: index + 2,
    key: `/registry/pods/ns/pod-${index}`,
    value: 'x'.repeat(50 + index * 3),
  }));
  const big = { main: 70, key: '/registry/secrets/ns/big', value: 'y'.repeat(9000) };
  const whole = buildSnapshot({ records: [...records, big], scheduledCompact: 5 });
  const body = whole.subarray(0, -32);
  const known = readContent(inMemory(whole), none);

  it('is not found where none is', () => {
    expect(trailerLayer(inMemory(whole), CLOCK, none).verdict).toBe('holds');
    expect(contentLayer(inMemory(whole), CLOCK, none).verdict.verdict).toBe('holds');
  });

  it('of one bit anywhere is found by the trailer', () => {
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(7), (place, bit) => {
        expect(checkTrailer(inMemory(flipped(whole, place, bit)), none).whole).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('of one bit before the trailer was made is found by the walk or by the hash, unless nothing reads that bit', () => {
    const used = usedBytes(body);
    fc.assert(
      fc.property(fc.nat(used.length - 1), fc.nat(7), (index, bit) => {
        const place = used[index] ?? 0;

        const { verdict, content } = contentLayer(inMemory(sealed(flipped(body, place, bit))), CLOCK, none);

        const found = verdict.verdict === 'fails' || JSON.stringify(content) !== JSON.stringify(known);
        expect([place, bit, found]).toEqual([place, bit, true]);
      }),
      { numRuns: 500 },
    );
  });

  it('by cut or swapped pages, or by a meta page of an older state, is found by the walk', () => {
    const pages = body.length / PAGE;
    fc.assert(
      fc.property(fc.nat(pages - 1), fc.nat(pages - 1), (left, right) => {
        fc.pre(left !== right);
        const swapped = Buffer.from(body);
        swapped.set(body.subarray(left * PAGE, (left + 1) * PAGE), right * PAGE);
        swapped.set(body.subarray(right * PAGE, (right + 1) * PAGE), left * PAGE);
        const cut = body.subarray(0, left * PAGE);

        // Pages of one large value that change places leave the tree whole: their content is for the hash.
        const { verdict, content } = contentLayer(inMemory(sealed(swapped)), CLOCK, none);
        expect(verdict.verdict === 'fails' || swapped.equals(body) || content?.hashes[0]?.hash !== known.hashes[0]?.hash).toBe(true);
        expect(contentLayer(inMemory(sealed(cut)), CLOCK, none).verdict.verdict).toBe('fails');
      }),
    );
    const stale = Buffer.from(body);
    stale.set(body.subarray(PAGE + 16, 2 * PAGE), 16);
    expect(contentLayer(inMemory(sealed(stale)), CLOCK, none).verdict).toMatchObject({ verdict: 'fails' });
  });

  it('of any kind ends in a verdict: random bytes, nothing at all, a cycle of pages', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3 * PAGE }), (bytes) => {
        expect(contentLayer(inMemory(bytes), CLOCK, none).verdict.verdict).toBe('fails');
        expect(trailerLayer(inMemory(bytes), CLOCK, none).verdict).toBe('fails');
      }),
    );
    const cycle = Buffer.from(body);
    for (let page = 2; page < body.length / PAGE; page += 1) {
      const branch = cycle.readUInt16LE(page * PAGE + 8) === 1 && cycle.readBigUInt64LE(page * PAGE) === BigInt(page);
      if (branch) cycle.writeBigUInt64LE(BigInt(page), page * PAGE + 24);
    }
    expect(contentLayer(inMemory(sealed(cycle)), CLOCK, none).verdict.reason).toMatch(/is referred to twice/);
  });
});

function read(parts: SnapshotParts, wanted: Parameters<typeof readContent>[2] = () => []) {
  return readContent(inMemory(buildSnapshot(parts)), none, wanted);
}

function crc(bytes: Uint8Array): number {
  return finish(raw(new DataView(bytes.buffer), 0, bytes.length), bytes.length);
}

function flipped(bytes: Uint8Array, place: number, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[place] = (copy[place] ?? 0) ^ (1 << bit);
  return copy;
}

/** Places that a tree reads: meta pages whole; of the others the header, the elements and their data. */
function usedBytes(body: Buffer): number[] {
  const places = Array.from({ length: 2 * PAGE }, (_, index) => index);
  for (let page = 2; page < body.length / PAGE; ) {
    const start = page * PAGE;
    const [leaf, count] = [body.readUInt16LE(start + 8) === 2, body.readUInt16LE(start + 10)];
    let end = start + 16 + count * 16;
    for (let index = 0; index < count; index += 1) {
      const element = start + 16 + index * 16;
      end += leaf ? body.readUInt32LE(element + 8) + body.readUInt32LE(element + 12) : body.readUInt32LE(element + 4);
    }
    for (let place = start; place < end; place += 1) places.push(place);
    page += 1 + body.readUInt32LE(start + 12);
  }
  return places;
}

/** Puts and deletes of few keys, with what a compaction up to `compact` leaves of them, or all when it only began. */
function history(): fc.Arbitrary<{ records: TestRecord[]; compact: number }> {
  const change = fc.record({
    key: fc.constantFrom('a', 'b', 'c', '/registry/pods/x/y'),
    remove: fc.boolean(),
    value: fc.string({ maxLength: 20 }),
  });
  return fc
    .tuple(fc.array(change, { minLength: 1, maxLength: 30 }), fc.integer({ min: -1, max: 32 }), fc.boolean())
    .map(([changes, at, done]) => {
      const alive = new Set<string>();
      const records: TestRecord[] = [];
      for (const { key, remove, value } of changes) {
        if (remove && !alive.has(key)) continue;
        if (remove) alive.delete(key);
        else alive.add(key);
        records.push({ main: records.length + 2, key, value: remove ? undefined : value });
      }
      const newest = records.at(-1)?.main ?? 1;
      const compact = at < 1 ? -1 : Math.min(at, newest);
      const kept = records.filter(({ main, key, value }) => {
        if (!done || main > compact) return true;
        const isLast = !records.some((other) => other.key === key && other.main > main && other.main <= compact);
        return isLast && (value !== undefined || main === compact);
      });
      return { records: kept, compact };
    });
}

/** hash.go as it is written: forward over all records, with the set of what index.Keep keeps. */
function reference(records: readonly TestRecord[], compact: number, revision: number): number {
  const keep = new Set<number>();
  for (const { main, key, value } of records) {
    const isLast = main <= revision && !records.some((other) => other.key === key && other.main > main && other.main <= revision);
    if (isLast && value !== undefined) keep.add(main);
  }
  const parts: Uint8Array[] = [new TextEncoder().encode('key')];
  for (const record of records) {
    if (record.main > revision) continue;
    if (record.main <= compact && keep.size > 0 && !keep.has(record.main)) continue;
    if (record.main === compact && record.value === undefined) continue;
    parts.push(...entryOf(record));
  }
  let register = 0xffffffff;
  for (const byte of Buffer.concat(parts)) {
    register ^= byte;
    for (let bit = 0; bit < 8; bit += 1) register = (register & 1) === 0 ? register >>> 1 : (register >>> 1) ^ 0x82f63b78;
  }
  return (register ^ 0xffffffff) >>> 0;
}
