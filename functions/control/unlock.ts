import * as z from 'zod';
import { releaseLock } from '#facts/lock.ts';
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
