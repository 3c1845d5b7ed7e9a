import { createHash } from 'node:crypto';
import { readContent } from '#domain/snapshot/verify.ts';
import { ClusterUnreachableError } from '#model/errors.ts';
import type { Etcd, MemberStatus, SnapshotChunk } from '#ports/etcd.ts';
import { buildSnapshot, inMemory } from '../bbolt.ts';

export interface FakeEtcd extends Etcd {
  members: MemberStatus[];
  /** What a snapshot streams. */
  snapshotFile: Uint8Array;
  /** What members hold, by endpoint; those without an entry hold what the snapshot has. */
  readonly databases: Map<string, Uint8Array>;
  /** Endpoints that were asked for a hash. */
  readonly hashed: string[];
  /** The stream breaks after so many bytes. */
  breaksAfter: number | undefined;
  /** No member answers. */
  down: boolean;
}

/** etcd in memory: healthy members that stream a snapshot of 20 records up to revision 100. */
export function createFakeEtcd(names: readonly string[] = ['a']): FakeEtcd {
  const fake: FakeEtcd = {
    members: names.map((name, index) => memberStatus({ name, leader: index === 0 })),
    snapshotFile: databaseOf('x'),
    databases: new Map(),
    hashed: [],
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
    async keyValueHash(endpoint, revision) {
      if (fake.down || !fake.members.some((member) => member.endpoint === endpoint)) {
        throw new ClusterUnreachableError(`etcd at ${endpoint} does not answer`);
      }
      fake.hashed.push(endpoint);
      const file = inMemory(fake.databases.get(endpoint) ?? fake.snapshotFile);
      const content = readContent(
        file,
        () => undefined,
        (own) => (revision === 0 ? [] : [{ ...own, revision }]),
      );
      return { hash: content.hashes.at(-1)?.hash ?? 0, compactRevision: content.compactRevision, newest: content.revision };
    },
  };
  return fake;
}

/** A database with 20 pods at revision 100, `value` in each. */
export function databaseOf(value: string): Uint8Array {
  const records = Array.from({ length: 20 }, (_, index) => ({ main: 81 + index, key: `/registry/pods/ns/pod-${index}`, value }));
  return buildSnapshot({ records, scheduledCompact: 85 });
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
