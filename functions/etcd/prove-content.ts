import { type Bracket, type FileContent, hashSources, limitCounts, verdict } from '#domain/backup.ts';
import { contentLayer, hashLayer, type MemberHash } from '#domain/snapshot/verdicts.ts';
import type { HashRequest } from '#domain/snapshot/verify.ts';
import type { LayerVerdict } from '#model/backup-records.ts';
import { ClusterUnreachableError } from '#model/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { Etcd, MemberStatus } from '#ports/etcd.ts';
import type { Scratch } from '#ports/files.ts';

/** Where the snapshot came from. */
export interface SnapshotSource {
  readonly etcd: Etcd;
  readonly endpoint: string;
  /** As they were right after the stream. */
  readonly members: readonly MemberStatus[];
  readonly bracket: Bracket;
}

interface Told {
  readonly hashes: readonly MemberHash[];
  /** Who was asked, and why one of them told nothing. */
  readonly how: string;
}

/**
 * L2 and L3 of a snapshot on the disk. L3 asks the member that it came from, and the other followers one after the other,
 * for their key-value hash at the file's newest revision.
 * @throws ClusterUnreachableError when the member that it came from does not tell; a retry takes a new snapshot
 */
export async function proveContent(
  path: string,
  source: SnapshotSource,
  { scratch, clock }: { scratch: Scratch; clock: Clock },
): Promise<{ revision: number; verdicts: LayerVerdict[]; file: FileContent }> {
  const read = (wanted: readonly HashRequest[]) =>
    scratch.read(path, (file) =>
      contentLayer(
        file,
        clock,
        () => undefined,
        () => wanted,
      ),
    );
  const { verdict: l2, content } = read([]);
  if (content === undefined) {
    const verdicts = [l2, verdict('L3', 'not-run', 'L2 fails', 0)];
    return { revision: source.bracket.from, verdicts, file: { hash: 0, compactRevision: -1, counts: {} } };
  }
  const own = { compactRevision: content.compactRevision, counts: limitCounts(Object.entries(content.counts.kinds)) };
  const file = { ...own, hash: content.hashes[0]?.hash ?? 0, usedBytes: content.usedPages * content.pageSize };
  const started = clock.now().getTime();
  const since = (): number => (clock.now().getTime() - started) / 1000;
  const { revision } = content;
  const { from, to } = source.bracket;
  if (revision < from || revision > to) {
    const reason = `the file ends at revision ${revision}; the live member was at ${from} before the stream and at ${to} after it`;
    return { revision, verdicts: [l2, verdict('L3', 'fails', reason, since())], file };
  }
  const { hashes, how } = await askMembers(source, content);
  // A member that was compacted since tells another hash of the same records: the file is read again by its rule.
  const later = hashes.filter((hash) => hash.compactRevision !== content.compactRevision);
  const compared = later.length === 0 ? content : (read(later).content ?? content);
  return { revision, verdicts: [l2, hashLayer(compared, hashes, how, since())], file };
}

async function askMembers({ etcd, endpoint, members }: SnapshotSource, own: HashRequest): Promise<Told> {
  const hashes: MemberHash[] = [];
  const silent: string[] = [];
  for (const member of hashSources(members, endpoint)) {
    try {
      const told = await hashOf(etcd, member.endpoint, own);
      if (told === undefined) silent.push(`${member.name} was compacted at this very revision and went on`);
      else hashes.push({ ...told, source: member.name });
    } catch (error) {
      if (member.endpoint === endpoint || !(error instanceof ClusterUnreachableError)) throw error;
      silent.push(`${member.name} did not tell: ${error.message}`);
    }
  }
  const leader = members.some((member) => member.leader && member.endpoint !== endpoint)
    ? 'by HashKV, the leader is not asked'
    : 'by HashKV';
  return { hashes, how: [leader, ...silent].join('; ') };
}

/** undefined when the member can no longer tell a hash that the file could have. */
async function hashOf(etcd: Etcd, endpoint: string, { revision, compactRevision }: HashRequest) {
  const told = await etcd.keyValueHash(endpoint, revision);
  if (told.compactRevision >= compactRevision) return { revision, compactRevision: told.compactRevision, hash: told.hash };
  // Compacted exactly here, it tells what it recorded of records that are gone. The newest one is always computed.
  const newest = await etcd.keyValueHash(endpoint, 0);
  if (newest.newest !== revision || newest.compactRevision < compactRevision) return undefined;
  return { revision, compactRevision: newest.compactRevision, hash: newest.hash };
}
