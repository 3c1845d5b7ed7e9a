import * as z from 'zod';
import { LEASE_SECONDS } from '#domain/lease.ts';
import { takeLock } from '#facts/lock.ts';
import { LockHeldError } from '#model/errors.ts';
import { Timestamp } from '#model/primitives.ts';
import { ClusterRef } from '#model/settings.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

/**
 * Takes the cluster's lock for this execution: one conditional write, a lease by the store's clock, a fencing number
 * that only grows. The same execution again renews. @throws LockHeldError naming the holder and until when
 */
export const lock = defineStep({
  name: 'lock',
  input: z.object({ cluster: ClusterRef }),
  output: z.object({ fence: z.int().min(1), expiresAt: Timestamp }),
  async run({ cluster }, { objects }: { objects: ObjectStore }, { execution }) {
    const held = await takeLock(objects, cluster.name, execution, LEASE_SECONDS);
    if (held.outcome === 'taken') return { fence: held.lock.fence, expiresAt: held.lock.expiresAt };
    throw new LockHeldError(`${cluster.name} is being changed by ${held.holder}, whose lease runs until ${held.until}`);
  },
});
