const DAY = 24 * 3600 * 1000;

/** How old a backup of a class gets, in days. A class keeps the first backup of each of its periods (UTC). */
export const CLASSES = {
  hourly: 7,
  daily: 35,
  weekly: 366,
  monthly: 0,
} as const;
export type RetentionClass = keyof typeof CLASSES;
export type RetentionDays = Readonly<Record<RetentionClass, number>>;

/** A backup as its manifest tells it. */
export interface KeptBackup {
  readonly id: string;
  /** By the clock of the function that took it. */
  readonly takenAt: Date;
  /** By the clock of the store that has it; the later of the two says how old it is. */
  readonly storedAt: Date;
  /** Every layer that a file allows holds (L0 to L4). */
  readonly proven: boolean;
  /** It was restored and served too (L5, L6). */
  readonly restored: boolean;
  /** Something about it is not as it should be, and nobody has said that it is right. */
  readonly suspicious: boolean;
  /** Until when it is held, for a change that may need it; `open` until that has ended. */
  readonly hold: Date | 'open' | undefined;
  /** Why nothing certain is known of it: then it stays, and vouches for nothing. */
  readonly unclear?: string;
}

export interface Retained {
  readonly id: string;
  /** Why it stays, or why it may go. */
  readonly reason: string;
  /** When its class or its hold ends, as far as that is known: until then it is of use whatever comes after it. */
  readonly until?: Date;
}

export interface RetentionPlan {
  readonly keep: readonly Retained[];
  readonly remove: readonly Retained[];
}

/**
 * Which backups of a cluster may be removed. Never: the newest that is proven and not suspicious, nor the newest of those that was
 * restored (each by either clock, which may be wrong), any that is held, any that is younger than an hourly one may get, any that lies
 * in the future (a clock was wrong, and nothing is known of its age), any of which nothing certain is known, and anything at all
 * while no proven one is there.
 * @param complete false when the list may lack some: nothing is removed then
 */
export function planRetention(backups: readonly KeptBackup[], now: Date, complete: boolean, days: RetentionDays = CLASSES): RetentionPlan {
  const ordered = backups.toSorted((left, right) => left.takenAt.getTime() - right.takenAt.getTime() || (left.id < right.id ? -1 : 1));
  const newest = newestOf(ordered);
  const all = (reason: string): RetentionPlan => ({ keep: ordered.map(({ id }) => ({ id, reason })), remove: [] });
  if (!complete) return all('the list of backups is not complete');
  if (newest.size === 0) return all('none is proven');
  const keep: Retained[] = [];
  const remove: Retained[] = [];
  const classes = classesOf(ordered);
  for (const backup of ordered) {
    const fate = fateOf(backup, newest.get(backup.id), classes.get(backup.id) ?? [], now, days);
    (fate.keep ? keep : remove).push(fate.told);
  }
  return { keep, remove };
}

/**
 * The backups that what is left of a cluster must never be less than, with the reason. By takenAt and by storedAt: a clock that went
 * back would otherwise make an older backup look newer than what came after it.
 */
export function newestOf(backups: readonly KeptBackup[]): Map<string, string> {
  const found = new Map<string, string>();
  const add = (of: readonly KeptBackup[], time: 'takenAt' | 'storedAt', reason: string): void => {
    const newest = of.reduce<KeptBackup | undefined>(
      (best, one) => (best === undefined || one[time] >= best[time] ? one : best),
      undefined,
    );
    if (newest !== undefined && !found.has(newest.id)) found.set(newest.id, reason);
  };
  const good = backups.filter(isGood);
  for (const time of ['takenAt', 'storedAt'] as const) add(good, time, 'the newest that is proven');
  for (const time of ['takenAt', 'storedAt'] as const) {
    add(
      good.filter(({ restored }) => restored),
      time,
      'the newest that was restored',
    );
  }
  return found;
}

function fateOf(
  backup: KeptBackup,
  newest: string | undefined,
  classes: readonly RetentionClass[],
  now: Date,
  days: RetentionDays,
): { readonly keep: boolean; readonly told: Retained } {
  const { id, hold, unclear } = backup;
  const born = Math.max(backup.takenAt.getTime(), backup.storedAt.getTime());
  const age = now.getTime() - born;
  const kept = classes.filter((one) => age < days[one] * DAY);
  const holding = kept[0];
  // Of what nothing certain is known, not even the time is.
  const end = unclear === undefined && age >= 0 ? endOf(kept, born, days, hold) : undefined;
  const stays = (reason: string) => ({ keep: true, told: { id, reason, ...(end === undefined ? {} : { until: end }) } });
  if (newest !== undefined) return stays(newest);
  if (unclear !== undefined) return stays(unclear);
  if (hold === 'open') return stays('held by a change that has not ended');
  if (hold !== undefined && hold > now) return stays(`held until ${hold.toISOString()}`);
  if (age < 0) return stays('it lies in the future: a clock was wrong');
  if (holding !== undefined) return stays(`${holding}, for ${days[holding]} days`);
  return { keep: false, told: { id, reason: `${classes.at(-1) ?? 'hourly'}, and ${Math.floor(age / DAY)} days old` } };
}

/** When the last of its classes and its hold end; undefined when it is in none. */
function endOf(classes: readonly RetentionClass[], born: number, days: RetentionDays, hold: KeptBackup['hold']): Date | undefined {
  const ends = [...classes.map((one) => born + days[one] * DAY), ...(hold instanceof Date ? [hold.getTime()] : [])];
  return ends.length === 0 ? undefined : new Date(Math.max(...ends));
}

/** Proves something: what else is left of a cluster when it is gone. */
function isGood({ proven, suspicious, unclear }: KeptBackup): boolean {
  return proven && !suspicious && unclear === undefined;
}

/** Every backup is an hourly one; the first good one of a day, week and month (UTC) is of these classes too. */
function classesOf(ordered: readonly KeptBackup[]): Map<string, RetentionClass[]> {
  const seen = new Set<string>();
  const classes = new Map<string, RetentionClass[]>();
  for (const backup of ordered) {
    const own: RetentionClass[] = ['hourly'];
    if (isGood(backup)) {
      for (const [name, period] of periodsOf(backup.takenAt)) {
        const key = `${name} ${period}`;
        if (seen.has(key)) continue;
        seen.add(key);
        own.push(name);
      }
    }
    classes.set(backup.id, own);
  }
  return classes;
}

function periodsOf(time: Date): readonly (readonly [RetentionClass, string])[] {
  const day = Math.floor(time.getTime() / DAY);
  return [
    ['daily', String(day)],
    // The first of January 1970 was a Thursday: weeks begin on Monday.
    ['weekly', String(Math.floor((day + 3) / 7))],
    ['monthly', time.toISOString().slice(0, 7)],
  ];
}

/** What is known of the changes that a cluster's backups may be needed for. */
export interface ChangeFacts {
  /** How long a backup stays after the end of the change that it was taken for. */
  readonly holdDays: number;
  /** Revisions whose change of this cluster has begun and not ended, for all that is known. */
  readonly open: readonly string[];
  /** When the changes of a revision ended. */
  readonly ended: Readonly<Record<string, Date>>;
}

/**
 * Until when a backup is held: until the change that it was taken for is over, and some days more. One of which nothing is known (it
 * was overtaken by a newer one) is held as long from when it was taken.
 * @param purpose the revision that it was taken for; undefined for one by schedule
 */
export function holdOf(purpose: string | undefined, takenAt: Date, facts: ChangeFacts): KeptBackup['hold'] {
  if (purpose === undefined) return undefined;
  if (facts.open.includes(purpose)) return 'open';
  const ended = facts.ended[purpose] ?? takenAt;
  return new Date(Math.max(ended.getTime(), takenAt.getTime()) + facts.holdDays * DAY);
}
