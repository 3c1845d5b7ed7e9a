import { anomalyGate, DEFAULT_LIMITS, type Judgement, withJudged } from '#domain/backup-anomaly.ts';
import { emptyIndex, type ProvenBackup, takenAtOf, withProven } from '#domain/backup-index.ts';
import { keys } from '#domain/names.ts';
import type { TakenBackup } from '#model/backup.ts';
import { type BackupContent, BackupIndex } from '#model/backup-records.ts';
import { GateClosedError, InputError } from '#model/errors.ts';
import { NewestSettings } from '#model/rollout.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { readSettings } from './fleet.ts';
import { attempt } from './known.ts';
import { changeObject, readObject } from './stored.ts';

/**
 * How backups of a cluster are judged, by the newest settings. Where these can't be read, or name no such cluster (one of an e2e
 * run), the defaults hold and nothing is acknowledged.
 */
async function readJudgement(objects: ObjectStore, cluster: string, now: Date): Promise<Judgement> {
  const read = await attempt('the settings', async () => {
    const newest = await readObject(objects, keys.newestSettings(), NewestSettings);
    return newest === undefined ? [] : (await readSettings(objects, newest.commit)).channels;
  });
  const channels = read.known ? read.value : [];
  const channel = channels.find(({ clusters }) => clusters.some(({ name }) => name === cluster));
  return { limits: channel?.backup.anomaly ?? DEFAULT_LIMITS, acknowledged: channel?.backup.acknowledged ?? [], now };
}

/** What of a backup the next are compared with. @throws InputError when its id tells no time */
function contentOf({ id, revision, clusterId, file }: TakenBackup): BackupContent {
  return { id, takenAt: timeOf(id).toISOString(), revision, clusterId, usedBytes: file.usedBytes ?? null, counts: file.counts };
}

function timeOf(id: string): Date {
  const takenAt = takenAtOf(id);
  if (takenAt === undefined) throw new InputError(`a proven backup has an id of its time; this one is ${id}`);
  return takenAt;
}

/**
 * Writes a proven backup down in its cluster's index, judged against those before. Repeated, it changes nothing.
 * @param seconds that it took; null where nobody has told
 * @throws InputError when the index can't be read, or the id is none
 */
export async function noteProven(
  objects: ObjectStore,
  cluster: string,
  backup: TakenBackup,
  more: { readonly drilled: boolean; readonly seconds: number | null; readonly now: Date },
): Promise<BackupIndex> {
  const { drilled, seconds, now } = more;
  const proven: ProvenBackup = { id: backup.id, takenAt: timeOf(backup.id), drilled, bytes: backup.bytes, seconds };
  const judgement = await readJudgement(objects, cluster, now);
  const index = await changeObject(objects, keys.backupIndex(cluster), BackupIndex, (known) =>
    withJudged(withProven(known ?? emptyIndex(cluster), proven), contentOf(backup), judgement),
  );
  return index ?? emptyIndex(cluster);
}

/**
 * Before an update changes anything: its own backup is written down and judged, and the gate asked. What can't be read shuts it.
 * @throws GateClosedError with what is missing and what to do
 */
export async function requireUnsuspicious(objects: ObjectStore, cluster: string, backup: TakenBackup, now: Date): Promise<void> {
  const { acknowledged } = await readJudgement(objects, cluster, now);
  const index = await attempt(`the backups of ${cluster}`, () =>
    noteProven(objects, cluster, backup, { drilled: true, seconds: null, now }),
  );
  const gate = anomalyGate(index, acknowledged, now);
  if (!gate.open) throw new GateClosedError(`${cluster} is not changed: ${gate.reason}`);
}
