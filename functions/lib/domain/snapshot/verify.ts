import { createHash } from 'node:crypto';
import { BackupNotProvenError } from '../../model/errors.ts';
import type { RandomAccess } from '../../ports/random-access.ts';
import { type DatabaseFacts, readFacts } from './facts.ts';
import { checkFreeList } from './free-list.ts';
import { createHasher, type HashRequest, type KeyValueHash } from './key-value-hash.ts';
import { readMeta } from './meta.ts';
import { createPageReader, damage, keyLength, keyStart, type Page, valueLength } from './pages.ts';
import { readAhead } from './read-ahead.ts';
import { newRecord, readRevision, readValue } from './record.ts';
import { createResourceCounter, type ResourceCounts } from './resource-counts.ts';
import { type Bucket, readBuckets } from './tree.ts';

/** bbolt's page is a multiple of 512 and etcd appends 32 bytes of SHA-256, so a whole snapshot leaves 32. */
const PAGE_MULTIPLE = 512;
const TRAILER_BYTES = 32;
const CHUNK_BYTES = 1024 * 1024;

export type { HashRequest, KeyValueHash } from './key-value-hash.ts';

/** What a pass over a file tells of it. */
export interface SnapshotContent extends DatabaseFacts {
  /** Of the newest change. */
  readonly revision: number;
  /** Of the requests in `HashesWanted`, in their order. */
  readonly hashes: readonly KeyValueHash[];
  readonly counts: ResourceCounts;
  /** Keys that exist at `revision`, and records of all revisions. */
  readonly keys: number;
  readonly records: number;
  readonly pageSize: number;
  readonly pages: number;
  /** Pages that hold something; the others are free. */
  readonly usedPages: number;
}

export type Trailer = { readonly whole: true; readonly sha256: string } | { readonly whole: false; readonly reason: string };

/** Told how far a pass is, 0 to 1. */
export type Progress = (share: number) => void;

/** Which hashes a caller wants beside the file's own, told what is known before the records are read. */
export type HashesWanted = (facts: { revision: number; compactRevision: number }) => readonly HashRequest[];

/** L1: whether the last 32 bytes are the SHA-256 of all before them. One sequential pass. @throws InputError from reading */
export function checkTrailer(file: RandomAccess, progress: Progress): Trailer {
  const rest = file.bytes % PAGE_MULTIPLE;
  if (file.bytes <= TRAILER_BYTES || rest !== TRAILER_BYTES) {
    return { whole: false, reason: `${file.bytes} bytes leave ${rest} over pages of ${PAGE_MULTIPLE}; a whole snapshot leaves 32` };
  }
  const hash = createHash('sha256');
  const body = file.bytes - TRAILER_BYTES;
  const chunk = new Uint8Array(Math.min(CHUNK_BYTES, body));
  for (let offset = 0; offset < body; offset += chunk.length) {
    const part = chunk.subarray(0, Math.min(chunk.length, body - offset));
    file.read(offset, part);
    hash.update(part);
    progress((offset + part.length) / body);
  }
  const trailer = new Uint8Array(TRAILER_BYTES);
  file.read(body, trailer);
  const [named, sha256] = [Buffer.from(trailer).toString('hex'), hash.digest('hex')];
  if (named !== sha256) return { whole: false, reason: `the trailer ${named} is not the SHA-256 ${sha256} of the rest` };
  return { whole: true, sha256 };
}

/**
 * L2 and what L3 needs: walks every page in use, from the root to the last record, and reads the content on the way.
 * Memory: the pages from the root to a leaf, a bit a page, 14 bytes a key.
 * @param wanted hashes beside that at the newest revision and the last compaction
 * @throws BackupNotProvenError with the place and what is wrong there; InputError from reading
 */
export function readContent(file: RandomAccess, progress: Progress, wanted: HashesWanted = () => []): SnapshotContent {
  const trailer = file.bytes % PAGE_MULTIPLE === TRAILER_BYTES ? TRAILER_BYTES : 0;
  const meta = readMeta(file, file.bytes - trailer);
  const pages = createPageReader(readAhead(file), meta.pageSize, meta.pages, (visited) => progress(visited / meta.pages));
  const buckets = new Map(readBuckets(pages, meta.root).map((bucket) => [bucket.name, bucket]));
  const facts = readFacts(bucketOf(buckets, 'meta'), buckets.get('cluster'), buckets.get('members'));
  const keyspace = readKeyspace(bucketOf(buckets, 'key'), facts, wanted);
  for (const bucket of buckets.values()) if (!READ_ABOVE.has(bucket.name)) bucket.leaves(() => undefined);
  checkFreeList(file, meta, pages);
  return { ...facts, ...keyspace, pageSize: meta.pageSize, pages: meta.pages, usedPages: pages.visited() + 2 };
}

const READ_ABOVE: ReadonlySet<string> = new Set(['key', 'meta', 'cluster', 'members']);

function bucketOf(buckets: ReadonlyMap<string, Bucket>, name: string): Bucket {
  const bucket = buckets.get(name);
  if (bucket === undefined) throw damage('root', `the bucket ${name} is missing: this is no database of etcd`);
  return bucket;
}

function readKeyspace(bucket: Bucket, facts: DatabaseFacts, wanted: HashesWanted) {
  const record = newRecord();
  const counter = createResourceCounter();
  const state = { keys: 0, records: 0, revision: 0 };
  let hasher: ReturnType<typeof createHasher> | undefined;
  let requests: readonly HashRequest[] = [];
  const begin = (newest: number) => {
    // Revision 1 is that of an empty store; records at the compaction may be gone (kvstore.go, restore).
    state.revision = Math.max(1, newest, facts.compactRevision);
    const own = { revision: state.revision, compactRevision: facts.compactRevision };
    requests = [own, ...wanted(own)];
    return createHasher(requests);
  };
  bucket.leaves((page) => {
    for (let index = page.count - 1; index >= 0; index -= 1) {
      const start = keyStart(page, index);
      const value = start + keyLength(page, index);
      readRecord(page, index, start, value, record);
      hasher ??= begin(record.main);
      const high = hashOne(page.view, record);
      const low = hashTwo(page.view, record);
      state.records += 1;
      if (!hasher.take(record, high, low, start, value + valueLength(page, index), page.view)) continue;
      state.keys += 1;
      counter.count(page.bytes, record.keyStart, record.keyEnd);
    }
    hasher?.pageEnd(page.view);
  });
  hasher ??= begin(0);
  const found = hasher.results();
  const hashes = requests.flatMap((request) =>
    found.filter((one) => one.revision === request.revision && one.compactRevision === request.compactRevision).slice(0, 1),
  );
  return { ...state, hashes, counts: counter.result() };
}

function readRecord(page: Page, index: number, start: number, value: number, record: ReturnType<typeof newRecord>): void {
  const where = `page ${page.id}, element ${index}`;
  readRevision(page.view, start, value - start, where, record);
  readValue(page.view, value, valueLength(page, index), where, record);
}

/** Two hashes of a key, of different factors (FNV-1a and Knuth's). */
function hashOne(view: DataView, { keyStart: start, keyEnd: end }: { keyStart: number; keyEnd: number }): number {
  let hash = 0x811c9dc5;
  for (let place = start; place < end; place += 1) hash = Math.imul(hash ^ view.getUint8(place), 0x01000193);
  return hash;
}

function hashTwo(view: DataView, { keyStart: start, keyEnd: end }: { keyStart: number; keyEnd: number }): number {
  let hash = end - start;
  for (let place = start; place < end; place += 1) {
    hash = Math.imul(hash ^ view.getUint8(place), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}

/** The reason when `read` finds damage, else its result. Other errors pass. */
export function caughtDamage<T>(read: () => T): { readonly damage: string } | { readonly content: T } {
  try {
    return { content: read() };
  } catch (error) {
    if (error instanceof BackupNotProvenError) return { damage: error.message };
    throw error;
  }
}
