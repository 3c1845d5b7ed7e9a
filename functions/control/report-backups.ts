import * as z from 'zod';
import { openSuspicion } from '#domain/backup-anomaly.ts';
import { historyOf } from '#domain/backup-index.ts';
import { durationSeconds } from '#domain/duration.ts';
import { keys } from '#domain/names.ts';
import { readRecords, readSettings } from '#facts/fleet.ts';
import { attempt } from '#facts/known.ts';
import { readObject } from '#facts/stored.ts';
import { BackupIndex } from '#model/backup-records.ts';
import { NewestSettings } from '#model/rollout.ts';
import type { Clock } from '#ports/clock.ts';
import type { Metrics } from '#ports/metrics.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

/** Clusters that are named in the output; the metrics have all of them. */
const NAMED = 20;

const DAY_MILLISECONDS = 86_400_000;

/**
 * Tells how old each cluster's newest proven backup is, as metrics: in seconds, and in intervals of its channel. A cluster without
 * any counts from its creation. Beside that in how many days the first certificate of its identity ends, below 0 when it has. `BackupRuns` is the heartbeat: where it is missing nothing looks after backups.
 */
export const reportBackups = defineStep({
  name: 'report-backups',
  input: z.object({}),
  output: z.object({ clusters: z.int(), oldestIntervals: z.number(), overdue: z.array(z.string()) }),
  async run(_, { objects, clock, metrics }: { objects: ObjectStore; clock: Clock; metrics: Metrics }) {
    const now = clock.now().getTime();
    const newest = await readObject(objects, keys.newestSettings(), NewestSettings);
    const channels = newest === undefined ? [] : (await readSettings(objects, newest.commit)).channels;
    const ages: {
      readonly cluster: string;
      readonly intervals: number;
      readonly failures: number;
      readonly unclear: boolean;
      readonly notCopied: boolean;
      readonly suspicious: boolean;
      readonly days: number | undefined;
    }[] = [];
    for (const channel of channels) {
      const interval = durationSeconds(channel.backup.interval);
      const records = await readRecords(
        objects,
        channel.clusters.map(({ name }) => name),
      );
      for (const [cluster, record] of records) {
        if (record.deleting !== undefined) continue;
        const read = await attempt(
          `the backups of ${cluster}`,
          async () => (await readObject(objects, keys.backupIndex(cluster), BackupIndex)) ?? null,
        );
        const index = read.known ? (read.value ?? undefined) : undefined;
        const { newestProven, newestDrilled, failures } = historyOf(index);
        const created = new Date(record.startedAt ?? record.updatedAt).getTime();
        const age = (time: Date | undefined): number => Math.max(0, (now - (time?.getTime() ?? created)) / 1000);
        const intervals = age(newestProven) / interval;
        const suspicious = index !== undefined && openSuspicion(index, channel.backup.acknowledged, clock.now()) !== undefined;
        const { result, failures: notRemoved = 0 } = index?.removal ?? {};
        const days = record.identityExpires === undefined ? undefined : (Date.parse(record.identityExpires) - now) / DAY_MILLISECONDS;
        ages.push({
          cluster,
          intervals,
          failures,
          unclear: notRemoved > 0 || (result?.unclear ?? 0) > 0,
          notCopied: isNotCopied(index?.copy),
          suspicious,
          days,
        });
        metrics.put({ Cluster: cluster, Channel: channel.channel }, [
          { name: 'ProvenBackupAge', value: age(newestProven), unit: 'Seconds' },
          { name: 'DrilledBackupAge', value: age(newestDrilled), unit: 'Seconds' },
          { name: 'BackupFailures', value: failures, unit: 'Count' },
          { name: 'BackupSuspicious', value: suspicious ? 1 : 0, unit: 'Count' },
          ...(index?.bytes == null ? [] : [{ name: 'BackupBytes', value: index.bytes, unit: 'Bytes' as const }]),
          ...(index?.seconds == null ? [] : [{ name: 'BackupSeconds', value: index.seconds, unit: 'Seconds' as const }]),
          ...(result == null
            ? []
            : [
                { name: 'StoredBackups', value: result.kept, unit: 'Count' as const },
                { name: 'StoredBackupBytes', value: result.keptBytes, unit: 'Bytes' as const },
                { name: 'UnclearBackups', value: result.unclear, unit: 'Count' as const },
              ]),
          ...(index?.copy?.result?.wanted === true
            ? [{ name: 'BackupsNotCopied', value: index.copy.result.missing, unit: 'Count' as const }]
            : []),
          { name: 'BackupRemovalFailures', value: notRemoved, unit: 'Count' },
          ...(days === undefined ? [] : [{ name: 'IdentityDaysLeft', value: days, unit: 'None' as const }]),
        ]);
      }
    }
    const ends = ages.flatMap(({ days }) => days ?? []);
    const oldest = Math.max(0, ...ages.map(({ intervals }) => intervals));
    metrics.put({}, [
      { name: 'BackupRuns', value: 1, unit: 'Count' },
      { name: 'OldestProvenBackupIntervals', value: oldest, unit: 'None' },
      { name: 'ClustersWithUnclearBackups', value: ages.filter(({ unclear }) => unclear).length, unit: 'Count' },
      { name: 'ClustersWithFailedCopies', value: ages.filter(({ notCopied }) => notCopied).length, unit: 'Count' },
      { name: 'ClustersWithFailedBackups', value: ages.filter(({ failures }) => failures > 0).length, unit: 'Count' },
      { name: 'ClustersWithSuspiciousBackups', value: ages.filter(({ suspicious }) => suspicious).length, unit: 'Count' },
      ...(ends.length === 0 ? [] : [{ name: 'FirstIdentityDaysLeft', value: Math.min(...ends), unit: 'None' as const }]),
    ]);
    const overdue = ages.filter(({ intervals }) => intervals > 2).map(({ cluster }) => cluster);
    return { clusters: ages.length, oldestIntervals: Math.round(oldest * 100) / 100, overdue: overdue.slice(0, NAMED) };
  },
});

/** Those of days before the second bucket was wanted follow a few a day: that they are missing is no fault. */
function isNotCopied(copy: BackupIndex['copy']): boolean {
  return copy !== undefined && (copy.failures > 0 || (copy.result?.told.length ?? 0) > 0);
}
