import * as z from 'zod';
import { free } from '#domain/lease.ts';
import { keys } from '#domain/names.ts';
import { changeObject } from '#facts/stored.ts';
import { Lock } from '#model/records.ts';
import { ClusterRef } from '#model/settings.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

/** Marks the cluster's lock free if this execution holds it; another's lock is left alone. Safe to repeat. */
export const unlock = defineStep({
  name: 'unlock',
  input: z.object({ cluster: ClusterRef }),
  output: z.object({ released: z.boolean() }),
  async run({ cluster }, { objects }: { objects: ObjectStore }, { execution }) {
    return { released: await releaseLock(objects, cluster.name, execution) };
  },
});

/** True when the lock was this holder's and is free now. @throws ConflictError */
export async function releaseLock(objects: ObjectStore, subject: string, holder: string): Promise<boolean> {
  let released = false;
  await changeObject(objects, keys.lock(subject), Lock, (known) => {
    const freed = free(known, holder);
    released = freed !== undefined;
    return freed;
  });
  return released;
}
