import * as z from 'zod';
import { Revision, Timestamp } from './primitives.ts';

/** What the hub tells the remover of the changes that a cluster's backups may be needed for; null when it could not be read. */
export const BackupChanges = z.object({
  /** Days that a backup stays after the change that it was taken for has ended. */
  holdDays: z.int().min(0),
  /** Revisions whose change has begun and not ended. */
  open: z.array(Revision),
  /** When the change to a revision ended. */
  ended: z.record(z.string(), Timestamp),
  /** Backups that are not as they should be, and that nobody has acknowledged. */
  suspicious: z.array(z.string()).default([]),
  /** The first backup that lacks something and that nobody has acknowledged: those after it lack it too, for all that is known. */
  suspiciousFrom: z.string().optional(),
  /** Backups that somebody may need now whatever their age: what a restore asks for, and what a suspicious one was compared with. */
  held: z.array(z.string()).optional(),
});
export type BackupChanges = z.infer<typeof BackupChanges>;

/** What a run of `remove-backups` came to. */
export const RemovedBackups = z.object({
  /** Backups removed, and how many bytes that were. */
  removed: z.int(),
  removedBytes: z.int(),
  /** Backups that are there now, and their bytes. */
  kept: z.int(),
  keptBytes: z.int(),
  /** That may go and were left for the next run. */
  left: z.int(),
  /** That may go and that Object Lock keeps. */
  locked: z.int(),
  /** Of which nothing certain is known: they stay until a person has looked. */
  unclear: z.int(),
  /** Whether S3 itself keeps what the classes keep; false when the bucket has no Object Lock. */
  objectLock: z.boolean(),
  /** The newest that is proven; null when none is. */
  newest: z.string().nullable(),
  /** What a person should know of, each with the backup's id; cut at 10. */
  told: z.array(z.string()),
});
export type RemovedBackups = z.infer<typeof RemovedBackups>;

/** What a run of `copy-backups` came to. */
export const CopiedBackups = z.object({
  /** False when the account names no second bucket: then nothing is copied. */
  wanted: z.boolean(),
  /** Copied now, and read back and hashed there. */
  copied: z.int(),
  /** Backups of daily and older classes that are in both buckets. */
  there: z.int(),
  /** That are in the first only. */
  missing: z.int(),
  /** The newest that is in both; null when none is. */
  newest: z.string().nullable(),
  /** Copies that are not what the manifest says, each with the backup's id; cut at 10. */
  told: z.array(z.string()),
});
export type CopiedBackups = z.infer<typeof CopiedBackups>;
