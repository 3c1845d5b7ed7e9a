import type { RandomAccess } from '../../ports/random-access.ts';
import type { Meta } from './meta.ts';
import { damage, numberAt, type PageReader } from './pages.ts';

const FREE_LIST_FLAG = 0x10;
const MANY = 0xffff;
const HEADER = 16;

/**
 * A stored free list (bbolt's FreelistPageIds: page header, the count first when it is over 65,534, then ids in order)
 * names every page that the trees do not use, and no other. etcd does not store one; other writers of bbolt do.
 * To be called once all trees are walked. @throws BackupNotProvenError
 */
export function checkFreeList(file: RandomAccess, { freeList, pageSize, pages: count }: Meta, pages: PageReader): void {
  if (freeList === undefined) return;
  const where = `free list, page ${freeList}`;
  if (freeList < 2 || freeList >= count) throw damage(where, 'lies outside of the file');
  const head = new DataView(new ArrayBuffer(HEADER + 8));
  file.read(freeList * pageSize, new Uint8Array(head.buffer));
  if (numberAt(head, 0) !== freeList || head.getUint16(8, true) !== FREE_LIST_FLAG) throw damage(where, 'is no free list');
  const extent = head.getUint32(12, true) + 1;
  if (freeList + extent > count) throw damage(where, 'goes on beyond the end of the file');
  const many = head.getUint16(10, true) === MANY;
  const entries = many ? numberAt(head, HEADER) : head.getUint16(10, true);
  const start = many ? HEADER + 8 : HEADER;
  if (entries > count || start + entries * 8 > extent * pageSize) throw damage(where, `has no room for ${entries} pages`);
  const ids = new DataView(new ArrayBuffer(entries * 8));
  file.read(freeList * pageSize + start, new Uint8Array(ids.buffer));
  let last = 1;
  for (let index = 0; index < entries; index += 1) {
    const id = numberAt(ids, index * 8);
    if (id <= last || id >= count) throw damage(where, `names page ${id} after ${last}`);
    if (pages.seen(id)) throw damage(where, `names page ${id}, which is in use`);
    last = id;
  }
  for (let id = freeList; id < freeList + extent; id += 1) if (pages.seen(id)) throw damage(where, 'is also part of a tree');
  const known = pages.visited() + entries + extent + 2;
  if (known !== count) throw damage(where, `${count - known} pages are neither in use nor free`);
}
