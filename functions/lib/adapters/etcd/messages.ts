import { decode, encode } from './protobuf.ts';

/**
 * The subset of etcd's API that Sluice uses, field numbers as in api/etcdserverpb/rpc.proto and api/mvccpb/kv.proto of
 * etcd 3.6. 64-bit ids are hexadecimal text, as etcdctl prints them.
 */
export interface Header {
  readonly clusterId: string;
  readonly memberId: string;
  readonly revision: number;
}

export interface StatusResponse {
  readonly header: Header;
  readonly version: string;
  readonly dbBytes: number;
  /** Member id of the leader; `0` when there is none. */
  readonly leader: string;
  /** Alarms and "no leader", in etcd's words. */
  readonly errors: readonly string[];
  readonly learner: boolean;
}

export interface Member {
  readonly id: string;
  /** Empty for a member that was added and has not started yet. */
  readonly name: string;
  readonly clientUrls: readonly string[];
}

export interface SnapshotPart {
  readonly blob: Uint8Array;
  /** The storage version; etcd 3.6 and newer say it. */
  readonly version: string;
}

export interface HashResponse {
  readonly hash: number;
  readonly compactRevision: number;
  /** The newest revision when the hash was computed. */
  readonly newest: number;
}

export interface KeyRange {
  readonly keys: readonly Uint8Array[];
  readonly more: boolean;
}

/** How to call one method: its path and how its messages are written and read. */
export interface Method<Request, Response> {
  readonly path: string;
  readonly encode: (request: Request) => Uint8Array;
  readonly decode: (message: Uint8Array) => Response;
}

export const STATUS: Method<undefined, StatusResponse> = {
  path: '/etcdserverpb.Maintenance/Status',
  encode: () => encode([]),
  decode: decodeStatus,
};

export const SNAPSHOT: Method<undefined, SnapshotPart> = {
  path: '/etcdserverpb.Maintenance/Snapshot',
  encode: () => encode([]),
  decode: decodeSnapshot,
};

export const HASH_KV: Method<{ revision: number }, HashResponse> = {
  path: '/etcdserverpb.Maintenance/HashKV',
  encode: ({ revision }) => encode([[1, revision]]),
  decode: decodeHash,
};

/** Answered from the member's own view: a cluster without quorum must still say who is missing. */
export const MEMBER_LIST: Method<undefined, readonly Member[]> = {
  path: '/etcdserverpb.Cluster/MemberList',
  encode: () => encode([]),
  decode: decodeMembers,
};

/** Keys only, in order. */
export const RANGE_KEYS: Method<{ from: Uint8Array; end: Uint8Array; limit: number; revision: number }, KeyRange> = {
  path: '/etcdserverpb.KV/Range',
  encode: ({ from, end, limit, revision }) =>
    encode([
      [1, from],
      [2, end],
      [3, limit],
      [4, revision],
      [8, true],
    ]),
  decode: decodeKeys,
};

function decodeStatus(message: Uint8Array): StatusResponse {
  const fields = read(message);
  return {
    header: fields.header(),
    version: fields.text(2),
    dbBytes: fields.number(3),
    leader: fields.id(4),
    errors: fields.texts(8),
    learner: fields.number(10) === 1,
  };
}

function decodeSnapshot(message: Uint8Array): SnapshotPart {
  const fields = read(message);
  return { blob: fields.bytes(3) ?? new Uint8Array(), version: fields.text(4) };
}

function decodeHash(message: Uint8Array): HashResponse {
  const fields = read(message);
  return { hash: fields.number(2), compactRevision: fields.number(3), newest: fields.header().revision };
}

function decodeMembers(message: Uint8Array): readonly Member[] {
  return read(message)
    .all(2)
    .map((bytes) => {
      const fields = read(bytes);
      return { id: fields.id(1), name: fields.text(2), clientUrls: fields.texts(4) };
    });
}

function decodeKeys(message: Uint8Array): KeyRange {
  const fields = read(message);
  return { keys: fields.all(2).map((bytes) => read(bytes).bytes(1) ?? new Uint8Array()), more: fields.number(3) === 1 };
}

/** Fields of a message by number; the last one counts, as proto3 says. */
function read(message: Uint8Array) {
  const varints = new Map<number, bigint>();
  const delimited = new Map<number, Uint8Array[]>();
  for (const field of decode(message)) {
    if ('varint' in field) {
      varints.set(field.number, field.varint);
      continue;
    }
    const known = delimited.get(field.number);
    if (known === undefined) delimited.set(field.number, [field.bytes]);
    else known.push(field.bytes);
  }
  const all = (number: number): readonly Uint8Array[] => delimited.get(number) ?? [];
  const bytes = (number: number): Uint8Array | undefined => all(number).at(-1);
  const id = (number: number): string => (varints.get(number) ?? 0n).toString(16);
  return {
    all,
    bytes,
    id,
    text: (number: number): string => textOf(bytes(number)),
    texts: (number: number): string[] => all(number).map(textOf),
    number: (number: number): number => safe(varints.get(number) ?? 0n),
    header: (): Header => headerOf(bytes(1)),
  };
}

function headerOf(message: Uint8Array | undefined): Header {
  const fields = read(message ?? new Uint8Array());
  return { clusterId: fields.id(1), memberId: fields.id(2), revision: fields.number(3) };
}

function textOf(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}

/** An int64; etcd says -1 for the compaction revision of a store that was never compacted. */
function safe(value: bigint): number {
  const signed = Number(BigInt.asIntN(64, value));
  if (!Number.isSafeInteger(signed)) throw new RangeError(`protobuf: ${value} is beyond exact numbers`);
  return signed;
}
