import * as z from 'zod';
import { ClusterName, ExecutionName, GitId, Sha256, Timestamp } from './primitives.ts';

/** Name of a restore, chosen by whoever asks for it; each is used once. It becomes part of file names on the members. */
export const RestoreId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,38}[a-z0-9]$/, 'must be 2 to 40 lower-case letters, digits and hyphens');

/** Name of a backup: its time, and the beginning of its SHA-256. */
export const BackupId = z
  .string()
  .regex(/^\d{8}T\d{6}Z-[0-9a-f]{12}$/, 'must be the id of a backup, for example 20260131T030000Z-422a689b6051');

/** `restore` in a cluster's entry: merged, it is done once. */
export const RestoreRequest = z.strictObject({
  id: RestoreId,
  backup: BackupId,
  reason: z.string().min(1),
  /** Everything but the restore itself: the backup is proven again and the check says what would happen. */
  dryRun: z.boolean().optional(),
});
export type RestoreRequest = z.infer<typeof RestoreRequest>;

/**
 * `restores/<cluster>/<id>.json` in the hub's bucket. Whoever writes it first does the restore; nobody does it a second time.
 * Times are those of the steps.
 */
export const RestoreRecord = z.object({
  cluster: ClusterName,
  id: RestoreId,
  backup: BackupId,
  reason: z.string(),
  dryRun: z.boolean(),
  execution: ExecutionName,
  commit: GitId,
  state: z.enum(['claimed', 'begun', 'restored', 'checked', 'failed']),
  claimedAt: Timestamp,
  /** Right before the members were fenced: from here on the data of before is not served any more. */
  begunAt: Timestamp.optional(),
  /** Backup of what was there, or why there is none. */
  before: z.string().optional(),
  endedAt: Timestamp.optional(),
  backupTakenAt: Timestamp.optional(),
  /** Changes of so many seconds before the fence are lost. */
  rpoSeconds: z.number().optional(),
  /** From the claim until the API was healthy on the restored data. */
  rtoSeconds: z.number().optional(),
  outcome: z.string().optional(),
});
export type RestoreRecord = z.infer<typeof RestoreRecord>;

/**
 * `restores/<cluster>/order.json` in the account's bucket, which each new instance of etcd reads once, at its boot
 * (`/opt/sluice/restore` of user-data/etcd.yaml).
 */
export const RestoreOrder = z.object({
  id: RestoreId,
  /** Only `ordered` is obeyed. */
  state: z.enum(['ordered', 'done']),
  /** The snapshot, in the same bucket. */
  key: z.string(),
  sha256: Sha256,
  /** Newest revision in it. */
  revision: z.int(),
  /** Makes the cluster's new id, so that members of the old one are refused. */
  token: z.string(),
  bump: z.int().min(1),
  /** Ids of the etcd clusters of before, decimal as etcd's gateway tells them. */
  old: z.array(z.string()),
  /** Of the cluster that was restored, once it is. */
  restored: z.string().optional(),
  /** Instances of before, which have to go; null until they were looked up. */
  fenced: z.array(z.string()).nullable(),
  execution: ExecutionName,
  /** Number of the lock that the restore has: an order gives way to one of a greater number only. */
  fence: z.int(),
  orderedAt: Timestamp,
});
export type RestoreOrder = z.infer<typeof RestoreOrder>;
