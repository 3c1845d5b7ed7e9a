import type { LayerVerdict } from '../../model/backup-records.ts';
import type { Clock } from '../../ports/clock.ts';
import type { RandomAccess } from '../../ports/random-access.ts';
import { verdict } from '../backup.ts';
import type { KeyValueHash } from './key-value-hash.ts';
import { caughtDamage, checkTrailer, type HashesWanted, type Progress, readContent, type SnapshotContent } from './verify.ts';

/** The largest file looked at: etcd's authors suggest 8 GiB at most, and time must have an end. */
export const MAX_SNAPSHOT_BYTES = 16 * 1024 ** 3;

/** A hash that a live member gave, which the file must have too. */
export interface MemberHash extends KeyValueHash {
  /** Who said it, for people. */
  readonly source: string;
}

export interface ReadSnapshot {
  readonly verdict: LayerVerdict;
  /** undefined when the verdict is not that L2 holds. */
  readonly content: SnapshotContent | undefined;
}

/** L1 of a file that lies on a disk. */
export function trailerLayer(file: RandomAccess, clock: Clock, progress: Progress): LayerVerdict {
  const started = clock.now().getTime();
  const trailer = checkTrailer(file, progress);
  const seconds = (clock.now().getTime() - started) / 1000;
  if (!trailer.whole) return verdict('L1', 'fails', trailer.reason, seconds);
  return verdict('L1', 'holds', `${file.bytes} bytes, SHA-256 trailer equal`, seconds);
}

/** L2, and the content when it holds. */
export function contentLayer(file: RandomAccess, clock: Clock, progress: Progress, wanted?: HashesWanted): ReadSnapshot {
  const started = clock.now().getTime();
  const found = caughtDamage(() => readContent(file, progress, wanted));
  const seconds = (clock.now().getTime() - started) / 1000;
  if ('damage' in found) return { verdict: verdict('L2', 'fails', found.damage, seconds), content: undefined };
  const { pages, usedPages, revision, records } = found.content;
  const reason = `${usedPages} pages in use of ${pages} walked, ${records} records up to revision ${revision}`;
  return { verdict: verdict('L2', 'holds', reason, seconds), content: found.content };
}

/** L3: each member's hash is that of the file at the same revision and compaction. No hash, no proof. */
export function hashLayer(
  content: Pick<SnapshotContent, 'hashes'>,
  members: readonly MemberHash[],
  how: string,
  seconds: number,
): LayerVerdict {
  if (members.length === 0) return verdict('L3', 'not-run', how, seconds);
  const wrong = members.flatMap((member) => {
    const own = content.hashes.find((hash) => hash.revision === member.revision && hash.compactRevision === member.compactRevision);
    if (own === undefined)
      return [
        `${member.source} tells a hash at revision ${member.revision}, compacted at ${member.compactRevision}, which the file cannot have`,
      ];
    if (own.hash !== member.hash) return [`${member.source} has ${member.hash} at revision ${member.revision}, the file ${own.hash}`];
    return [];
  });
  if (wrong.length > 0) return verdict('L3', 'fails', `key-value hash: ${wrong.join('; ')}`, seconds);
  const [{ revision, hash, source: first } = { revision: 0, hash: 0, source: '' }] = members;
  const who = members.length === 1 ? first : `${members.length} members`;
  return verdict(
    'L3',
    'holds',
    `key-value hash ${hash} at revision ${revision}, equal to that of ${who}${how === '' ? '' : ` (${how})`}`,
    seconds,
  );
}
