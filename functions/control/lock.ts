import * as z from 'zod';
import { handOver, LEASE_SECONDS } from '#domain/lease.ts';
import { keys } from '#domain/names.ts';
import { releaseLock, takeLock } from '#facts/lock.ts';
import { changeObject } from '#facts/stored.ts';
import { CancelledError, LockHeldError } from '#model/errors.ts';
import { Timestamp } from '#model/primitives.ts';
import { Lock } from '#model/records.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Executions } from '#ports/executions.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly executions: Executions;
}

/** Machines that take a cluster's lock. */
const HOLDERS = ['update-cluster', 'delete-cluster', 'release-cluster', 'restore-cluster'] as const;

/**
 * Takes the cluster's lock for this execution: one conditional write, a lease by the store's clock, a fencing number
 * that only grows. The same execution again renews. From an execution that has ended it is taken at once: its clean-up was
 * lost, and the greater number stops what of it is still under way. A call that comes when its own execution has ended keeps
 * nothing: nobody would free the lock.
 * @throws LockHeldError naming the holder and until when; CancelledError when the execution has ended
 */
export const lock = defineStep({
  name: 'lock',
  input: z.object({ cluster: ClusterRef }),
  output: z.object({ fence: z.int().min(1), expiresAt: Timestamp }),
  async run({ cluster }, { objects, executions }: Ports, { execution }) {
    const held = await takeLock(objects, cluster.name, execution, LEASE_SECONDS);
    if (held.outcome === 'taken') {
      if (!(await hasEnded(execution, executions))) return { fence: held.lock.fence, expiresAt: held.lock.expiresAt };
      await releaseLock(objects, cluster.name, execution);
      throw new CancelledError(`${execution} has ended: a late call of it takes no lock`);
    }
    if (await hasEnded(held.holder, executions)) {
      const now = await objects.now();
      const there = await changeObject(objects, keys.lock(cluster.name), Lock, (known) => handOver(known, held.holder, execution, now));
      if (there?.holder === execution) return { fence: there.fence, expiresAt: there.expiresAt };
    }
    throw new LockHeldError(`${cluster.name} is being changed by ${held.holder}, whose lease runs until ${held.until}`);
  },
});

/** False for one that nobody knows: then only the end of its lease frees the lock. */
async function hasEnded(holder: string, executions: Executions): Promise<boolean> {
  const found = await Promise.all(HOLDERS.map((machine) => executions.describe(machine, holder)));
  const known = found.filter((one) => one !== undefined);
  return known.length > 0 && known.every(({ status }) => status !== 'RUNNING');
}
