import * as z from 'zod';
import { keys } from '#domain/names.ts';
import { claimOf } from '#domain/restore.ts';
import { readObject } from '#facts/stored.ts';
import { Versions } from '#model/configuration.ts';
import { GateClosedError } from '#model/errors.ts';
import { GitId, Sha256, Timestamp } from '#model/primitives.ts';
import { type ClusterRecord, StoredCluster } from '#model/records.ts';
import { RestoreRecord, RestoreRequest } from '#model/restore.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

/**
 * Claims a restore for this execution, durably and before anything else: whoever finds another's claim does nothing. A claim that
 * can't be read means no. Repeated by the same execution it answers what it answered.
 * @throws GateClosedError when the restore was claimed before, or the cluster is none that can be restored; InputError
 */
export const claimRestore = defineStep({
  name: 'claim-restore',
  input: z.object({ cluster: ClusterRef, restore: RestoreRequest, commit: GitId }),
  output: z.object({ dryRun: z.boolean(), claimedAt: Timestamp, render: z.object({ hash: Sha256, versions: Versions }) }),
  async run({ cluster, restore, commit }, { objects, clock }: Ports, { execution }) {
    const stored = await readObject(objects, keys.cluster(cluster.name), StoredCluster);
    if (stored === undefined || 'deleted' in stored || 'creating' in stored)
      throw new GateClosedError(`${cluster.name} was never whole or is deleted: there is no etcd to restore. Nothing was changed.`);
    if (stored.deleting !== undefined)
      throw new GateClosedError(`the deletion of ${cluster.name} has begun (${stored.deleting.execution}). Nothing was changed.`);
    const key = keys.restore(cluster.name, restore.id);
    const claim = claimOf({ cluster: cluster.name, restore, commit, execution, now: clock.now() });
    await objects.putIfAbsent(key, JSON.stringify(claim));
    const there = await readObject(objects, key, RestoreRecord);
    if (there?.execution !== execution)
      throw new GateClosedError(
        `the restore ${restore.id} of ${cluster.name} was begun by ${there?.execution ?? 'somebody'} at ${there?.claimedAt ?? 'some time'} (${there?.state ?? 'unknown'}), and each is done once. Nothing was changed. To restore again, merge another id.`,
      );
    return { dryRun: there.dryRun, claimedAt: there.claimedAt, render: { hash: stored.renderHash, versions: running(stored) } };
  },
});

/** What runs: of an update that was left half-way, with what it has begun. */
function running({ versions, updating }: ClusterRecord): Versions {
  if (updating === undefined) return versions;
  const { kubernetes, etcd } = updating.reached ?? updating.versions;
  return { ...versions, ...(kubernetes === undefined ? {} : { kubernetes }), ...(etcd === undefined ? {} : { etcd }) };
}
