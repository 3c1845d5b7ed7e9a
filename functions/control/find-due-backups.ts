import * as z from 'zod';
import { dueBackups } from '#domain/backup-due.ts';
import { historyOf } from '#domain/backup-index.ts';
import { durationSeconds } from '#domain/duration.ts';
import { SCHEDULED } from '#domain/hash-proof.ts';
import { keys } from '#domain/names.ts';
import { clusterRef } from '#domain/waves.ts';
import { readRecords, readSettings } from '#facts/fleet.ts';
import { attempt } from '#facts/known.ts';
import { readObject } from '#facts/stored.ts';
import { BackupIndex } from '#model/backup-records.ts';
import { ExecutionName } from '#model/primitives.ts';
import { NewestSettings } from '#model/rollout.ts';
import { type ChannelFile, ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { Executions } from '#ports/executions.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

/** Of one look: with 300 bytes each they fit into a state's data; the others are found by the next look, minutes later. */
const MOST = 90;

interface Ports {
  readonly objects: ObjectStore;
  readonly executions: Executions;
  readonly clock: Clock;
}

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
  async run(_, { objects, executions, clock }: Ports) {
    const newest = await readObject(objects, keys.newestSettings(), NewestSettings);
    // Before the first rollout there is no cluster.
    if (newest === undefined) return { items: [], found: 0, clusters: 0, unreadable: [] };
    const { channels } = await readSettings(objects, newest.commit);
    const looked = await Promise.all(channels.map((channel) => lookAt(channel, objects, clock.now())));
    const clusters = looked.flat();
    const due = clusters.flatMap(({ due: one }) => one);
    const unreadable = clusters.filter(({ known }) => !known).map(({ name }) => name);
    // Who waits longest comes first.
    due.sort((left, right) => left.since - right.since);
    const items: z.infer<typeof Item>[] = [];
    for (const { cluster, drill, slot } of due) {
      if (items.length === MOST) break;
      const executionName = `${SCHEDULED}${cluster.name}-${slot}`;
      // One that is under way takes no place from those that wait.
      if ((await executions.describe('backup-etcd', executionName))?.status === 'RUNNING') continue;
      items.push({ cluster, drill, executionName });
    }
    return { items, found: items.length, clusters: clusters.length, unreadable };
  },
});

/** Each cluster of a channel that is there and stays, and what is due of it. */
async function lookAt(channel: ChannelFile, objects: ObjectStore, now: Date) {
  const names = channel.clusters.map(({ name }) => name);
  const records = await readRecords(objects, names);
  const intervalSeconds = durationSeconds(channel.backup.interval);
  const there = channel.clusters.filter(({ name }) => records.get(name)?.deleting === undefined && records.has(name));
  return Promise.all(
    there.map(async (entry) => {
      const { name } = entry;
      const index = await attempt(
        `the backups of ${name}`,
        async () => (await readObject(objects, keys.backupIndex(name), BackupIndex)) ?? null,
      );
      // Nothing is known of its backups: one more is better than none.
      const history = historyOf(index.known ? (index.value ?? undefined) : undefined);
      const since = history.newestProven?.getTime() ?? 0;
      const record = records.get(name);
      const created = new Date(record?.startedAt ?? record?.updatedAt ?? 0);
      const found = dueBackups([{ cluster: name, intervalSeconds, created, history }], now);
      return { name, known: index.known, due: found.map((one) => ({ ...one, cluster: clusterRef(entry, channel), since })) };
    }),
  );
}
