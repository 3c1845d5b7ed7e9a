import * as z from 'zod';
import { keys } from '#domain/names.ts';
import { requireLock } from '#facts/lock.ts';
import { changeObject } from '#facts/stored.ts';
import { LayerVerdict } from '#model/backup-records.ts';
import { BackupNotProvenError, ConflictError } from '#model/errors.ts';
import { Timestamp } from '#model/primitives.ts';
import { RestoreRecord, RestoreRequest } from '#model/restore.ts';
import { CaughtState } from '#model/rollout.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

const Input = z.object({
  cluster: ClusterRef,
  restore: RestoreRequest,
  lock: z.object({ fence: z.int() }),
  checkBackup: z.object({ takeSnapshot: z.object({ takenAt: Timestamp }) }),
  proveSnapshot: z.object({ verdicts: z.array(LayerVerdict) }),
  proveApi: z.object({ verdicts: z.array(LayerVerdict) }),
  /** Of what is there, or why there is none. */
  backup: z.object({ id: z.string() }).nullish(),
  backupError: CaughtState.optional(),
});

/** The layers that must hold right before: what is stored is what was taken, boots, and can be served and decrypted. */
const REQUIRED = ['L4', 'L5', 'L6'] as const;

/**
 * Last look before anything is fenced: the backup was just restored and served by what runs now, and this execution has the
 * cluster's lock. From here on the restore counts as begun. Repeated, it keeps the time of the first.
 * @throws BackupNotProvenError naming what does not hold, LockHeldError
 */
export const beginRestore = defineStep({
  name: 'begin-restore',
  input: Input,
  output: z.object({ begunAt: Timestamp }),
  async run(input, { objects, clock }: Ports, { execution }) {
    const { cluster, restore, lock, checkBackup, proveSnapshot, proveApi, backup, backupError } = input;
    const verdicts = [...proveSnapshot.verdicts, ...proveApi.verdicts];
    const wrong = REQUIRED.flatMap((layer) => {
      const found = verdicts.find((one) => one.layer === layer);
      return found?.verdict === 'holds' ? [] : [`${layer} ${found?.verdict ?? 'was not run'}: ${found?.reason ?? 'no verdict'}`];
    });
    if (wrong.length > 0)
      throw new BackupNotProvenError(
        `backup ${restore.backup} of ${cluster.name} can't be restored to what runs now: ${wrong.join('; ')}. Nothing was changed.`,
      );
    const now = clock.now().toISOString();
    const there = await changeObject(objects, keys.restore(cluster.name, restore.id), RestoreRecord, async (known) => {
      if (known?.execution !== execution) throw new ConflictError(`the restore ${restore.id} is not ${execution}'s`);
      if (restore.dryRun === true || known.begunAt !== undefined) return undefined;
      await requireLock(objects, cluster.name, execution, lock.fence);
      const before = backup?.id ?? `none: ${backupError?.Error ?? 'not taken'}`;
      return { ...known, state: 'begun' as const, begunAt: now, before, backupTakenAt: checkBackup.takeSnapshot.takenAt };
    });
    return { begunAt: there?.begunAt ?? now };
  },
});
