import * as z from 'zod';
import { readSettings } from '#facts/fleet.ts';
import { releaseLock } from '#facts/lock.ts';
import { GitId } from '#model/primitives.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { slotSubject, slotsOf } from './claim-slot.ts';

/**
 * Frees the e2e account that this execution holds. It looks at all of them, since the answer of `claim-slot` may have
 * been lost. Repeated, or without a claim, there is nothing to free.
 */
export const releaseSlot = defineStep({
  name: 'release-slot',
  input: z.object({
    readPullRequest: z.object({ channel: z.string().nullable() }),
    snapshotConfiguration: z.object({ headSettingsCommit: GitId }),
  }),
  output: z.object({ released: z.boolean() }),
  async run({ readPullRequest, snapshotConfiguration }, { objects }: { objects: ObjectStore }, { execution }) {
    const settings = await readSettings(objects, snapshotConfiguration.headSettingsCommit);
    let released = false;
    for (const slot of slotsOf(settings, readPullRequest.channel)) {
      released = (await releaseLock(objects, slotSubject(slot), execution)) || released;
    }
    return { released };
  },
});
