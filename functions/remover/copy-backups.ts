import * as z from 'zod';
import { planRetention } from '#domain/backup-retention.ts';
import { accountKeys } from '#domain/names.ts';
import { RefusedError } from '#model/errors.ts';
import { BackupChanges, CopiedBackups } from '#model/removal.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { Copies } from '#ports/copies.ts';
import type { SignatureChecker } from '#ports/signer.ts';
import { defineStep } from '#ports/step.ts';
import type { Versions } from '#ports/versions.ts';
import { lastsUntil, readStoredBackups, type StoredBackup } from './stored-backups.ts';

/** Of one run: what a function copies and reads back in its 15 minutes at an assumed 80 MB/s, with room. */
const MOST_BYTES = 20_000_000_000;
const MOST = 5;
/** Reasons that are told. */
const TOLD = 10;

export interface CopyBackupsPorts {
  readonly versions: Versions;
  /** Undefined: the account names no second bucket. */
  readonly copies: Copies | undefined;
  readonly signer: SignatureChecker;
  readonly clock: Clock;
}

/**
 * Copies the proven backups that outlive the hourly ones to the second bucket, the newest first, and reads each back there: the
 * manifest follows its snapshot only when that is what it says. So a manifest in the second bucket means a copy that was hashed; what was
 * begun and not finished is copied again. Nothing there is ever removed by Sluice.
 * @throws TransientError, RefusedError when a bucket can't be read or written, or the hub could not tell what is needed
 */
export const copyBackups = defineStep({
  name: 'copy-backups',
  input: z.object({ cluster: ClusterRef, changes: BackupChanges.nullish() }),
  output: CopiedBackups,
  async run({ cluster, changes }, { versions, copies, signer, clock }: CopyBackupsPorts) {
    if (copies === undefined) return { wanted: false, copied: 0, there: 0, missing: 0, newest: null, told: [] };
    if (changes === null || changes === undefined) {
      throw new RefusedError(`nothing is copied: what is known of the changes of ${cluster.name} could not be read in the hub's bucket`);
    }
    const { holdDays } = changes;
    const stored = await readStoredBackups({ versions, signer }, cluster.name, changes);
    const worth = worthCopying(stored, clock.now(), holdDays);
    const present = new Set(await copies.list(accountKeys.backups(cluster.name)));
    const done = new Set(worth.filter(({ kept: { id } }) => present.has(accountKeys.backup(cluster.name, id, 'manifest.json'))));

    const told: string[] = [];
    let copied = 0;
    let bytes = 0;
    for (const backup of worth) {
      if (done.has(backup)) continue;
      if (copied + told.length === MOST || (bytes > 0 && bytes + backup.bytes > MOST_BYTES)) break;
      bytes += backup.bytes;
      const wrong = await copyOne(backup, copies);
      if (wrong !== undefined) told.push(`${backup.kept.id}: ${wrong}`);
      else {
        copied += 1;
        done.add(backup);
      }
    }
    const newest = worth.find((backup) => done.has(backup))?.kept.id ?? null;
    return { wanted: true, copied, there: done.size, missing: worth.length - done.size, newest, told: told.slice(0, TOLD) };
  },
});

/** Newest first. What is not proven or suspicious is not worth a second place. */
function worthCopying(stored: readonly StoredBackup[], now: Date, holdDays: number): StoredBackup[] {
  const all = stored.map(({ kept }) => kept);
  const until = new Map(planRetention(all, now, true).keep.map(({ id, until: end }) => [id, end]));
  return stored
    .filter(({ kept }) => kept.proven && !kept.suspicious && kept.unclear === undefined)
    .filter(({ kept }) => lastsUntil(kept, until.get(kept.id), now, holdDays) !== undefined)
    .toSorted((left, right) => right.kept.takenAt.getTime() - left.kept.takenAt.getTime());
}

/** @returns what is wrong with the copy; undefined when it is what the manifest says */
async function copyOne({ objects, sha256 }: StoredBackup, copies: Copies): Promise<string | undefined> {
  const [manifest, snapshot] = objects;
  if (manifest === undefined || snapshot === undefined) return 'it has no manifest';
  await copies.copy(snapshot.key, snapshot.version, snapshot.bytes);
  const found = await copies.hash(snapshot.key);
  if (found === undefined) return 'its copy was made and is not there';
  if (found.bytes !== snapshot.bytes || found.sha256 !== sha256)
    return `its copy has ${found.bytes} bytes with the SHA-256 ${found.sha256}`;
  await copies.copy(manifest.key, manifest.version, manifest.bytes);
  return undefined;
}
