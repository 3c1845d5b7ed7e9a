import * as z from 'zod';
import { type DueBackup, dueBackups } from '#domain/backup-due.ts';
import { historyOf } from '#domain/backup-index.ts';
import { durationSeconds } from '#domain/duration.ts';
import { keys } from '#domain/names.ts';
import { clusterRef } from '#domain/waves.ts';
import { readRecords, readSettings } from '#facts/fleet.ts';
import { attempt } from '#facts/known.ts';
import { readObject } from '#facts/stored.ts';
import { ExecutionName } from '#model/primitives.ts';
import { BackupIndex } from '#model/records.ts';
import { NewestSettings } from '#model/rollout.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

/** Of one look: with 300 bytes each they fit into a state's data; the others are found by the next look, minutes later. */
const MOST = 80;

const Item = z.object({ cluster: ClusterRef, drill: z.boolean(), executionName: ExecutionName });

/**
 * Which clusters are to be backed up now, by the interval of their channel. Clusters that are not there yet, or are being
 * deleted, are left alone. A cluster whose index can't be read is named, and does not hold up the others.
 * @throws NotFoundError, InputError when the settings can't be read
 */
export const findDueBackups = defineStep({
  name: 'find-due-backups',
  input: z.object({}),
  output: z.object({ items: z.array(Item), found: z.int(), clusters: z.int(), unreadable: z.array(z.string()) }),
  async run(_, { objects, clock }: { objects: ObjectStore; clock: Clock }) {
    const newest = await readObject(objects, keys.newestSettings(), NewestSettings);
    // Before the first rollout there is no cluster.
    if (newest === undefined) return { items: [], found: 0, clusters: 0, unreadable: [] };
    const { channels } = await readSettings(objects, newest.commit);
    const refs = new Map<string, ClusterRef>();
    const unreadable: string[] = [];
    const due: (DueBackup & { readonly since: number })[] = [];
    for (const channel of channels) {
      const records = await readRecords(
        objects,
        channel.clusters.map(({ name }) => name),
      );
      const intervalSeconds = durationSeconds(channel.backup.interval);
      for (const entry of channel.clusters) {
        const record = records.get(entry.name);
        if (record === undefined || record.deleting !== undefined) continue;
        refs.set(entry.name, clusterRef(entry, channel));
        const index = await attempt(
          `the backups of ${entry.name}`,
          async () => (await readObject(objects, keys.backupIndex(entry.name), BackupIndex)) ?? null,
        );
        if (!index.known) unreadable.push(entry.name);
        // Nothing is known of its backups: one more is better than none.
        const history = historyOf(index.known ? (index.value ?? undefined) : undefined);
        const since = history.newestProven?.getTime() ?? 0;
        due.push(...dueBackups([{ cluster: entry.name, intervalSeconds, history }], clock.now()).map((one) => ({ ...one, since })));
      }
    }
    // Who waits longest comes first.
    due.sort((left, right) => left.since - right.since);
    const items = due.slice(0, MOST).flatMap(({ cluster, drill, slot }) => {
      const ref = refs.get(cluster);
      return ref === undefined ? [] : [{ cluster: ref, drill, executionName: `scheduled-${cluster}-${slot}` }];
    });
    return { items, found: due.length, clusters: refs.size, unreadable };
  },
});
