import { createHash } from 'node:crypto';
import type { RandomAccess } from '#ports/random-access.ts';

export const PAGE = 4096;

/** One record of the key-value store as etcd writes it. */
export interface TestRecord {
  readonly main: number;
  readonly sub?: number;
  readonly key: string;
  /** undefined deletes the key. */
  readonly value: string | undefined;
  readonly created?: number;
  readonly version?: number;
}

type Entry = readonly [key: Uint8Array, value: Uint8Array];

export interface SnapshotParts {
  readonly records: readonly TestRecord[];
  readonly scheduledCompact?: number;
  readonly finishedCompact?: number;
  /** Elements of a leaf; with more records there is a branch above. */
  readonly perLeaf?: number;
}

/** A snapshot as etcd would send it: bbolt's pages and the SHA-256 of all. */
export function buildSnapshot({ records, scheduledCompact, finishedCompact, perLeaf = 8 }: SnapshotParts): Buffer {
  const pages: Buffer[] = [];
  const add = (make: (id: number) => Buffer): number => {
    const id = pages.reduce((sum, page) => sum + page.length / PAGE, 2);
    pages.push(make(id));
    return id;
  };
  const tree = (entries: readonly Entry[]): number => {
    const leaves: [Uint8Array, number][] = [];
    for (let at = 0; at < Math.max(1, entries.length); at += perLeaf) {
      const part = entries.slice(at, at + perLeaf);
      leaves.push([part[0]?.[0] ?? new Uint8Array(), add((id) => leafPage(id, part))]);
    }
    return leaves.length === 1 ? (leaves[0]?.[1] ?? 0) : add((id) => branchPage(id, leaves));
  };
  const meta: Entry[] = [
    [text('consistent_index'), bigEndian(7)],
    ...(finishedCompact === undefined ? [] : [[text('finishedCompactRev'), revision(finishedCompact, 0, false)] as const]),
    ...(scheduledCompact === undefined ? [] : [[text('scheduledCompactRev'), revision(scheduledCompact, 0, false)] as const]),
    [text('storageVersion'), text('3.6.0')],
    [text('term'), bigEndian(2)],
  ];
  const [keyRoot, metaRoot] = [tree(records.map(entryOf)), tree(meta)];
  const root = add((id) =>
    leafPage(
      id,
      [
        [text('key'), bucket(keyRoot)],
        [text('meta'), bucket(metaRoot)],
      ],
      1,
    ),
  );
  const count = pages.reduce((sum, page) => sum + page.length / PAGE, 2);
  return sealed(Buffer.concat([metaPage(0, root, count, 10n), metaPage(1, root, count, 9n), ...pages]));
}

/** With the SHA-256 that etcd would append: damage that happened before. */
export function sealed(body: Uint8Array): Buffer {
  return Buffer.concat([body, createHash('sha256').update(body).digest()]);
}

export function inMemory(bytes: Uint8Array): RandomAccess {
  return {
    bytes: bytes.length,
    read(offset, target) {
      if (offset + target.length > bytes.length) throw new RangeError(`read of ${target.length} bytes at ${offset} of ${bytes.length}`);
      target.set(bytes.subarray(offset, offset + target.length));
    },
  };
}

/** Key and value of a record in bucket `key`. */
export function entryOf({ main, sub = 0, key, value, created = main, version = 1 }: TestRecord): Entry {
  const name = [Uint8Array.of(0x0a), varint(Buffer.byteLength(key)), text(key)];
  if (value === undefined) return [revision(main, sub, true), Buffer.concat(name)];
  const numbers = [Uint8Array.of(0x10), varint(created), Uint8Array.of(0x18), varint(main), Uint8Array.of(0x20), varint(version)];
  const content = value === '' ? [] : [Uint8Array.of(0x2a), varint(Buffer.byteLength(value)), text(value)];
  return [revision(main, sub, false), Buffer.concat([...name, ...numbers, ...content])];
}

function leafPage(id: number, entries: readonly Entry[], flags = 0): Buffer {
  const data = entries.reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  const page = emptyPage(id, 0x02, entries.length, 16 + entries.length * 16 + data);
  let place = 16 + entries.length * 16;
  for (const [index, [key, value]] of entries.entries()) {
    const element = 16 + index * 16;
    page.writeUInt32LE(flags, element);
    page.writeUInt32LE(place - element, element + 4);
    page.writeUInt32LE(key.length, element + 8);
    page.writeUInt32LE(value.length, element + 12);
    page.set(key, place);
    page.set(value, place + key.length);
    place += key.length + value.length;
  }
  return page;
}

function branchPage(id: number, children: readonly [Uint8Array, number][]): Buffer {
  const data = children.reduce((sum, [key]) => sum + key.length, 0);
  const page = emptyPage(id, 0x01, children.length, 16 + children.length * 16 + data);
  let place = 16 + children.length * 16;
  for (const [index, [key, child]] of children.entries()) {
    const element = 16 + index * 16;
    page.writeUInt32LE(place - element, element);
    page.writeUInt32LE(key.length, element + 4);
    page.writeBigUInt64LE(BigInt(child), element + 8);
    page.set(key, place);
    place += key.length;
  }
  return page;
}

function emptyPage(id: number, flags: number, count: number, bytes: number): Buffer {
  const extent = Math.max(1, Math.ceil(bytes / PAGE));
  const page = Buffer.alloc(extent * PAGE);
  page.writeBigUInt64LE(BigInt(id), 0);
  page.writeUInt16LE(flags, 8);
  page.writeUInt16LE(count, 10);
  page.writeUInt32LE(extent - 1, 12);
  return page;
}

function metaPage(id: number, root: number, count: number, transaction: bigint): Buffer {
  const page = emptyPage(id, 0x04, 0, PAGE);
  page.writeUInt32LE(0xed0cdaed, 16);
  page.writeUInt32LE(2, 20);
  page.writeUInt32LE(PAGE, 24);
  page.writeBigUInt64LE(BigInt(root), 32);
  page.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, 48);
  page.writeBigUInt64LE(BigInt(count), 56);
  page.writeBigUInt64LE(transaction, 64);
  let sum = 0xcbf29ce484222325n;
  for (const byte of page.subarray(16, 72)) sum = BigInt.asUintN(64, (sum ^ BigInt(byte)) * 0x100000001b3n);
  page.writeBigUInt64LE(sum, 72);
  return page;
}

function bucket(root: number): Buffer {
  const value = Buffer.alloc(16);
  value.writeBigUInt64LE(BigInt(root), 0);
  return value;
}

function revision(main: number, sub: number, tombstone: boolean): Buffer {
  return Buffer.concat([bigEndian(main), text('_'), bigEndian(sub), ...(tombstone ? [text('t')] : [])]);
}

function bigEndian(number: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(number));
  return bytes;
}

function varint(number: number): Uint8Array {
  const bytes: number[] = [];
  let rest = number;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Uint8Array.from([...bytes, rest]);
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}
