import { finish, multiply, power, raw } from './crc32c.ts';
import { createKeySet, type KeySet } from './key-set.ts';
import type { KeyRecord } from './record.ts';

/**
 * etcd's key-value hash (server/storage/mvcc/hash.go; the same in 3.5, 3.6 and 3.7): CRC-32C of the bucket's name and
 * then key and value of each record up to `revision`, in order. Of the records at or below `compactRevision`, only those
 * count that are a key's last one at `revision` and do not delete it (index.Keep), if there is any such; and never one
 * that deletes exactly at `compactRevision`: etcd up to 3.5.15 removes it, later ones keep it.
 */
export interface HashRequest {
  readonly revision: number;
  /** Of the last compaction, -1 for none. */
  readonly compactRevision: number;
}

export interface KeyValueHash extends HashRequest {
  readonly hash: number;
}

const NAME = new TextEncoder().encode('key');

/** The records that count, as far as met: they come from the last to the first, so the sum grows at its front. */
interface Sum {
  readonly request: HashRequest;
  /** False: as if no key were left at `revision`; given up once one is. */
  readonly keep: boolean;
  register: number;
  /** x^(8 bytes behind), and these bytes. */
  shift: number;
  behind: number;
  /** Bytes of this page that count and are not yet added: none when equal. */
  start: number;
  end: number;
}

export interface Hasher {
  /**
   * Takes the record before all that were taken. `start` to `end`: its key and value in the page.
   * @returns whether the record is what its key holds at the newest requested revision
   */
  take(record: KeyRecord, keyHigh: number, keyLow: number, start: number, end: number, page: DataView): boolean;
  /** To be called after the last record of each page. */
  pageEnd(page: DataView): void;
  results(): KeyValueHash[];
}

/** @param requests the first one must have the newest revision */
export function createHasher(requests: readonly HashRequest[]): Hasher {
  const levels = [...new Set(requests.map(({ revision }) => revision))].map((revision) => ({
    revision,
    seen: createKeySet(),
    live: 0,
    sums: requests.filter((request) => request.revision === revision).flatMap((request) => [sumOf(request, true), sumOf(request, false)]),
  }));
  return {
    take(record, keyHigh, keyLow, start, end, page) {
      let newest = false;
      for (const level of levels) {
        if (record.main > level.revision) continue;
        const live = isLive(level.seen, record, keyHigh, keyLow);
        if (live) level.live += 1;
        newest ||= live && level === levels[0];
        for (const sum of level.sums) {
          if ((sum.keep || level.live === 0) && counts(sum, record, live)) add(sum, start, end, page);
        }
      }
      return newest;
    },
    pageEnd(page) {
      for (const level of levels) for (const sum of level.sums) flush(sum, page);
    },
    results: () => levels.flatMap(({ sums, live }) => sums.filter(({ keep }) => keep === live > 0).map(resultOf)),
  };
}

function isLive(seen: KeySet, { tombstone }: KeyRecord, high: number, low: number): boolean {
  return seen.add(high, low) && !tombstone;
}

function counts({ keep, request: { compactRevision } }: Sum, { main, tombstone }: KeyRecord, live: boolean): boolean {
  if (main === compactRevision && tombstone) return false;
  return main > compactRevision || live || !keep;
}

function sumOf(request: HashRequest, keep: boolean): Sum {
  return { request, keep, register: 0, shift: power(0), behind: 0, start: 0, end: 0 };
}

/** Records lie next to each other, so those of a page that count are mostly one stretch. */
function add(sum: Sum, start: number, end: number, page: DataView): void {
  if (sum.start !== end) {
    flush(sum, page);
    sum.end = end;
  }
  sum.start = start;
}

function flush(sum: Sum, page: DataView): void {
  if (sum.end > sum.start) {
    const length = sum.end - sum.start;
    sum.register = (multiply(sum.shift, raw(page, sum.start, sum.end)) ^ sum.register) >>> 0;
    sum.shift = multiply(sum.shift, power(length));
    sum.behind += length;
  }
  sum.start = 0;
  sum.end = 0;
}

function resultOf({ request, register, shift, behind }: Sum): KeyValueHash {
  const name = raw(new DataView(NAME.buffer), 0, NAME.length);
  return { ...request, hash: finish((multiply(shift, name) ^ register) >>> 0, behind + NAME.length) };
}
