import { type Header, read } from './fields.ts';
import { encode } from './protobuf.ts';

/**
 * The subset of etcd's API that Sluice uses, field numbers as in api/etcdserverpb/rpc.proto and api/mvccpb/kv.proto of
 * etcd 3.6. 64-bit ids are hexadecimal text, as etcdctl prints them.
 */
export interface StatusResponse {
  readonly header: Header;
  readonly version: string;
  readonly dbBytes: number;
  /** Member id of the leader; `0` when there is none. */
  readonly leader: string;
  /** Index that the member knows as committed, and the last one that it has applied. */
  readonly raftIndex: number;
  readonly raftApplied: number;
  /** Alarms and "no leader", in etcd's words. */
  readonly errors: readonly string[];
  readonly learner: boolean;
  /** Version of the data; empty before etcd 3.6. */
  readonly storageVersion: string;
  /** Where a downgrade under way goes to, for example `3.6.0`; empty when none is. */
  readonly downgradeTo: string;
}

export interface Member {
  readonly id: string;
  /** Empty for a member that was added and has not started yet. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly learner: boolean;
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

/**
 * A watch from the first revision of a key that nobody has. A member that was compacted ends it at once and says at which
 * revision (mvcc/watcher_group.go, chooseAll); it reads no record for that.
 */
export const WATCH_COMPACTION: Method<undefined, { compactRevision: number }> = {
  path: '/etcdserverpb.Watch/Watch',
  encode: () =>
    encode([
      [
        1,
        encode([
          [1, 'sluice/compacted-at'],
          [3, 1],
        ]),
      ],
    ]),
  decode: (message) => ({ compactRevision: read(message).number(5) }),
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
    raftIndex: fields.number(5),
    raftApplied: fields.number(7),
    errors: fields.texts(8),
    learner: fields.number(10) === 1,
    storageVersion: fields.text(11),
    downgradeTo: downgradeTarget(fields.bytes(13)),
  };
}

/** DowngradeInfo: `enabled` and the target. */
function downgradeTarget(message: Uint8Array | undefined): string {
  const fields = read(message ?? new Uint8Array());
  return fields.number(1) === 1 ? fields.text(2) : '';
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
      return {
        id: fields.id(1),
        name: fields.text(2),
        peerUrls: fields.texts(3),
        clientUrls: fields.texts(4),
        learner: fields.number(5) === 1,
      };
    });
}

function decodeKeys(message: Uint8Array): KeyRange {
  const fields = read(message);
  return { keys: fields.all(2).map((bytes) => read(bytes).bytes(1) ?? new Uint8Array()), more: fields.number(3) === 1 };
}
