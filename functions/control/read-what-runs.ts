import * as z from 'zod';
import { isUpToDate, settingsHash } from '#domain/waves.ts';
import { readRecord } from '#facts/fleet.ts';
import { Versions } from '#model/configuration.ts';
import { Revision, Sha256, Timestamp } from '#model/primitives.ts';
import type { ClusterRecord } from '#model/records.ts';
import { ClusterRef } from '#model/settings.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

/** What the cluster runs by its record, and whether that is what is wanted already. A cluster without a record is created. */
export const readWhatRuns = defineStep({
  name: 'read-what-runs',
  input: z.object({ cluster: ClusterRef, revision: Revision }),
  output: z.object({
    exists: z.boolean(),
    creation: z.boolean(),
    current: z.object({ revision: Revision, versions: Versions, settingsHash: Sha256, updatedAt: Timestamp }).nullable(),
    upToDate: z.boolean(),
    settingsHash: Sha256,
  }),
  async run({ cluster, revision }, { objects }: { objects: ObjectStore }) {
    const record = await readRecord(objects, cluster.name);
    const hash = settingsHash(cluster);
    return {
      exists: record !== undefined,
      creation: record === undefined,
      current: record === undefined ? null : currentOf(record),
      upToDate: isUpToDate(record, revision, hash),
      settingsHash: hash,
    };
  },
});

function currentOf({ revision, versions, settingsHash, updatedAt }: ClusterRecord) {
  return { revision, versions, settingsHash, updatedAt };
}
