import * as z from 'zod';
import { secretIds } from '#domain/names.ts';
import { RefusedError } from '#model/errors.ts';
import { ClusterRef } from '#model/settings.ts';
import type { ObjectStore } from '#ports/objects.ts';
import type { Secrets } from '#ports/secrets.ts';
import { defineStep } from '#ports/step.ts';
import { withdrawKeys } from './publish-keys.ts';

/** Longest window that Secrets Manager allows; backups of the cluster can't be read without its encryption key. */
const RECOVERY_DAYS = 30;

/**
 * Deletes a cluster's identity: at once for an e2e cluster, with the longest recovery window for a decommissioned one.
 * The state's `purpose` says which; a cluster that is neither keeps its identity. What is published of it is a set without keys then.
 */
export const deleteIdentity = defineStep({
  name: 'delete-identity',
  input: z.object({ cluster: ClusterRef, purpose: z.string() }),
  output: z.object({ deleted: z.array(z.string()) }),
  async run({ cluster, purpose }, { secrets, issuer }: { secrets: Secrets; issuer: ObjectStore }) {
    const e2e = cluster.environment === 'e2e';
    if (!e2e && purpose !== 'decommission')
      throw new RefusedError(`cluster ${cluster.name} is neither an e2e cluster nor decommissioned; its identity stays`);
    await withdrawKeys(cluster, issuer);
    const ids = [secretIds.controlPlane, secretIds.etcd, secretIds.authority].map((id) => id(cluster.name));
    // The authority last: a run that breaks in the middle leaves an identity that issue-identity can complete.
    for (const id of ids) await secrets.delete(id, e2e ? undefined : RECOVERY_DAYS);
    return { deleted: ids };
  },
});
