import { type Bracket, type FileContent, limitCounts, verdict } from '#domain/backup.ts';
import { COMPACTION_SECONDS, hashProofRule } from '#domain/hash-proof.ts';
import { contentLayer, hashLayer } from '#domain/snapshot/verdicts.ts';
import type { HashRequest } from '#domain/snapshot/verify.ts';
import type { HashProof, LayerVerdict } from '#model/backup-records.ts';
import type { Clock } from '#ports/clock.ts';
import type { Scratch } from '#ports/files.ts';
import { type AskedMembers, computedHashes } from './member-hashes.ts';

/** Where the snapshot came from, its members as they were right after the stream. */
export interface SnapshotSource extends AskedMembers {
  readonly bracket: Bracket;
  /** The execution that takes it. */
  readonly execution: string;
}

interface ProvenContent {
  readonly revision: number;
  readonly verdicts: LayerVerdict[];
  readonly file: FileContent;
  readonly compactionSeconds?: number;
  readonly hashProof?: HashProof;
}

/**
 * L2 and L3 of a snapshot on the disk. Where L3 is not left to what members record, it asks the member that the snapshot came from,
 * and the other followers one after the other, for their key-value hash at the file's newest revision.
 * @throws ClusterUnreachableError when the member that it came from does not tell; a retry takes a new snapshot
 */
export async function proveContent(
  path: string,
  source: SnapshotSource,
  { scratch, clock }: { scratch: Scratch; clock: Clock },
): Promise<ProvenContent> {
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
  const { by, why } = hashProofRule(source.execution, content.compactRevision);
  if (by === 'recorded') return { revision, verdicts: [l2], file, compactionSeconds: COMPACTION_SECONDS };
  const { hashes, how } = await computedHashes(source, content);
  // A member that was compacted since tells another hash of the same records: the file is read again by its rule.
  const later = hashes.filter((hash) => hash.compactRevision !== content.compactRevision);
  const compared = later.length === 0 ? content : (read(later).content ?? content);
  return { revision, verdicts: [l2, hashLayer(compared, hashes, how, since())], file, hashProof: { by, revision, why } };
}
