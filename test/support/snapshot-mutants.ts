import { createHash } from 'node:crypto';

const TRAILER = 32;
const HEADER = 16;
const ELEMENT = 16;
const [BRANCH, META] = [0x01, 0x04];

/** What is done to a snapshot. `re-hashed`: before its SHA-256 was computed, as damage at the source or an attacker does it. */
export const KINDS = [
  'trailer cut off',
  'last page missing',
  'cut inside a page',
  'half of it',
  'bit of the trailer flipped',
  'bit of a meta page flipped',
  'bit of a branch page flipped',
  'bit of a leaf page flipped',
  'bit of an overflow page flipped',
  'bit of a free page flipped',
  'bit of a meta page flipped, re-hashed',
  'bit of a branch page flipped, re-hashed',
  'bit of a leaf page flipped, re-hashed',
  'bit of a key flipped, re-hashed',
  'bit of a value flipped, re-hashed',
  'bit of an overflow page flipped, re-hashed',
  'bit of a free page flipped, re-hashed',
  'page zeroed, re-hashed',
  'two pages swapped, re-hashed',
  'record dropped, re-hashed',
  'record doubled, re-hashed',
] as const;
export type Kind = (typeof KINDS)[number];

/** Numbers to decide by: below `limit`. */
export type Below = (limit: number) => number;

/** A snapshot's file, its pages sorted by what they are. */
export interface Subject {
  readonly file: Buffer;
  readonly pageSize: number;
  readonly metas: readonly number[];
  readonly branches: readonly number[];
  readonly leaves: readonly number[];
  readonly overflows: readonly number[];
  /** Pages that no reader of the newest state comes to. */
  readonly free: readonly number[];
}

/** Sorts the pages by walking from the root, on its own: nothing of the verifier is used. */
export function subjectOf(file: Buffer): Subject {
  const pageSize = file.readUInt32LE(HEADER + 8);
  const count = (file.length - TRAILER) / pageSize;
  const branches: number[] = [];
  const leaves: number[] = [];
  const overflows: number[] = [];
  const seen = new Set<number>([0, 1]);
  const visit = (id: number): void => {
    const at = id * pageSize;
    const flags = file.readUInt16LE(at + 8);
    seen.add(id);
    for (let more = 1; more <= file.readUInt32LE(at + 12); more++) {
      seen.add(id + more);
      overflows.push(id + more);
    }
    (flags === BRANCH ? branches : leaves).push(id);
    for (let index = 0; index < file.readUInt16LE(at + 10); index++) {
      const element = at + HEADER + index * ELEMENT;
      if (flags === BRANCH) visit(Number(file.readBigUInt64LE(element + 8)));
      // A bucket: its value begins with the page of its root, 0 where it is written into the value itself.
      else if (file.readUInt32LE(element) === 1) {
        const value = element + file.readUInt32LE(element + 4) + file.readUInt32LE(element + 8);
        const root = Number(file.readBigUInt64LE(value));
        if (root !== 0) visit(root);
      }
    }
  };
  visit(Number(file.readBigUInt64LE(HEADER + 16)));
  const metas = [0, 1].filter((id) => file.readUInt16LE(id * pageSize + 8) === META);
  const free = Array.from({ length: count }, (_, id) => id).filter((id) => !seen.has(id));
  return { file, pageSize, metas, branches, leaves, overflows, free };
}

/** One damaged file; undefined where the subject has nothing of the kind. */
export function mutate(subject: Subject, kind: Kind, below: Below): Buffer | undefined {
  const { file, pageSize } = subject;
  const rehash = kind.endsWith(', re-hashed');
  const copy = Buffer.from(file);
  const done = ((): Buffer | undefined => {
    switch (kind) {
      case 'trailer cut off':
        return copy.subarray(0, -TRAILER);
      case 'last page missing':
        return Buffer.concat([copy.subarray(0, -TRAILER - pageSize), copy.subarray(-TRAILER)]);
      case 'cut inside a page':
        return copy.subarray(0, copy.length - 1 - below(pageSize));
      case 'half of it':
        return copy.subarray(0, (copy.length >> 1) - below(pageSize));
      case 'bit of the trailer flipped':
        return flip(copy, copy.length - TRAILER + below(TRAILER), below);
      case 'bit of a key flipped, re-hashed':
      case 'bit of a value flipped, re-hashed':
        return flipInRecord(copy, subject, kind.includes('key'), below);
      case 'page zeroed, re-hashed':
        return inPage([...subject.branches, ...subject.leaves], below, (at) => copy.fill(0, at, at + pageSize), pageSize) && copy;
      case 'two pages swapped, re-hashed':
        return swap(copy, subject, below);
      case 'record dropped, re-hashed':
        return withoutRecord(copy, subject, below);
      case 'record doubled, re-hashed':
        return withDoubled(copy, subject, below);
      default:
        return flipInPage(copy, subject, kind, below);
    }
  })();
  if (done === undefined || done.equals(file)) return undefined;
  return rehash ? rehashed(done) : done;
}

/** With the SHA-256 that such a file has to have. */
export function rehashed(file: Buffer): Buffer {
  const body = file.subarray(0, -TRAILER);
  return Buffer.concat([body, createHash('sha256').update(body).digest()]);
}

function flip(file: Buffer, at: number, below: Below): Buffer {
  file[at] = (file[at] ?? 0) ^ (1 << below(8));
  return file;
}

function inPage(ids: readonly number[], below: Below, act: (at: number) => void, pageSize: number): true | undefined {
  const id = ids[below(Math.max(1, ids.length))];
  if (id === undefined) return undefined;
  act(id * pageSize);
  return true;
}

function flipInPage(file: Buffer, subject: Subject, kind: Kind, below: Below): Buffer | undefined {
  const { metas, branches, leaves, overflows, free, pageSize } = subject;
  const ids = kind.includes('meta')
    ? metas
    : kind.includes('branch')
      ? branches
      : kind.includes('leaf')
        ? leaves
        : kind.includes('overflow')
          ? overflows
          : free;
  return inPage(ids, below, (at) => flip(file, at + below(pageSize), below), pageSize) && file;
}

interface Element {
  readonly page: number;
  readonly index: number;
  readonly count: number;
  /** Where key and value lie in the file. */
  readonly key: number;
  readonly value: number;
  readonly end: number;
}

/** An element of a leaf of revisions: their keys have 17 bytes, or 18 for a deletion. */
function pickRecord(file: Buffer, { leaves, pageSize }: Subject, below: Below): Element | undefined {
  const elements = leaves.flatMap((id) => {
    const at = id * pageSize;
    const count = file.readUInt16LE(at + 10);
    return Array.from({ length: count }, (_, index): Element => {
      const element = at + HEADER + index * ELEMENT;
      const key = element + file.readUInt32LE(element + 4);
      const value = key + file.readUInt32LE(element + 8);
      return { page: at, index, count, key, value, end: value + file.readUInt32LE(element + 12) };
    }).filter(({ key, value }) => [17, 18].includes(value - key) && file[key + 8] === 0x5f);
  });
  return elements[below(Math.max(1, elements.length))];
}

function flipInRecord(file: Buffer, subject: Subject, key: boolean, below: Below): Buffer | undefined {
  const record = pickRecord(file, subject, below);
  if (record === undefined) return undefined;
  const [from, to] = key ? [record.key, record.value] : [record.value, record.end];
  return flip(file, from + below(Math.max(1, to - from)), below);
}

function swap(file: Buffer, { leaves, pageSize }: Subject, below: Below): Buffer | undefined {
  const [one, two] = [leaves[below(leaves.length)], leaves[below(leaves.length)]];
  if (one === undefined || two === undefined || one === two) return undefined;
  const first = Buffer.from(file.subarray(one * pageSize, (one + 1) * pageSize));
  file.copyWithin(one * pageSize, two * pageSize, (two + 1) * pageSize);
  first.copy(file, two * pageSize);
  // Each says its own place: nothing but the order of what they hold is wrong.
  for (const id of [one, two]) file.writeBigUInt64LE(BigInt(id), id * pageSize);
  return file;
}

/** The page is written anew without one element, as bbolt writes it. */
function withoutRecord(file: Buffer, subject: Subject, below: Below): Buffer | undefined {
  const record = pickRecord(file, subject, below);
  if (record === undefined || record.count < 2) return undefined;
  const kept = Array.from({ length: record.count }, (_, index) => index).filter((index) => index !== record.index);
  return rewritten(file, record.page, kept, subject.pageSize);
}

/** One element stands in the place of its neighbour. */
function withDoubled(file: Buffer, subject: Subject, below: Below): Buffer | undefined {
  const record = pickRecord(file, subject, below);
  if (record === undefined || record.count < 2 || record.index + 1 >= record.count) return undefined;
  const kept = Array.from({ length: record.count }, (_, index) => (index === record.index + 1 ? record.index : index));
  return rewritten(file, record.page, kept, subject.pageSize);
}

function rewritten(file: Buffer, page: number, kept: readonly number[], pageSize: number): Buffer | undefined {
  const extent = (file.readUInt32LE(page + 12) + 1) * pageSize;
  const before = Buffer.from(file.subarray(page, page + extent));
  let next = HEADER + kept.length * ELEMENT;
  file.writeUInt16LE(kept.length, page + 10);
  for (const [place, index] of kept.entries()) {
    const [from, to] = [HEADER + index * ELEMENT, HEADER + place * ELEMENT];
    const [key, value] = [before.readUInt32LE(from + 8), before.readUInt32LE(from + 12)];
    const data = from + before.readUInt32LE(from + 4);
    if (next + key + value > extent) return undefined;
    file.writeUInt32LE(before.readUInt32LE(from), page + to);
    file.writeUInt32LE(next - to, page + to + 4);
    file.writeUInt32LE(key, page + to + 8);
    file.writeUInt32LE(value, page + to + 12);
    before.copy(file, page + next, data, data + key + value);
    next += key + value;
  }
  return file;
}
