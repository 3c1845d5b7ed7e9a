import { keys } from '#domain/names.ts';
import { readProof, readRecord, readSettings } from '#facts/fleet.ts';
import { attempt } from '#facts/known.ts';
import { readObject } from '#facts/stored.ts';
import { BackupIndex } from '#model/backup-records.ts';
import { NotFoundError } from '#model/errors.ts';
import type { BackupChanges } from '#model/removal.ts';
import { NewestRollout, NewestSettings } from '#model/rollout.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { ObjectStore } from '#ports/objects.ts';

/** The steps that are told for which changes backups may be needed. */
export const TOLD_CHANGES: readonly string[] = ['remove-backups', 'copy-backups'];

/**
 * Which changes of a cluster have begun and not ended, as its channel's newest rollout and its own record tell it: what removes
 * backups runs in the cluster's account and can't read them. A rollout counts as not ended until it is proven or a newer one took
 * its place. Null when something can't be read: then every backup stays.
 */
export async function backupChanges(cluster: ClusterRef, objects: ObjectStore): Promise<BackupChanges | null> {
  const read = await attempt(`the changes of ${cluster.name}`, () => readChanges(cluster, objects));
  return read.known ? read.value : null;
}

async function readChanges(cluster: ClusterRef, objects: ObjectStore): Promise<BackupChanges> {
  const settings = await readObject(objects, keys.newestSettings(), NewestSettings);
  if (settings === undefined) throw new NotFoundError('no settings are known yet');
  const { channels } = await readSettings(objects, settings.commit);
  const channel = channels.find((one) => one.channel === cluster.channel);
  if (channel === undefined) throw new NotFoundError(`there is no channel ${cluster.channel}`);
  const [rollout, record, index] = await Promise.all([
    readObject(objects, keys.newestRollout(cluster.channel), NewestRollout),
    readRecord(objects, cluster.name),
    readObject(objects, keys.backupIndex(cluster.name), BackupIndex),
  ]);
  const suspicion = index?.suspicious ?? undefined;
  const restored = channel.clusters.find(({ name }) => name === cluster.name)?.restore?.backup;
  const proof = rollout === undefined ? undefined : await readProof(objects, cluster.channel, rollout.revision);
  const rolling = rollout === undefined || proof?.rollout === rollout.rolloutId ? [] : [rollout.revision];
  const updating = record?.updating === undefined ? [] : [record.updating.revision];
  return {
    holdDays: channel.backup.holdDays,
    open: [...new Set([...rolling, ...updating])],
    ended: proof === undefined ? {} : { [proof.revision]: proof.finishedAt },
    suspicious: [],
    ...(suspicion === undefined ? {} : { suspiciousFrom: suspicion.content.id }),
    held: [...(suspicion === undefined ? [] : [suspicion.comparedWith]), ...(restored === undefined ? [] : [restored])],
  };
}
