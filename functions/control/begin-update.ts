import * as z from 'zod';
import { notedBefore } from '#domain/health.ts';
import { keys } from '#domain/names.ts';
import { settingsHash } from '#domain/waves.ts';
import { requireUnsuspicious } from '#facts/backup-anomaly.ts';
import { requireLock } from '#facts/lock.ts';
import { changeObject } from '#facts/stored.ts';
import { requireMove } from '#facts/version-move.ts';
import { TakenBackup } from '#model/backup.ts';
import { Versions } from '#model/configuration.ts';
import { Health } from '#model/health.ts';
import { Revision, Sha256 } from '#model/primitives.ts';
import { type Reached, StoredCluster } from '#model/records.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

/**
 * Notes in the cluster's record that it is about to be changed, by whom and to what. If the update does not end, the
 * cluster is not at its recorded revision any more, and the next update to that one is work to do. `record` takes the
 * note away. Before that its backup is judged: one that lacks what was there before lets nothing begin. Repeated, it writes
 * nothing. @throws GateClosedError, LockHeldError
 */
export const beginUpdate = defineStep({
  name: 'begin-update',
  input: z.object({
    cluster: ClusterRef,
    revision: Revision,
    render: z.object({ hash: Sha256, versions: Versions }),
    lock: z.object({ fence: z.int() }),
    /** Whether the cluster itself was asked for what it has stored. */
    checkMove: z.object({ reachable: z.boolean() }),
    /** The backup that the update took; absent for a cluster that is created. */
    backup: TakenBackup.nullish(),
    /** What the look before the update found; absent for a cluster that is created. */
    checkHealth: z.object({ before: Health.optional() }).optional(),
  }),
  output: z.object({ written: z.boolean(), notWell: z.array(z.string()).nullable() }),
  async run({ cluster, revision, render, lock, checkMove, backup, checkHealth }, { objects, clock }: Ports, { execution }) {
    const updating = {
      execution,
      revision,
      settingsHash: settingsHash(cluster),
      renderHash: render.hash,
      versions: render.versions,
      since: clock.now().toISOString(),
    };
    if (backup != null) await requireUnsuspicious(objects, cluster.name, backup, clock.now());
    let written = false;
    const look = checkHealth?.before;
    let notWell = look === undefined ? undefined : notedBefore(look);
    await changeObject(objects, keys.cluster(cluster.name), StoredCluster, async (known) => {
      written = false;
      const earlier = known === undefined || 'deleted' in known ? undefined : known.updating;
      // What the same render met before its first try is what is known of it: what that try broke does not become older by trying again.
      if (earlier?.renderHash === render.hash) notWell = earlier.notWell ?? notWell;
      if (earlier?.execution === execution) return undefined;
      await requireMove(objects, cluster.name, known, { revision, ...render }, checkMove.reachable ? 'none' : 'all');
      await requireLock(objects, cluster.name, execution, lock.fence);
      written = true;
      const begun = { ...updating, reached: reachedBefore(known), ...(notWell === undefined ? {} : { notWell }) };
      if (known === undefined || 'deleted' in known || 'creating' in known) return { creating: true as const, cluster, updating: begun };
      return { ...known, updating: begun };
    });
    return { written, notWell: notWell ?? null };
  },
});

/** What updates before this one had begun with and not ended. */
function reachedBefore(known: StoredCluster | undefined): Reached {
  const updating = known === undefined || 'deleted' in known ? undefined : known.updating;
  if (updating === undefined) return {};
  const { kubernetes, etcd } = updating.versions;
  return updating.reached ?? { kubernetes, etcd };
}
