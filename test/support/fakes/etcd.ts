import { createHash } from 'node:crypto';
import { ClusterUnreachableError } from '#model/errors.ts';
import type { Etcd, MemberStatus, SnapshotChunk } from '#ports/etcd.ts';

export interface FakeEtcd extends Etcd {
  members: MemberStatus[];
  /** What a snapshot streams. */
  snapshotFile: Uint8Array;
  /** The stream breaks after so many bytes. */
  breaksAfter: number | undefined;
  /** No member answers. */
  down: boolean;
}

/** etcd in memory: healthy members that stream a well-formed snapshot of noise. */
export function createFakeEtcd(names: readonly string[] = ['a']): FakeEtcd {
  const fake: FakeEtcd = {
    members: names.map((name, index) => memberStatus({ name, leader: index === 0 })),
    snapshotFile: snapshotOf(new Uint8Array(64 * 512).fill(7)),
    breaksAfter: undefined,
    down: false,
    async status() {
      if (fake.down) throw new ClusterUnreachableError('no etcd member answers');
      return fake.members;
    },
    async *snapshot(endpoint): AsyncGenerator<SnapshotChunk> {
      if (fake.down || !fake.members.some((member) => member.endpoint === endpoint)) {
        throw new ClusterUnreachableError(`etcd at ${endpoint} does not answer`);
      }
      for (let offset = 0; offset < fake.snapshotFile.length; offset += 1000) {
        if (fake.breaksAfter !== undefined && offset >= fake.breaksAfter) {
          throw new ClusterUnreachableError(`etcd at ${endpoint}: the connection ended in the middle of the answer`);
        }
        yield { bytes: fake.snapshotFile.subarray(offset, offset + 1000), version: '3.6.0' };
      }
    },
  };
  return fake;
}

/** A healthy member. */
export function memberStatus(fields: Partial<MemberStatus> = {}): MemberStatus {
  const name = fields.name ?? 'a';
  return {
    endpoint: `https://${name}.example:2379`,
    name,
    healthy: true,
    version: '3.6.16',
    leader: false,
    learner: false,
    clusterId: 'c1',
    memberId: `id-${name}`,
    revision: 100,
    dbBytes: 1,
    alarms: [],
    ...fields,
  };
}

/** A snapshot file: pages and the SHA-256 of them. */
export function snapshotOf(pages: Uint8Array): Uint8Array {
  return Buffer.concat([pages, createHash('sha256').update(pages).digest()]);
}
