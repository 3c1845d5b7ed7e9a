import * as z from 'zod';
import { emptyIndex, takenAtOf, withProven } from '#domain/backup-index.ts';
import { keys } from '#domain/names.ts';
import { partHashes } from '#domain/part-hashes.ts';
import { settingsHash } from '#domain/waves.ts';
import { requireLock } from '#facts/lock.ts';
import { changeObject, readObject } from '#facts/stored.ts';
import { BackupIndex } from '#model/backup-records.ts';
import { Versions } from '#model/configuration.ts';
import { InputError } from '#model/errors.ts';
import { Revision, Sha256, Timestamp } from '#model/primitives.ts';
import { ApiGap, Deferred, ForcedDeletion } from '#model/progress.ts';
import { type ClusterRecord, StoredCluster, type UpdateCause } from '#model/records.ts';
import { Render } from '#model/render.ts';
import { RolloutInputs } from '#model/rollout.ts';

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
  revision: Revision.optional(),
  render: z.object({ hash: Sha256, versions: Versions }).optional(),
  rolloutId: z.string().nullish(),
  backup: z.object({ id: z.string() }).nullish(),
  rollControlPlane: z.object({ api: ApiGap }).nullish(),
  issueIdentity: z.object({ expires: Timestamp }).optional(),
  lock: z.object({ fence: z.int() }),
  rollNodePools: z.object({ deferred: Deferred.nullish(), forced: z.array(ForcedDeletion).nullish() }).nullish(),
  /** Set by `delete-cluster`. */
  deleted: z.boolean().default(false),
  startedAt: Timestamp.optional(),
});

/**
 * Writes what the cluster runs now (with which no update is under way any more), or that it is deleted. Only the holder of the cluster's lock may, with the fencing
 * number it was given: an execution that lost its lease must not overwrite a newer result. Repeated, it writes nothing.
 * @throws LockHeldError, InputError
 */
export const record = defineStep({
  name: 'record',
  input: Input,
  output: z.object({ written: z.boolean() }),
  async run(input, { objects, clock }: Ports, { execution }) {
    const at = clock.now().toISOString();
    const wanted = input.deleted ? undefined : await clusterRecord(input, execution, at, objects);
    let written = false;
    await changeObject(objects, keys.cluster(input.cluster.name), StoredCluster, async (known) => {
      written = false;
      const ended = known === undefined || 'creating' in known || ('updating' in known && known.updating !== undefined) ? undefined : known;
      if (ended?.execution === execution && 'deleted' in ended === input.deleted) return undefined;
      await requireLock(objects, input.cluster.name, execution, input.lock.fence);
      written = true;
      if (wanted !== undefined) return wanted;
      const revision = known === undefined || 'creating' in known ? null : known.revision;
      return { deleted: true as const, name: input.cluster.name, revision, execution, deletedAt: at };
    });
    if (!input.deleted) await noteBackup(input, objects);
    return { written };
  },
});

/** The backup that the update began with counts for the schedule, which need not take another one so soon. */
async function noteBackup({ cluster, backup }: z.infer<typeof Input>, objects: ObjectStore): Promise<void> {
  const takenAt = takenAtOf(backup?.id ?? '');
  if (backup == null || takenAt === undefined) return;
  const taken = { id: backup.id, takenAt, drilled: true, bytes: null, seconds: null };
  await changeObject(objects, keys.backupIndex(cluster.name), BackupIndex, (known) => withProven(known ?? emptyIndex(cluster.name), taken));
}

async function clusterRecord(
  input: z.infer<typeof Input>,
  execution: string,
  updatedAt: string,
  objects: ObjectStore,
): Promise<ClusterRecord> {
  const { cluster, revision, render, rolloutId, backup, startedAt, rollControlPlane, rollNodePools, issueIdentity } = input;
  const nodesLater = rollNodePools?.deferred ?? undefined;
  const forced = rollNodePools?.forced ?? [];
  if (revision === undefined || render === undefined) throw new InputError('a record needs the revision and the render of the update');
  // What ran is recorded whether or not its parts can be told.
  const rendered = await readObject(objects, keys.render(render.hash), Render);
  return {
    cluster,
    revision,
    settingsHash: settingsHash(cluster),
    renderHash: render.hash,
    versions: render.versions,
    execution,
    rollout: rolloutId ?? null,
    backup: backup?.id ?? null,
    updatedAt,
    ...(startedAt === undefined ? {} : { startedAt }),
    cause: rolloutId == null ? null : await causeOf(rolloutId, objects),
    ...(rendered === undefined ? {} : { parts: partHashes(rendered) }),
    ...(rollControlPlane == null ? {} : { api: rollControlPlane.api }),
    ...(nodesLater === undefined ? {} : { nodesLater }),
    ...(forced.length === 0 ? {} : { forced }),
    ...(issueIdentity === undefined ? {} : { identityExpires: issueIdentity.expires }),
  };
}

/** The merge that the rollout goes by; null when the rollout is not known. */
async function causeOf(rolloutId: string, objects: ObjectStore): Promise<UpdateCause | null> {
  const inputs = await readObject(objects, keys.rollout(rolloutId, 'inputs'), RolloutInputs);
  if (inputs === undefined) return null;
  const { commit, mergedPullRequest, mergedBy } = inputs.resolved;
  return { commit, pullRequest: mergedPullRequest, mergedBy };
}
