import * as z from 'zod';
import { emptyIndex, withCopy } from '#domain/backup-index.ts';
import { caughtReason } from '#domain/caught.ts';
import { keys } from '#domain/names.ts';
import { changeObject } from '#facts/stored.ts';
import { BackupIndex } from '#model/backup-records.ts';
import { Timestamp } from '#model/primitives.ts';
import { CopiedBackups } from '#model/removal.ts';
import { CaughtState } from '#model/rollout.ts';
import { ClusterRef } from '#model/settings.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

/**
 * Writes down in a cluster's index what the copies of its backups in the second bucket came to. One that failed is counted, and fails
 * nothing else. Repeated, or late, it takes nothing newer away.
 */
export const recordCopy = defineStep({
  name: 'record-copy',
  input: z.object({
    outcome: z.enum(['done', 'failed']),
    cluster: ClusterRef,
    copyBackups: CopiedBackups.optional(),
    error: CaughtState.optional(),
    /** When the look that began it did. */
    startedAt: Timestamp,
  }),
  output: z.object({ failures: z.int(), reason: z.string().nullable() }),
  async run({ outcome, cluster, copyBackups, error, startedAt }, { objects }: { objects: ObjectStore }, { execution }) {
    const result = outcome === 'done' ? (copyBackups ?? null) : null;
    const reason = result === null ? caughtReason(error) : null;
    const index = await changeObject(objects, keys.backupIndex(cluster.name), BackupIndex, (known) =>
      withCopy(known ?? emptyIndex(cluster.name), { at: startedAt, execution, result, reason }),
    );
    return { failures: index?.copy?.failures ?? 0, reason };
  },
});
