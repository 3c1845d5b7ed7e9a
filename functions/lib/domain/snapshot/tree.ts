import { childOf, damage, isBucket, keyLength, keyStart, numberAt, type Page, type PageReader, pageOf, valueLength } from './pages.ts';

/** No tree of etcd is deeper than ten levels: each page has dozens of children. */
const MAX_DEPTH = 32;
/** Of a name, so much is read: it is told to people, and a file may have names of megabytes. */
const MAX_NAME_BYTES = 100;
/** Root page u64 and sequence u64 at the head of a bucket's value; an inline bucket's page follows (bucket.go). */
const BUCKET_HEADER = 16;

type Key = Uint8Array | undefined;

export interface Bucket {
  readonly name: string;
  /** Calls `visit` for each leaf, the last one first. @throws BackupNotProvenError */
  readonly leaves: (visit: (page: Page) => void) => void;
}

/** The buckets under the root, in order of name; etcd has no buckets in buckets. @throws BackupNotProvenError */
export function readBuckets(pages: PageReader, root: number): Bucket[] {
  const buckets: Bucket[] = [];
  walk(pages, root, 0, undefined, undefined, (page) => {
    for (let index = page.count - 1; index >= 0; index -= 1) buckets.unshift(bucketOf(pages, page, index));
  });
  return buckets;
}

function bucketOf(pages: PageReader, page: Page, index: number): Bucket {
  const start = keyStart(page, index);
  const name = new TextDecoder().decode(page.bytes.subarray(start, start + Math.min(keyLength(page, index), MAX_NAME_BYTES)));
  if (!isBucket(page, index)) throw damage(`page ${page.id}`, `holds ${JSON.stringify(name)} beside the buckets`);
  // The page's buffer is used again for others.
  const at = start + keyLength(page, index);
  const value = page.bytes.slice(at, at + valueLength(page, index));
  if (value.length < BUCKET_HEADER) throw damage(`bucket ${name}`, 'has no header');
  const view = new DataView(value.buffer);
  const root = numberAt(view, 0);
  if (numberAt(view, 8) !== 0) throw damage(`bucket ${name}`, 'has a sequence, which etcd never uses');
  if (root === 0) return { name, leaves: (visit) => visit(inlinePage(value, view, name)) };
  if (value.length !== BUCKET_HEADER) throw damage(`bucket ${name}`, 'has a page of its own and one inline');
  return { name, leaves: (visit) => walk(pages, root, 0, undefined, undefined, plain(visit)) };
}

function inlinePage(value: Uint8Array, view: DataView, name: string): Page {
  const page = pageOf(value, view, BUCKET_HEADER, value.length, 0, 0);
  if (page.kind !== 'leaf') throw damage(`bucket ${name}`, 'is inline and no leaf');
  checkOrder(page, undefined, undefined);
  plain(() => undefined)(page);
  return page;
}

function plain(visit: (page: Page) => void): (page: Page) => void {
  return (page) => {
    for (let index = 0; index < page.count; index += 1) {
      if (isBucket(page, index)) throw damage(`page ${page.id}`, 'holds a bucket inside a bucket');
    }
    visit(page);
  };
}

/** @param from smallest key that may stand below @param to first key that may not */
function walk(pages: PageReader, id: number, depth: number, from: Key, to: Key, visit: (leaf: Page) => void): void {
  if (depth >= MAX_DEPTH) throw damage(`page ${id}`, `lies ${MAX_DEPTH} levels deep`);
  const page = pages.read(id, depth);
  checkOrder(page, from, to);
  if (page.kind === 'leaf') {
    if (page.count === 0 && depth > 0) throw damage(`page ${id}`, 'is an empty leaf');
    visit(page);
    return;
  }
  if (page.count === 0) throw damage(`page ${id}`, 'is an empty branch');
  let end = to;
  for (let index = page.count - 1; index >= 0; index -= 1) {
    const start = keyStart(page, index);
    const key = page.bytes.subarray(start, start + keyLength(page, index));
    walk(pages, childOf(page, index), depth + 1, key, end, visit);
    end = key;
  }
}

function checkOrder(page: Page, from: Key, to: Key): void {
  const { bytes, count, id } = page;
  if (count === 0) return;
  let start = keyStart(page, 0);
  let end = start + keyLength(page, 0);
  if (from !== undefined && compare(bytes, start, end, from, 0, from.length) < 0)
    throw damage(`page ${id}`, 'begins before its place in the tree');
  for (let index = 1; index < count; index += 1) {
    const next = keyStart(page, index);
    const nextEnd = next + keyLength(page, index);
    if (compare(bytes, start, end, bytes, next, nextEnd) >= 0) throw damage(`page ${id}`, `element ${index} is not after the one before`);
    start = next;
    end = nextEnd;
  }
  if (to !== undefined && compare(bytes, start, end, to, 0, to.length) >= 0) throw damage(`page ${id}`, 'ends after its place in the tree');
}

function compare(left: Uint8Array, leftStart: number, leftEnd: number, right: Uint8Array, rightStart: number, rightEnd: number): number {
  const length = Math.min(leftEnd - leftStart, rightEnd - rightStart);
  for (let index = 0; index < length; index += 1) {
    const difference = (left[leftStart + index] ?? 0) - (right[rightStart + index] ?? 0);
    if (difference !== 0) return difference;
  }
  return leftEnd - leftStart - (rightEnd - rightStart);
}
