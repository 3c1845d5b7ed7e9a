import type { BackupIndex } from '../model/backup-records.ts';
import type { BackupHistory } from './backup-due.ts';

/** When a backup was taken, by its id; undefined for an id that is none. */
export function takenAtOf(id: string): Date | undefined {
  const found = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z-[0-9a-f]{12}$/.exec(id);
  if (found === null) return undefined;
  const [, year, month, day, hour, minute, second] = found;
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

export function emptyIndex(cluster: string): BackupIndex {
  return { cluster, newestProven: null, newestDrilled: null, bytes: null, seconds: null, failures: 0, lastFailure: null };
}

export interface ProvenBackup {
  readonly id: string;
  readonly takenAt: Date;
  readonly drilled: boolean;
  readonly bytes: number | null;
  readonly seconds: number | null;
}

/** An index after a backup that is proven. What came late does not take the place of a newer one. */
export function withProven(index: BackupIndex, backup: ProvenBackup): BackupIndex {
  const entry = { id: backup.id, takenAt: backup.takenAt.toISOString() };
  const newer = (known: BackupIndex['newestProven']): boolean => known === null || known.takenAt < entry.takenAt;
  const drilled = backup.drilled && newer(index.newestDrilled) ? { newestDrilled: entry } : {};
  if (!newer(index.newestProven)) return { ...index, ...drilled };
  return { ...index, ...drilled, newestProven: entry, bytes: backup.bytes, seconds: backup.seconds, failures: 0 };
}

/**
 * An index after a backup that failed. The same execution again changes nothing, nor does one that began before the newest
 * proven backup was taken: that one is of no interest any more. @param began when its execution did
 */
export function withFailure(index: BackupIndex, failure: NonNullable<BackupIndex['lastFailure']>, began: Date): BackupIndex {
  if (index.lastFailure?.execution === failure.execution) return index;
  if (index.newestProven !== null && Date.parse(index.newestProven.takenAt) >= began.getTime()) return index;
  return { ...index, failures: index.failures + 1, lastFailure: failure };
}

export function historyOf(index: BackupIndex | undefined): BackupHistory {
  const time = (entry: BackupIndex['newestProven'] | undefined): Date | undefined =>
    entry === null || entry === undefined ? undefined : new Date(entry.takenAt);
  return {
    newestProven: time(index?.newestProven),
    newestDrilled: time(index?.newestDrilled),
    failures: index?.failures ?? 0,
    lastFailure: index?.lastFailure === null || index === undefined ? undefined : new Date(index.lastFailure.at),
  };
}

const HOUR = 3600 * 1000;
/** A little less than a day, so that it stays at the same hour. */
const REMOVAL_HOURS = 23;
/** As long as a restored one counts: drills are daily, and one may fail. */
const RESTORED_HOURS = 48;

/** Whether old backups are to be removed now: once a day, and only while the newest that was restored is no older than two. */
export function removalDue({ newestDrilled, removal }: BackupIndex, now: Date): boolean {
  const hoursSince = (time: string): number => (now.getTime() - Date.parse(time)) / HOUR;
  if (newestDrilled === null || hoursSince(newestDrilled.takenAt) >= RESTORED_HOURS) return false;
  return removal === undefined || hoursSince(removal.at) >= REMOVAL_HOURS;
}

/** What comes after a backup was taken, and is counted on its own. */
interface Aftermath<R> {
  readonly at: string;
  readonly execution: string;
  readonly result: R | null;
  readonly failures: number;
  readonly reason: string | null;
}
type Outcome<R> = Omit<Aftermath<R>, 'failures'>;
type Removal = NonNullable<NonNullable<BackupIndex['removal']>['result']>;
type Copy = NonNullable<NonNullable<BackupIndex['copy']>['result']>;

/** An index after a removal of old backups. The same execution again changes nothing, nor does one that began before the last. */
export function withRemoval(index: BackupIndex, removal: Outcome<Removal>): BackupIndex {
  return { ...index, removal: after(index.removal, removal) };
}

/** An index after backups were copied to the second bucket; repeated or late as above. */
export function withCopy(index: BackupIndex, copy: Outcome<Copy>): BackupIndex {
  return { ...index, copy: after(index.copy, copy) };
}

function after<R>(known: Aftermath<R> | undefined, now: Outcome<R>): Aftermath<R> {
  if (known !== undefined && (known.execution === now.execution || known.at > now.at)) return known;
  const failures = now.result === null ? (known?.failures ?? 0) + 1 : 0;
  // What was there when one last succeeded is still the best that is known.
  return { ...now, result: now.result ?? known?.result ?? null, failures };
}
