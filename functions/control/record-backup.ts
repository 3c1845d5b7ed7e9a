import * as z from 'zod';
import { suspicionText } from '#domain/backup-anomaly.ts';
import { emptyIndex, removalDue, withFailure } from '#domain/backup-index.ts';
import { caughtReason, REASON_LIMIT } from '#domain/caught.ts';
import { keys } from '#domain/names.ts';
import { noteProven } from '#facts/backup-anomaly.ts';
import { changeObject } from '#facts/stored.ts';
import { TakenBackup } from '#model/backup.ts';
import { BackupIndex } from '#model/backup-records.ts';
import { InputError } from '#model/errors.ts';
import { ExecutionName, Timestamp } from '#model/primitives.ts';
import { CaughtState } from '#model/rollout.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { Executions } from '#ports/executions.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly executions: Executions;
  readonly clock: Clock;
}

const Input = z.object({
  outcome: z.enum(['proven', 'failed']),
  cluster: ClusterRef,
  drill: z.boolean(),
  executionName: ExecutionName,
  backup: TakenBackup.extend({ seconds: z.number() }).optional(),
  error: CaughtState.optional(),
  /** When the look that found it due began. */
  startedAt: Timestamp,
});

/**
 * Writes down in a cluster's index what a scheduled backup came to, and whether it lacks what those before it had. Repeated, or late, it takes nothing newer away. A name that
 * was taken is the work of another look, which writes down what came of it; where that is over and was not written down (its
 * writer was lost), it counts as failed here, so that the next look gives the work another name.
 */
export const recordBackup = defineStep({
  name: 'record-backup',
  input: Input,
  output: z.object({ failures: z.int(), reason: z.string(), removalDue: z.boolean() }),
  async run({ outcome, cluster, drill, executionName, backup, error, startedAt }, { objects, executions, clock }: Ports) {
    if (error?.Error.includes('ExecutionAlreadyExists') === true) {
      const there = await executions.describe('backup-etcd', executionName);
      if (there === undefined || there.status === 'RUNNING')
        return { failures: 0, reason: `${executionName} is under way`, removalDue: false };
    }
    const now = clock.now();
    if (outcome === 'proven') {
      if (backup === undefined) throw new InputError('a proven backup is told with what it holds; this one is missing');
      const index = await noteProven(objects, cluster.name, backup, { drilled: drill, seconds: backup.seconds, now });
      const { failures, suspicious } = index;
      const reason = suspicious == null ? `proven: ${backup.id}` : `proven: ${backup.id}; ${suspicionText(suspicious)}`;
      return { failures, reason: reason.slice(0, REASON_LIMIT), removalDue: removalDue(index, now) };
    }
    const reason = caughtReason(error);
    const index = await changeObject(objects, keys.backupIndex(cluster.name), BackupIndex, (known) =>
      withFailure(known ?? emptyIndex(cluster.name), { at: now.toISOString(), execution: executionName, reason }, new Date(startedAt)),
    );
    // After a failure nothing is taken away.
    return { failures: index?.failures ?? 0, reason, removalDue: false };
  },
});
