import * as z from 'zod';
import { Versions } from './configuration.ts';
import { ClusterName, ExecutionName, Sha256, Timestamp } from './primitives.ts';
import { BackupId } from './restore.ts';
import { ClusterRef } from './settings.ts';

/** Versions of what reads a cluster's data. Of a pull request nothing else goes to a cluster's account before it is merged. */
export const DataVersions = z.strictObject({ kubernetes: Versions.shape.kubernetes, etcd: Versions.shape.etcd });
export type DataVersions = z.infer<typeof DataVersions>;

/** A backup that an upgrade is rehearsed on, and between which versions: `from` is what the cluster runs, by its record. */
export const RehearsalSubject = z.object({
  cluster: ClusterRef,
  backup: z.object({ id: BackupId, takenAt: Timestamp }),
  from: DataVersions,
  to: DataVersions,
});
export type RehearsalSubject = z.infer<typeof RehearsalSubject>;

/** What a signed manifest says of the backup that is rehearsed on. */
export const RehearsedBackup = z.object({
  id: BackupId,
  snapshot: z.object({ key: z.string(), sha256: Sha256 }),
  /** Newest in the snapshot. */
  revision: z.int(),
  /** Keys by resource. */
  counts: z.record(z.string(), z.int()),
  /** Version of the API server that served it when it was proven. */
  kubernetes: Versions.shape.kubernetes,
});
export type RehearsedBackup = z.infer<typeof RehearsedBackup>;

/** Objects of a resource that today's API server serves and that of the target version does not. */
export const Orphans = z.object({
  /** Where they lie below `/registry/`. */
  resource: z.string(),
  objects: z.int().positive(),
});
export type Orphans = z.infer<typeof Orphans>;

/** What a rehearsal came to. `not-rehearsed` says nothing about the upgrade. */
export const RehearsalResult = z.object({
  outcome: z.enum(['passed', 'failed', 'not-rehearsed']),
  /** One sentence, for people. */
  reason: z.string(),
  /** The first few; `orphanedResources` is how many there are. */
  orphans: z.array(Orphans),
  orphanedResources: z.int().min(0),
  /** From the first look at the backup to the last answer of an API server. */
  seconds: z.number().min(0),
});
export type RehearsalResult = z.infer<typeof RehearsalResult>;

/** `rehearsals/<hash>.json` in the hub's bucket, named by backup and versions: the newest rehearsal of them that passed or failed, else the newest. */
export const RehearsalRecord = RehearsalResult.extend({
  cluster: ClusterName,
  backup: RehearsalSubject.shape.backup,
  from: DataVersions,
  to: DataVersions,
  at: Timestamp,
  execution: ExecutionName,
});
export type RehearsalRecord = z.infer<typeof RehearsalRecord>;
