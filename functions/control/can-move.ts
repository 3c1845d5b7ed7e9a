import * as z from 'zod';
import { keys } from '#domain/names.ts';
import { readObject } from '#facts/stored.ts';
import { requireMove } from '#facts/version-move.ts';
import { Versions } from '#model/configuration.ts';
import { Revision, Sha256 } from '#model/primitives.ts';
import { StoredCluster } from '#model/records.ts';
import { ClusterRef } from '#model/settings.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

/**
 * Asks, before anything is changed, whether the cluster may go from what it runs to what was rendered, by its record. Pull
 * requests are asked the same, but a hold, a force-push or a revert comes here without one. `begin-update` asks once more, with
 * what the cluster itself has told by then. @throws GateClosedError
 */
export const canMove = defineStep({
  name: 'can-move',
  input: z.object({ cluster: ClusterRef, revision: Revision, render: z.object({ hash: Sha256, versions: Versions }) }),
  output: z.object({ movable: z.literal(true) }),
  async run({ cluster, revision, render }, { objects }: { objects: ObjectStore }) {
    const stored = await readObject(objects, keys.cluster(cluster.name), StoredCluster);
    await requireMove(objects, cluster.name, stored, { revision, ...render }, 'recorded');
    return { movable: true as const };
  },
});
