import * as z from 'zod';
import { emptyIndex, removalDue, takenAtOf, withFailure, withProven } from '#domain/backup-index.ts';
import { readCaught } from '#domain/caught.ts';
import { keys } from '#domain/names.ts';
import { changeObject } from '#facts/stored.ts';
import { InputError } from '#model/errors.ts';
import { ExecutionName, Timestamp } from '#model/primitives.ts';
import { BackupIndex } from '#model/records.ts';
import { CaughtState } from '#model/rollout.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { Executions } from '#ports/executions.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

/** A reason in an index: enough to act on; the whole is in the execution's history. */
const REASON_LIMIT = 500;

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
  backup: z.object({ id: z.string(), bytes: z.int(), seconds: z.number() }).optional(),
  error: CaughtState.optional(),
  /** When the look that found it due began. */
  startedAt: Timestamp,
});

/**
 * Writes down in a cluster's index what a scheduled backup came to. Repeated, or late, it takes nothing newer away. A name that
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
    const index = await changeObject(objects, keys.backupIndex(cluster.name), BackupIndex, (known) => {
      const before = known ?? emptyIndex(cluster.name);
      if (outcome === 'proven') return withProven(before, provenOf(backup, drill));
      const reason = reasonOf(error);
      return withFailure(before, { at: clock.now().toISOString(), execution: executionName, reason }, new Date(startedAt));
    });
    const reason = outcome === 'proven' ? `proven: ${backup?.id ?? ''}` : reasonOf(error);
    // After a failure nothing is taken away.
    const due = outcome === 'proven' && index !== undefined && removalDue(index, clock.now());
    return { failures: index?.failures ?? 0, reason, removalDue: due };
  },
});

function provenOf(backup: z.infer<typeof Input>['backup'], drilled: boolean) {
  const takenAt = takenAtOf(backup?.id ?? '');
  if (backup === undefined || takenAt === undefined)
    throw new InputError(`a proven backup has an id of its time; this one is ${backup?.id ?? 'missing'}`);
  return { ...backup, takenAt, drilled };
}

function reasonOf(error: z.infer<typeof CaughtState> | undefined): string {
  if (error === undefined) return 'no reason was told';
  const { name, message } = readCaught(error);
  return `${name}: ${message}`.slice(0, REASON_LIMIT);
}
