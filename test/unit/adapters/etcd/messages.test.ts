import { describe, expect, it } from 'vitest';
import { DOWNGRADE, MEMBER_ADD_LEARNER, MEMBER_PROMOTE, MEMBER_REMOVE, MOVE_LEADER } from '#adapters/etcd/membership.ts';
import { HASH_KV, MEMBER_LIST, RANGE_KEYS, SNAPSHOT, STATUS } from '#adapters/etcd/messages.ts';
import { decode, encode } from '#adapters/etcd/protobuf.ts';

const HEADER = encode([
  [1, 0xf000_0000_0000_0001n],
  [2, 0xabcn],
  [3, 77],
]);

describe('messages of etcd', () => {
  it('reads a status with 64-bit ids and alarms', () => {
    const message = encode([
      [1, HEADER],
      [2, '3.6.16'],
      [3, 4096],
      [4, 0xabcn],
      [5, 120],
      [7, 118],
      [8, 'memberID:2748 alarm:NOSPACE'],
      [8, 'etcdserver: no leader'],
      [10, true],
      [11, '3.7.0'],
      [
        13,
        encode([
          [1, true],
          [2, '3.6.0'],
        ]),
      ],
    ]);

    expect(STATUS.decode(message)).toEqual({
      header: { clusterId: 'f000000000000001', memberId: 'abc', revision: 77 },
      version: '3.6.16',
      dbBytes: 4096,
      leader: 'abc',
      raftIndex: 120,
      raftApplied: 118,
      errors: ['memberID:2748 alarm:NOSPACE', 'etcdserver: no leader'],
      learner: true,
      storageVersion: '3.7.0',
      downgradeTo: '3.6.0',
    });
  });

  it('reads a member that has not started: no name and no address', () => {
    const member = encode([
      [1, 5],
      [3, 'https://10.0.0.1:2380'],
      [5, true],
    ]);

    expect(MEMBER_LIST.decode(encode([[2, member]]))).toEqual([
      { id: '5', name: '', peerUrls: ['https://10.0.0.1:2380'], clientUrls: [], learner: true },
    ]);
  });

  it('asks for changes of membership, leadership and version by 64-bit ids', () => {
    const fields = (message: Uint8Array) =>
      [...decode(message)].map((field) => ('varint' in field ? field.varint : Buffer.from(field.bytes).toString()));

    expect(fields(MOVE_LEADER.encode({ to: 'f000000000000001' }))).toEqual([0xf000_0000_0000_0001n]);
    expect(fields(MEMBER_REMOVE.encode({ member: 'abc' }))).toEqual([0xabcn]);
    expect(fields(MEMBER_PROMOTE.encode({ member: 'abc' }))).toEqual([0xabcn]);
    expect(fields(MEMBER_ADD_LEARNER.encode({ peerUrl: 'https://10.0.0.1:2380' }))).toEqual(['https://10.0.0.1:2380', 1n]);
    expect(fields(DOWNGRADE.encode({ action: 'validate', version: '3.6.0' }))).toEqual(['3.6.0']);
    expect(fields(DOWNGRADE.encode({ action: 'enable', version: '3.6.0' }))).toEqual([1n, '3.6.0']);
    expect(fields(DOWNGRADE.encode({ action: 'cancel', version: '3.6.0' }))).toEqual([2n, '3.6.0']);
  });

  it('reads the id of a learner that was added', () => {
    expect(
      MEMBER_ADD_LEARNER.decode(
        encode([
          [1, HEADER],
          [2, encode([[1, 0xf00dn]])],
        ]),
      ),
    ).toBe('f00d');
  });

  it('tells no downgrade where none is under way', () => {
    const info = encode([[2, '3.6.0']]);

    expect(
      STATUS.decode(
        encode([
          [1, HEADER],
          [13, info],
        ]),
      ).downgradeTo,
    ).toBe('');
  });

  it('reads the blob of a snapshot as a view', () => {
    const message = encode([
      [2, 10],
      [3, Uint8Array.from([1, 2, 3])],
      [4, '3.6.0'],
    ]);

    const { blob, version } = SNAPSHOT.decode(message);

    expect([...blob]).toEqual([1, 2, 3]);
    expect(blob.buffer).toBe(message.buffer);
    expect(version).toBe('3.6.0');
  });

  it('reads the compaction revision -1 of a store that was never compacted', () => {
    const message = encode([
      [2, 4_294_967_295],
      [3, 2n ** 64n - 1n],
    ]);

    expect(HASH_KV.decode(message)).toMatchObject({ hash: 4_294_967_295, compactRevision: -1 });
  });

  it('asks for keys only, up to a limit, at a revision', () => {
    const from = new TextEncoder().encode('/a');

    const request = RANGE_KEYS.encode({ from, end: Uint8Array.from([0x30]), limit: 2, revision: 9 });

    expect([...request]).toEqual([0x0a, 2, 0x2f, 0x61, 0x12, 1, 0x30, 0x18, 2, 0x20, 9, 0x40, 1]);
  });

  it('refuses a number beyond exact ones', () => {
    expect(() => STATUS.decode(encode([[3, 2n ** 60n]]))).toThrow(RangeError);
  });
});
