import * as z from 'zod';
import { requireUnsuspicious } from '#facts/backup-anomaly.ts';
import { TakenBackup } from '#model/backup.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

/**
 * Judges the backup that an update took in place of its first, as `begin-update` did with that one: written down in the cluster's index,
 * and one that lacks what was there before lets nothing more begin. Repeated, it writes nothing. @throws GateClosedError
 */
export const judgeBackup = defineStep({
  name: 'judge-backup',
  input: z.object({ cluster: ClusterRef, backup: TakenBackup }),
  output: z.object({ judged: z.string() }),
  async run({ cluster, backup }, { objects, clock }: Ports) {
    await requireUnsuspicious(objects, cluster.name, backup, clock.now());
    return { judged: backup.id };
  },
});
