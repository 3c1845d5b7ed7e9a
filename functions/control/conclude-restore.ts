import * as z from 'zod';
import { withoutComparison } from '#domain/backup-anomaly.ts';
import { caughtReason } from '#domain/caught.ts';
import { keys } from '#domain/names.ts';
import { claimOf } from '#domain/restore.ts';
import { restoreChecked, restoreDone, restoreFailed, restoreUnfinished } from '#domain/restore-text.ts';
import { changeObject } from '#facts/stored.ts';
import { BackupIndex, LayerVerdict } from '#model/backup-records.ts';
import { CheckRef } from '#model/checks.ts';
import { GitId, Timestamp } from '#model/primitives.ts';
import { StoredCluster } from '#model/records.ts';
import { RestoreRecord, RestoreRequest } from '#model/restore.ts';
import { CaughtState } from '#model/rollout.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Checks } from '#ports/checks.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly checks: Checks;
  readonly clock: Clock;
}

/** The record and the check are all that most people read. */
const OUTCOME_LIMIT = 1000;

const Input = z.object({
  outcome: z.enum(['restored', 'checked', 'failed']),
  cluster: ClusterRef,
  restore: RestoreRequest,
  commit: GitId,
  progress: CheckRef.nullable(),
  checkBackup: z.object({ takeSnapshot: z.object({ takenAt: Timestamp }) }).nullish(),
  proveSnapshot: z.object({ verdicts: z.array(LayerVerdict) }).nullish(),
  proveApi: z.object({ verdicts: z.array(LayerVerdict) }).nullish(),
  restoreMembers: z.object({ done: z.boolean(), reason: z.string() }).nullish(),
  reportDrift: z.object({ missing: z.int(), changed: z.int(), named: z.array(z.string()) }).nullish(),
  error: CaughtState.optional(),
});
type Input = z.infer<typeof Input>;

/**
 * Writes down what a restore came to, with what was lost and how long it took, and ends its check. A restored cluster's record says
 * so: its next update brings everything anew, since what was applied after the backup is gone. Repeated, it writes the same.
 */
export const concludeRestore = defineStep({
  name: 'conclude-restore',
  input: Input,
  output: z.object({ outcome: z.string(), rpoSeconds: z.number().nullable(), rtoSeconds: z.number().nullable() }),
  async run(input, { objects, checks, clock }: Ports, { execution }) {
    const { cluster, restore, outcome, progress } = input;
    const now = clock.now();
    const record = await changeObject(objects, keys.restore(cluster.name, restore.id), RestoreRecord, (known) => {
      // Whoever asks again asks with another id, also where it stopped before it had the claim.
      if (known === undefined) return ended(claimOf({ ...input, cluster: cluster.name, execution, now }), input, now);
      // Another's claim stays as it is; a repeated call keeps the first times.
      if (known.execution !== execution || known.endedAt !== undefined) return undefined;
      return ended(known, input, now);
    });
    const own = record?.execution === execution ? record : undefined;
    if (own?.begunAt !== undefined && own.state !== 'checked') await markRestored(objects, cluster.name, restore, own);
    if (progress !== null) {
      const text = textOf(input, own);
      await checks.want({ ref: progress, status: 'completed', ...text, execution });
    }
    return { outcome, rpoSeconds: own?.rpoSeconds ?? null, rtoSeconds: own?.rtoSeconds ?? null };
  },
});

function ended(known: RestoreRecord, { outcome, checkBackup, error }: Input, now: Date): RestoreRecord {
  const takenAt = known.backupTakenAt ?? checkBackup?.takeSnapshot.takenAt;
  const seconds = (from: string, until: string | Date): number => (new Date(until).getTime() - new Date(from).getTime()) / 1000;
  return {
    ...known,
    state: outcome,
    endedAt: now.toISOString(),
    ...(takenAt === undefined ? {} : { backupTakenAt: takenAt }),
    ...(takenAt === undefined || known.begunAt === undefined ? {} : { rpoSeconds: seconds(takenAt, known.begunAt) }),
    ...(outcome === 'restored' ? { rtoSeconds: seconds(known.claimedAt, now) } : {}),
    ...(error === undefined ? {} : { outcome: caughtReason(error, OUTCOME_LIMIT) }),
  };
}

/** From here on no update finds that there is nothing to do. */
async function markRestored(objects: ObjectStore, name: string, restore: RestoreRequest, { begunAt }: RestoreRecord): Promise<void> {
  await changeObject(objects, keys.cluster(name), StoredCluster, (known) => {
    if (known === undefined || 'deleted' in known || 'creating' in known || begunAt === undefined) return undefined;
    if (known.restored?.id === restore.id || new Date(known.updatedAt) > new Date(begunAt)) return undefined;
    return { ...known, restored: { id: restore.id, backup: restore.backup, at: begunAt } };
  });
  // The next backup is of another etcd cluster and lacks what came later: that is no reason for suspicion.
  await changeObject(objects, keys.backupIndex(name), BackupIndex, (known) => (known === undefined ? undefined : withoutComparison(known)));
}

function textOf(input: Input, record: RestoreRecord | undefined) {
  const { cluster, restore, outcome, error, proveSnapshot, proveApi, restoreMembers, reportDrift } = input;
  const verdicts = [...(proveSnapshot?.verdicts ?? []), ...(proveApi?.verdicts ?? [])];
  if (outcome === 'failed') {
    const reason = caughtReason(error, OUTCOME_LIMIT);
    const whole = restoreMembers?.done === true || record?.state === 'restored';
    return whole ? restoreUnfinished(cluster.name, restore, reason) : restoreFailed(cluster.name, restore, record, reason);
  }
  if (outcome === 'checked') return restoreChecked(cluster.name, restore, verdicts);
  return restoreDone(cluster.name, restore, record, { members: restoreMembers?.reason ?? '', drift: reportDrift ?? undefined });
}
