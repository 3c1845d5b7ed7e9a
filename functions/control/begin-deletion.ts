import * as z from 'zod';
import { keys } from '#domain/names.ts';
import { deletionExemption } from '#facts/deletion-exemption.ts';
import { requireLock } from '#facts/lock.ts';
import { changeObject, readObject } from '#facts/stored.ts';
import { StoredCluster } from '#model/records.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

/**
 * Before a deletion changes anything: does it need a last backup, and once that is there, a note in the cluster's record that
 * it has begun. A deletion that goes on after that needs no backup, since etcd may be gone; and no update begins any more.
 * An e2e cluster, one that was never whole and one whose etcd is gone by a merged line need none (deletion-exemption.ts).
 * Repeated, it writes nothing. @throws LockHeldError, InputError when the input's cluster is not the recorded one
 */
export const beginDeletion = defineStep({
  name: 'begin-deletion',
  input: z.object({
    cluster: ClusterRef,
    purpose: z.string(),
    lock: z.object({ fence: z.int() }),
    backup: z.object({ id: z.string() }).nullish(),
  }),
  /** `reason`: why it needs none, or that it is there. */
  output: z.object({ backupNeeded: z.boolean(), reason: z.string() }),
  async run({ cluster, purpose, lock, backup }, { objects, clock }: Ports, { execution }) {
    const key = keys.cluster(cluster.name);
    const stored = await readObject(objects, key, StoredCluster);
    const why = await deletionExemption(objects, cluster, stored, { purpose, now: clock.now() });
    const id = backup?.id ?? null;
    if (id === null && why === undefined) return { backupNeeded: true, reason: 'its last backup is to be taken' };
    const deleting = { execution, since: clock.now().toISOString(), backup: id, ...(why === undefined ? {} : { why }) };
    await changeObject(objects, key, StoredCluster, async (known) => {
      if (known === undefined || 'deleted' in known || 'creating' in known || known.deleting !== undefined) return undefined;
      await requireLock(objects, cluster.name, execution, lock.fence);
      return { ...known, deleting };
    });
    return { backupNeeded: false, reason: why ?? `its last backup is ${id}` };
  },
});
