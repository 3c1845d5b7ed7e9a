import type { RandomAccess } from '../../ports/random-access.ts';
import { damage, numberAt } from './pages.ts';

/**
 * The two meta pages at the head of a bbolt file (bbolt's internal/common/meta.go): after the page header `magic u32,
 * version u32, page size u32, flags u32, root u64, root's sequence u64, free list u64, pages u64, transaction u64,
 * FNV-1a 64 of all of these`. A snapshot (tx.go, WriteTo) has the same meta twice, the second with the transaction
 * before, zeros behind, and exactly as many pages as the meta says: more than is asked of a database that is in use.
 */
export interface Meta {
  readonly pageSize: number;
  readonly pages: number;
  readonly root: number;
  /** Page of the free list; undefined when it is not stored, as etcd does. */
  readonly freeList: number | undefined;
}

const MAGIC = 0xed0cdaed;
const VERSION = 2;
const META_FLAG = 0x04;
const HEADER = 16;
const CHECKED = 56;
const USED = HEADER + CHECKED + 8;
const PAGE_SIZES = [4096, 8192, 16384, 32768, 65536, 1024, 2048];
const NO_FREE_LIST = 0xffff_ffff_ffff_ffffn;

/** @param bytes of all pages, without the trailer @throws BackupNotProvenError */
export function readMeta(file: RandomAccess, bytes: number): Meta {
  if (bytes < 4 * 1024) throw damage('file', `${bytes} bytes are no database: it has four pages at least`);
  const first = readPage(file, 0, 0, bytes);
  const pageSize = first.view.getUint32(HEADER + 8, true);
  if (!PAGE_SIZES.includes(pageSize)) throw damage('meta page 0', `names pages of ${pageSize} bytes`);
  const pages = numberAt(first.view, HEADER + 40);
  if (pages * pageSize !== bytes)
    throw damage('file', `the meta page counts ${pages} pages of ${pageSize} bytes, and the file has ${bytes} bytes`);
  const second = readPage(file, 1, pageSize, bytes);
  checkPair(first.view, second.view);
  checkRest(file, pageSize);
  const freeList = first.view.getBigUint64(HEADER + 32, true);
  return { pageSize, pages, root: numberAt(first.view, HEADER + 16), freeList: freeList === NO_FREE_LIST ? undefined : Number(freeList) };
}

function readPage(file: RandomAccess, id: number, offset: number, bytes: number): { view: DataView } {
  const where = `meta page ${id}`;
  if (offset + USED > bytes) throw damage(where, 'lies beyond the end of the file');
  const page = new Uint8Array(USED);
  file.read(offset, page);
  const view = new DataView(page.buffer);
  if (numberAt(view, 0) !== id || view.getUint16(8, true) !== META_FLAG)
    throw damage(where, 'is no meta page: this is no etcd snapshot, or its head is lost');
  if (view.getUint16(10, true) !== 0 || view.getUint32(12, true) !== 0) throw damage(where, 'has a header that no snapshot has');
  if (view.getUint32(HEADER, true) !== MAGIC || view.getUint32(HEADER + 4, true) !== VERSION)
    throw damage(where, 'is not of bbolt, version 2');
  const sum = fnv1a(page.subarray(HEADER, HEADER + CHECKED));
  if (view.getBigUint64(HEADER + CHECKED, true) !== sum) throw damage(where, 'does not have the checksum that it names');
  return { view };
}

function checkPair(first: DataView, second: DataView): void {
  for (let place = HEADER; place < HEADER + 48; place += 8) {
    if (first.getBigUint64(place, true) !== second.getBigUint64(place, true))
      throw damage('meta page 1', 'is not of the same state as meta page 0');
  }
  const [newer, older] = [first.getBigUint64(HEADER + 48, true), second.getBigUint64(HEADER + 48, true)];
  if (newer !== older + 1n) throw damage('meta page 1', `is of transaction ${older}; in a snapshot it is the one before ${newer}`);
}

function checkRest(file: RandomAccess, pageSize: number): void {
  const rest = new Uint8Array(pageSize - USED);
  for (const id of [0, 1]) {
    file.read(id * pageSize + USED, rest);
    if (rest.some((byte) => byte !== 0)) throw damage(`meta page ${id}`, 'holds more than its fields');
  }
}

/** FNV-1a of 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/). */
function fnv1a(bytes: Uint8Array): bigint {
  let hash = 0xcbf2_9ce4_8422_2325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100_0000_01b3n);
  return hash;
}
