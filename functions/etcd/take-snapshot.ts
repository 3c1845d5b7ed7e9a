import { join } from 'node:path';
import * as z from 'zod';
import { backupId, trailerVerdict } from '#domain/backup.ts';
import { accountKeys } from '#domain/names.ts';
import { TakenSnapshot } from '#model/backup.ts';
import { BackupNotProvenError, ClusterUnreachableError } from '#model/errors.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Blobs } from '#ports/blobs.ts';
import type { Clock } from '#ports/clock.ts';
import type { Etcd, EtcdOf, MemberStatus } from '#ports/etcd.ts';
import type { Scratch } from '#ports/files.ts';
import { defineStep } from '#ports/step.ts';
import { proveContent } from './prove-content.ts';

export interface TakeSnapshotPorts {
  readonly etcd: EtcdOf;
  readonly blobs: Blobs;
  readonly scratch: Scratch;
  readonly clock: Clock;
}

/**
 * Drains a snapshot to a file at etcd's rate (a slow store must not hold etcd's read transaction), proves L1 on the
 * bytes as written, L2 on every page and L3 against the members' own hashes, unless they are to record one first
 * (`compactionSeconds`, hash-proof.ts), then uploads it whole or not at all.
 * @throws ClusterUnreachableError, TransientError; BackupNotProvenError when L1 or L2 does not hold: nothing is uploaded then
 */
export const takeSnapshot = defineStep({
  name: 'take-snapshot',
  input: z.object({ cluster: ClusterRef, checkMembers: z.object({ endpoint: z.string() }) }),
  output: TakenSnapshot,
  async run({ cluster, checkMembers: { endpoint } }, { etcd: etcdOf, blobs, scratch, clock }: TakeSnapshotPorts, { execution }) {
    const etcd = await etcdOf(cluster);
    return scratch.withDirectory(async (directory) => {
      const path = join(directory, 'snapshot.db');
      const takenAt = clock.now();
      const from = revisionIn(await etcd.status(), endpoint);
      const stream = withVersion(etcd, endpoint);
      const file = await scratch.spool(stream.chunks(), path);
      const members = await etcd.status();
      const to = revisionIn(members, endpoint);
      const l1 = trailerVerdict(file, (clock.now().getTime() - takenAt.getTime()) / 1000);
      if (l1.verdict !== 'holds') throw new BackupNotProvenError(`L1 fails for ${cluster.name}, nothing was uploaded: ${l1.reason}`);
      const source = { etcd, endpoint, members, bracket: { from, to }, execution };
      const { revision, verdicts, file: held, ...told } = await proveContent(path, source, { scratch, clock });
      const bad = verdicts.find(({ layer, verdict }) => layer === 'L2' && verdict !== 'holds');
      if (bad !== undefined) throw new BackupNotProvenError(`L2 fails for ${cluster.name}, nothing was uploaded: ${bad.reason}`);
      const id = backupId(takenAt, file.sha256);
      const key = accountKeys.backup(cluster.name, id, 'snapshot.db');
      // An object that is there already has this content: its key names it, and L4 reads it back.
      await blobs.uploadFile(key, path, { sha256: file.sha256 });
      const version = stream.version();
      return {
        id,
        key,
        bytes: file.bytes,
        sha256: file.sha256,
        takenAt: takenAt.toISOString(),
        ...(version === '' ? {} : { etcdVersion: version }),
        bracket: { from, to },
        verdict: l1,
        revision,
        content: verdicts,
        ...told,
        file: held,
      };
    });
  },
});

function withVersion(etcd: Etcd, endpoint: string): { chunks(): AsyncGenerator<Uint8Array>; version(): string } {
  let version = '';
  return {
    async *chunks() {
      for await (const chunk of etcd.snapshot(endpoint)) {
        if (chunk.version !== '') version = chunk.version;
        yield chunk.bytes;
      }
    },
    version: () => version,
  };
}

function revisionIn(members: readonly MemberStatus[], endpoint: string): number {
  const member = members.find((candidate) => candidate.endpoint === endpoint);
  if (member === undefined || !member.healthy) {
    throw new ClusterUnreachableError(`etcd at ${endpoint} is no longer healthy: ${member?.reason ?? 'not a member'}`);
  }
  return member.revision;
}
