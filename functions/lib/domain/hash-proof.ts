import type { HashProof } from '../model/backup-records.ts';
import type { ToldHash } from '../ports/etcd.ts';
import type { HashRequest } from './snapshot/key-value-hash.ts';

/** How `find-due-backups` begins the names of what it starts. */
export const SCHEDULED = 'scheduled-';

export function isScheduled(execution: string): boolean {
  return execution.startsWith(SCHEDULED);
}

/**
 * How long the next compaction is awaited, in seconds: API servers compact every five minutes (`--etcd-compaction-interval`), and the
 * last half minute is for doing it. One wait and no looks in between: a look costs more than the wait.
 */
export const COMPACTION_SECONDS = 330;
/** Compactions whose hashes a member keeps (etcd, mvcc/hash.go). */
const KEPT_HASHES = 10;

/**
 * By what L3 is told. By schedule: by what members record at their next compaction, which costs them nothing and leaves what
 * changed after that compaction's revision uncompared. Before a change, and by hand, followers compute the hash of all of it.
 * @param compactRevision of the file
 */
export function hashProofRule(execution: string, compactRevision: number): Pick<HashProof, 'by' | 'why'> {
  if (!isScheduled(execution)) return { by: 'computed', why: 'before a change, and by hand, all of it is compared' };
  // A member that was never compacted would look through all that it has to say so.
  if (compactRevision <= 1) return { by: 'computed', why: 'by schedule, and etcd was never compacted: nothing is recorded' };
  return { by: 'recorded', why: 'by schedule: no member computes for it' };
}

export type RecordedHash =
  | { readonly found: true; readonly revision: number; readonly compactRevision: number; readonly hash: number }
  | { readonly found: false; readonly why: string };

/**
 * The hash that a member recorded at the first compaction after the file's, found from its newest one backwards: each says which
 * compaction was before it. Only that one is of records that the file still has.
 * @param from revision of the member's newest compaction, which must be done
 * @param ask for the hash at a revision; it answers undefined where the member has it no more
 */
export async function findRecorded(
  file: HashRequest,
  from: number,
  ask: (revision: number) => Promise<Pick<ToldHash, 'hash' | 'compactRevision'> | undefined>,
): Promise<RecordedHash> {
  let revision = from;
  for (let count = 0; count < KEPT_HASHES; count += 1) {
    const told = await ask(revision);
    const step = recordedStep(file, revision, told);
    if ('found' in step) return step;
    revision = step.before;
  }
  return { found: false, why: `it was compacted more than ${KEPT_HASHES} times since` };
}

function recordedStep(
  file: HashRequest,
  revision: number,
  told: Pick<ToldHash, 'hash' | 'compactRevision'> | undefined,
): RecordedHash | { readonly before: number } {
  const none = (why: string): RecordedHash => ({ found: false, why });
  if (told === undefined) return none(`it has no hash of its compaction at ${revision} any more`);
  const { hash, compactRevision } = told;
  if (!isRecorded(revision, told)) return none(`it recorded none at its compaction at ${revision}: it was started since, or stopped in it`);
  if (compactRevision > file.compactRevision) return { before: compactRevision };
  if (compactRevision < file.compactRevision) return none(`it was not compacted at ${file.compactRevision} as the file was`);
  if (revision > file.revision) return none(`its next compaction was at ${revision}, after what the file has`);
  return { found: true, revision, compactRevision, hash };
}

/**
 * Whether what a member told at the revision of a compaction that it has done is what it recorded in it: that is by the compaction
 * before. Computed now it would be by this one, or a later one.
 */
export function isRecorded(revision: number, told: Pick<ToldHash, 'compactRevision'>): boolean {
  return told.compactRevision < revision;
}
