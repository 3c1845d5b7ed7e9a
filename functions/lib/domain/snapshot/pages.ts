import { BackupNotProvenError } from '../../model/errors.ts';
import type { RandomAccess } from '../../ports/random-access.ts';

/**
 * Pages of a bbolt file, as bbolt's internal/common/page.go lays them out (little-endian, as all machines that etcd
 * runs on): header `id u64, flags u16, count u16, overflow u32`, then the elements of 16 bytes each, leaf `flags u32,
 * pos u32, ksize u32, vsize u32`, branch `pos u32, ksize u32, pgid u64`; `pos` counts from the element itself. The data
 * follow in order and without a gap (inode.go, WriteInodeToPage): key and value of each element.
 */
export interface Page {
  readonly id: number;
  readonly kind: 'branch' | 'leaf';
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Where the page begins in `bytes`: 0, but for those inside a value. */
  readonly start: number;
  /** Pages that it takes, with its overflow. */
  readonly extent: number;
}

export const PAGE_HEADER = 16;
export const ELEMENT = 16;
const BRANCH = 0x01;
const LEAF = 0x02;
const FOUR_GIB = 2 ** 32;
/**
 * The largest pages read at once. bbolt splits a leaf of more than four records (node.go), and etcd refuses requests of more
 * than 1.5 MiB by default, 10 MiB where it was raised as far as its authors advise; keys of branches have 18 bytes, or are
 * names of users and members.
 */
const MAX_LEAF_BYTES = 64 * 1024 * 1024;
const MAX_BRANCH_BYTES = 1024 * 1024;

/** Something in the file is not as etcd writes it. */
export function damage(where: string, what: string): BackupNotProvenError {
  return new BackupNotProvenError(`${where}: ${what}`);
}

export interface PageReader {
  readonly pageSize: number;
  /** Pages in the file; each id is below. */
  readonly count: number;
  /** Pages read so far, with their overflow. */
  readonly visited: () => number;
  /**
   * Reads a page of a tree, once: a second reference is damage. A branch is valid until the next page of the same depth, a
   * leaf until the next page of all.
   * @throws BackupNotProvenError when the page is not what the reference says
   */
  readonly read: (id: number, depth: number) => Page;
  readonly seen: (id: number) => boolean;
}

/** @param onPage told the pages read so far now and then */
export function createPageReader(file: RandomAccess, pageSize: number, count: number, onPage: (visited: number) => void): PageReader {
  const marks = new Uint8Array(Math.ceil(count / 8));
  const buffers: { bytes: Uint8Array; view: DataView }[] = [];
  // One for the large leaves of all depths: with one for each, a file could make the memory as large as it likes.
  const leaves: typeof buffers = [];
  let visited = 0;
  const seen = (id: number): boolean => ((marks[id >> 3] ?? 0) & (1 << (id & 7))) !== 0;
  const mark = (id: number, extent: number): void => {
    for (let page = id; page < id + extent; page += 1) {
      if (seen(page)) throw damage(`page ${page}`, 'is referred to twice');
      marks[page >> 3] = (marks[page >> 3] ?? 0) | (1 << (page & 7));
    }
    if ((visited + extent) >> 12 !== visited >> 12) onPage(visited);
    visited += extent;
  };
  const buffer = (of: typeof buffers, place: number, bytes: number) => {
    const known = of[place];
    if (known !== undefined && known.bytes.length >= bytes) return known;
    const grown = new Uint8Array(bytes);
    const made = { bytes: grown, view: new DataView(grown.buffer) };
    of[place] = made;
    return made;
  };
  return {
    pageSize,
    count,
    visited: () => visited,
    seen,
    read(id, depth) {
      if (id < 2 || id >= count) throw damage(`page ${id}`, `is referred to, and the file has the pages 2 to ${count - 1}`);
      let { bytes, view } = buffer(buffers, depth, pageSize);
      file.read(id * pageSize, bytes.subarray(0, pageSize));
      const overflow = view.getUint32(12, true);
      const extent = overflow + 1;
      if (id + extent > count) throw damage(`page ${id}`, `goes on over ${overflow} more pages, beyond the end of the file`);
      const isBranch = view.getUint16(8, true) === BRANCH;
      if (extent * pageSize > (isBranch ? MAX_BRANCH_BYTES : MAX_LEAF_BYTES))
        throw damage(`page ${id}`, `is of ${extent * pageSize} bytes, more than etcd writes into one`);
      mark(id, extent);
      if (overflow > 0) {
        ({ bytes, view } = isBranch ? buffer(buffers, depth, extent * pageSize) : buffer(leaves, 0, extent * pageSize));
        file.read(id * pageSize, bytes.subarray(0, extent * pageSize));
      }
      return pageOf(bytes, view, 0, extent * pageSize, id, extent);
    },
  };
}

/** Reads a header and checks each element's place. @param end where the page's bytes end in `bytes` */
export function pageOf(bytes: Uint8Array, view: DataView, start: number, end: number, id: number, extent: number): Page {
  const where = `page ${id}`;
  if (end - start < PAGE_HEADER) throw damage(where, 'is shorter than a header');
  const own = numberAt(view, start);
  if (own !== id) throw damage(where, `says that it is page ${own}`);
  const flags = view.getUint16(start + 8, true);
  if (flags !== BRANCH && flags !== LEAF) throw damage(where, `has type ${flags}, neither branch nor leaf`);
  const count = view.getUint16(start + 10, true);
  let next = start + PAGE_HEADER + count * ELEMENT;
  if (next > end) throw damage(where, `has no room for ${count} elements`);
  for (let index = 0; index < count; index += 1) {
    const element = start + PAGE_HEADER + index * ELEMENT;
    const leaf = flags === LEAF;
    const position = view.getUint32(leaf ? element + 4 : element, true);
    const key = view.getUint32(leaf ? element + 8 : element + 4, true);
    if (element + position !== next || key === 0) throw damage(where, `element ${index} does not lie where the one before ends`);
    next += key + (leaf ? view.getUint32(element + 12, true) : 0);
    if (next > end) throw damage(where, `element ${index} reaches beyond the page`);
    if (leaf && view.getUint32(element, true) > 1) throw damage(where, `element ${index} has unknown flags`);
  }
  return { id, kind: flags === LEAF ? 'leaf' : 'branch', count, bytes, view, start, extent };
}

/** Where an element's key begins. */
export function keyStart({ kind, view, start }: Page, index: number): number {
  const element = start + PAGE_HEADER + index * ELEMENT;
  return element + view.getUint32(kind === 'leaf' ? element + 4 : element, true);
}

export function keyLength({ kind, view, start }: Page, index: number): number {
  const element = start + PAGE_HEADER + index * ELEMENT;
  return view.getUint32(kind === 'leaf' ? element + 8 : element + 4, true);
}

/** Only for leaves. */
export function valueLength({ view, start }: Page, index: number): number {
  return view.getUint32(start + PAGE_HEADER + index * ELEMENT + 12, true);
}

/** Only for leaves: whether the value is a bucket. */
export function isBucket({ view, start }: Page, index: number): boolean {
  return view.getUint32(start + PAGE_HEADER + index * ELEMENT, true) === 1;
}

/** Only for branches. */
export function childOf({ view, start }: Page, index: number): number {
  return numberAt(view, start + PAGE_HEADER + index * ELEMENT + 8);
}

/** A 64-bit number; beyond 2^53 it is not exact, and no page or revision is that large. */
export function numberAt(view: DataView, place: number, littleEndian = true): number {
  const [low, high] = littleEndian ? [place, place + 4] : [place + 4, place];
  return view.getUint32(high, littleEndian) * FOUR_GIB + view.getUint32(low, littleEndian);
}
