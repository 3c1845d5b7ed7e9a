import { createHash } from 'node:crypto';

const SECOND = 1000;
/** A snapshot that was restored (L5, L6) as often as this; those between are proven as files. */
export const DRILL_SECONDS = 24 * 3600;
/** A backup that failed is tried again after this, then after twice as long, and never later than its interval. */
const RETRY_SECONDS = 300;

/** What is known of a cluster's backups. Times are when the snapshots were taken. */
export interface BackupHistory {
  readonly newestProven: Date | undefined;
  /** Newest that was restored and served by an API server. */
  readonly newestDrilled: Date | undefined;
  /** Failures since the last that succeeded, and when the last of them was. */
  readonly failures: number;
  readonly lastFailure: Date | undefined;
}

export interface BackupWanted {
  readonly cluster: string;
  readonly intervalSeconds: number;
  /** A new cluster has nothing to lose yet: its first backup is that of the interval after this one. */
  readonly created: Date;
  readonly history: BackupHistory;
}

export interface DueBackup {
  readonly cluster: string;
  readonly drill: boolean;
  /**
   * Which attempt of which interval it is: `<slot>-<failures before it>`. Two that look at once name the same work the same, so
   * that one backup is taken.
   */
  readonly slot: string;
}

/**
 * Where in its interval a cluster's backups lie, 0 to below 1, by its name: a thousand clusters of one interval are spread over
 * it, and each keeps its place.
 */
export function phaseOf(cluster: string): number {
  return createHash('sha256').update(cluster).digest().readUInt32BE(0) / 2 ** 32;
}

/** Number of the interval that a time is in, by the cluster's own phase. */
export function slotOf(cluster: string, intervalSeconds: number, time: Date): number {
  return Math.floor(time.getTime() / SECOND / intervalSeconds - phaseOf(cluster));
}

/**
 * Which clusters have to be backed up now: whose newest backup is of an earlier interval, and not just failed. A clock that
 * went back makes nothing due twice: a backup that lies in the future counts as this interval's.
 */
export function dueBackups(clusters: readonly BackupWanted[], now: Date): DueBackup[] {
  return clusters.flatMap(({ cluster, intervalSeconds, created, history }) => {
    const slot = slotOf(cluster, intervalSeconds, now);
    const { newestProven, newestDrilled, failures, lastFailure } = history;
    if (slotOf(cluster, intervalSeconds, newestProven ?? created) >= slot) return [];
    if (lastFailure !== undefined && failures > 0) {
      const wait = Math.min(RETRY_SECONDS * 2 ** (failures - 1), intervalSeconds);
      if (now.getTime() - lastFailure.getTime() < wait * SECOND) return [];
    }
    const drill = newestDrilled === undefined || now.getTime() - newestDrilled.getTime() >= DRILL_SECONDS * SECOND;
    return [{ cluster, drill, slot: `${slot}-${failures}` }];
  });
}
