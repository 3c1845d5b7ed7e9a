import * as z from 'zod';
import { emptyIndex, withRemoval } from '#domain/backup-index.ts';
import { caughtReason } from '#domain/caught.ts';
import { keys } from '#domain/names.ts';
import { changeObject } from '#facts/stored.ts';
import { BackupIndex } from '#model/backup-records.ts';
import { Timestamp } from '#model/primitives.ts';
import { RemovedBackups } from '#model/removal.ts';
import { CaughtState } from '#model/rollout.ts';
import { ClusterRef } from '#model/settings.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

/**
 * Writes down in a cluster's index what the removal of its old backups came to. One that failed is counted, and fails nothing else: a
 * backup too many hurts nobody. Repeated, or late, it takes nothing newer away.
 */
export const recordRemoval = defineStep({
  name: 'record-removal',
  input: z.object({
    outcome: z.enum(['done', 'failed']),
    cluster: ClusterRef,
    removeBackups: RemovedBackups.optional(),
    error: CaughtState.optional(),
    /** When the look that began it did. */
    startedAt: Timestamp,
  }),
  output: z.object({ failures: z.int(), reason: z.string().nullable() }),
  async run({ outcome, cluster, removeBackups, error, startedAt }, { objects }: { objects: ObjectStore }, { execution }) {
    const result = outcome === 'done' ? (removeBackups ?? null) : null;
    const reason = result === null ? caughtReason(error) : null;
    const index = await changeObject(objects, keys.backupIndex(cluster.name), BackupIndex, (known) =>
      withRemoval(known ?? emptyIndex(cluster.name), { at: startedAt, execution, result, reason }),
    );
    return { failures: index?.removal?.failures ?? 0, reason };
  },
});
