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
  readonly takenAt: Date;
  /** Every layer that was asked for holds. */
  readonly proven: boolean;
  /** Something about it is not as it should be, and nobody has said that it is right. */
  readonly suspicious: boolean;
  /** Until when it is held, for a change that may need it; `open` until that has ended. */
  readonly hold: Date | 'open' | undefined;
}

export interface Retained {
  readonly id: string;
  /** Why it stays, or why it may go. */
  readonly reason: string;
}

export interface RetentionPlan {
  readonly keep: readonly Retained[];
  readonly remove: readonly Retained[];
}

/**
 * Which backups of a cluster may be removed. Never: the newest that is proven and not suspicious, any that is held, any that is
 * younger than an hourly one may get, any that lies in the future (a clock was wrong, and nothing is known of its age), and
 * anything at all while no proven one is there.
 * @param complete false when the list may lack some: nothing is removed then
 */
export function planRetention(backups: readonly KeptBackup[], now: Date, complete: boolean, days: RetentionDays = CLASSES): RetentionPlan {
  const ordered = backups.toSorted((left, right) => left.takenAt.getTime() - right.takenAt.getTime() || (left.id < right.id ? -1 : 1));
  const newest = ordered.findLast(isGood);
  const keep: Retained[] = [];
  const remove: Retained[] = [];
  const all = (reason: string): RetentionPlan => ({ keep: ordered.map(({ id }) => ({ id, reason })), remove: [] });
  if (!complete) return all('the list of backups is not complete');
  if (newest === undefined) return all('none is proven');
  const classes = classesOf(ordered);
  for (const backup of ordered) {
    const { id, takenAt, hold } = backup;
    const age = now.getTime() - takenAt.getTime();
    if (backup === newest) keep.push({ id, reason: 'the newest that is proven' });
    else if (hold === 'open') keep.push({ id, reason: 'held by a change that has not ended' });
    else if (hold !== undefined && hold > now) keep.push({ id, reason: `held until ${hold.toISOString()}` });
    else if (age < 0) keep.push({ id, reason: 'it lies in the future: a clock was wrong' });
    else {
      const found = classes.get(id) ?? [];
      const holding = found.find((one) => age < days[one] * DAY);
      if (holding !== undefined) keep.push({ id, reason: `${holding}, for ${days[holding]} days` });
      else remove.push({ id, reason: `${found.at(-1) ?? 'hourly'}, and ${Math.floor(age / DAY)} days old` });
    }
  }
  return { keep, remove };
}

/** Proves something: what else is left of a cluster when it is gone. */
function isGood({ proven, suspicious }: KeptBackup): boolean {
  return proven && !suspicious;
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
