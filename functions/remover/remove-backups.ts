import * as z from 'zod';
import { newestOf, planRetention, type Retained } from '#domain/backup-retention.ts';
import { RefusedError } from '#model/errors.ts';
import { BackupChanges, RemovedBackups } from '#model/removal.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { SignatureChecker } from '#ports/signer.ts';
import { defineStep } from '#ports/step.ts';
import type { Versions } from '#ports/versions.ts';
import { lastsUntil, readStoredBackups, type StoredBackup } from './stored-backups.ts';

/** Removed by one run: more than a day's at the shortest usual interval, and few enough that a wrong decision is noticed first. */
const MOST = 100;
/** Reasons that are told. */
const TOLD = 10;

export interface RemoveBackupsPorts {
  readonly versions: Versions;
  readonly signer: SignatureChecker;
  readonly clock: Clock;
}

const Input = z.object({
  cluster: ClusterRef,
  /** As the hub tells it with each call; null or absent: it could not read it, and nothing says what is needed or suspicious. */
  changes: BackupChanges.nullish(),
});

/**
 * Removes the backups of a cluster that no class, hold or lock keeps, the oldest first, each only while the newest proven one is
 * still there as its manifest says. First the manifest goes, then the snapshot: a run that ends between the two leaves a snapshot
 * that nothing vouches for, and never a manifest that vouches for nothing. Two runs at once do no more than one. What a class or a hold
 * keeps longer than the bucket's own lock is locked so long.
 * @throws TransientError, RefusedError when the bucket can't be read, the newest proven backup is not what its manifest says, or the
 * hub could not tell what is needed
 */
export const removeBackups = defineStep({
  name: 'remove-backups',
  input: Input,
  output: RemovedBackups,
  async run({ cluster, changes }, { versions, signer, clock }: RemoveBackupsPorts) {
    if (changes === null || changes === undefined) {
      throw new RefusedError(
        `nothing is removed: which changes of ${cluster.name} may need a backup is not known. Look at the newest settings, the channel's newest rollout and the cluster's record in the hub's bucket`,
      );
    }
    const { holdDays } = changes;
    const stored = await readStoredBackups({ versions, signer }, cluster.name, changes);
    // A clock that is ahead makes backups old before their time.
    const now = new Date(Math.min(clock.now().getTime(), (await versions.now()).getTime()));
    const byId = new Map(stored.map((one) => [one.kept.id, one]));
    const all = stored.map(({ kept }) => kept);
    const plan = planRetention(all, now, true);
    const newest = [...newestOf(all).keys()].flatMap((id) => byId.get(id) ?? []);
    const unclear = all.filter((one) => one.unclear !== undefined);
    const told = unclear.map(({ id, unclear: reason }) => `${id}: ${reason}`);

    let locked = 0;
    const gone: StoredBackup[] = [];
    for (const { id } of plan.remove.slice(0, MOST)) {
      const backup = byId.get(id);
      if (backup === undefined) continue;
      await mustStand(newest, versions);
      const keeps = await removeOne(backup, versions, now);
      if (keeps === undefined) gone.push(backup);
      else {
        locked += 1;
        told.push(`${id}: ${keeps}`);
      }
    }
    const objectLock = await keepLocked(locksOf(plan.keep, byId, now, holdDays), versions);
    const [removedBytes, allBytes] = [gone, stored].map((some) => some.reduce((sum, { bytes }) => sum + bytes, 0)) as [number, number];
    return {
      removed: gone.length,
      removedBytes,
      kept: stored.length - gone.length,
      keptBytes: allBytes - removedBytes,
      left: Math.max(0, plan.remove.length - MOST),
      locked,
      unclear: unclear.length,
      objectLock,
      newest: newest[0]?.kept.id ?? null,
      told: told.slice(0, TOLD),
    };
  },
});

/** Asked right before each removal. @throws RefusedError when what must stay is not there as it should be */
async function mustStand(newest: readonly StoredBackup[], versions: Versions): Promise<void> {
  for (const { kept, objects, sha256 } of newest) {
    const [manifest, snapshot] = await Promise.all(objects.map(({ key, version }) => versions.look(key, version)));
    if (manifest !== undefined && snapshot !== undefined && snapshot.sha256 === sha256) continue;
    const found =
      snapshot === undefined || manifest === undefined ? 'is no longer there' : `has the SHA-256 ${snapshot.sha256 ?? '(none)'}`;
    throw new RefusedError(`nothing more is removed: backup ${kept.id}, which has to stay, ${found}. Look at it before anything else`);
  }
  if (newest.length === 0) throw new RefusedError('nothing is removed: no proven backup is there');
}

/** Both objects or, while Object Lock keeps one of them, neither. @returns why it stays; undefined when it is gone */
async function removeOne({ objects }: StoredBackup, versions: Versions, now: Date): Promise<string | undefined> {
  const looks = await Promise.all(objects.map(({ key, version }) => versions.look(key, version)));
  const kept = looks.find((look) => look?.lock === 'open' || (look?.lock !== undefined && look.lock > now))?.lock;
  if (kept !== undefined) return kept === 'open' ? 'a legal hold keeps it' : `Object Lock keeps it until ${kept.toISOString()}`;
  for (const { key, version } of objects) if (!(await versions.remove(key, version))) return 'Object Lock keeps it';
  return undefined;
}

/** Until when Object Lock has to keep what stays. */
function locksOf(
  keep: readonly Retained[],
  stored: ReadonlyMap<string, StoredBackup>,
  now: Date,
  holdDays: number,
): (readonly [StoredBackup, Date])[] {
  return keep.flatMap(({ id, until }) => {
    const backup = stored.get(id);
    if (backup === undefined || backup.kept.unclear !== undefined) return [];
    const end = lastsUntil(backup.kept, until, now, holdDays);
    return end === undefined ? [] : [[backup, end] as const];
  });
}

/** @returns false when the bucket has no Object Lock */
async function keepLocked(locks: readonly (readonly [StoredBackup, Date])[], versions: Versions): Promise<boolean> {
  for (const [{ objects }, until] of locks) {
    for (const { key, version } of objects) if (!(await versions.keepUntil(key, version, until))) return false;
  }
  return true;
}
