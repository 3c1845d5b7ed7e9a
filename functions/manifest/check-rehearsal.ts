import * as z from 'zod';
import { requiredLayers } from '#domain/backup.ts';
import { accountKeys } from '#domain/names.ts';
import { askProof } from '#facts/backup-proof.ts';
import { BackupNotProvenError, NotFoundError } from '#model/errors.ts';
import { RehearsedBackup } from '#model/rehearsal.ts';
import { BackupId } from '#model/restore.ts';
import { ClusterRef } from '#model/settings.ts';
import type { ObjectStore } from '#ports/objects.ts';
import type { SignatureChecker } from '#ports/signer.ts';
import { defineStep } from '#ports/step.ts';

export interface CheckRehearsalPorts {
  readonly objects: ObjectStore;
  readonly signer: SignatureChecker;
}

/**
 * What a backup holds that an upgrade is to be rehearsed on, by its signed manifest: restored and served before, and of this cluster.
 * @throws NotFoundError when there is none, BackupNotProvenError with what speaks against it; TransientError
 */
export const checkRehearsal = defineStep({
  name: 'check-rehearsal',
  input: z.object({ cluster: ClusterRef, backup: z.object({ id: BackupId }) }),
  output: RehearsedBackup,
  async run({ cluster, backup }, { objects, signer }: CheckRehearsalPorts) {
    const key = accountKeys.backup(cluster.name, backup.id, 'manifest.json');
    const stored = await objects.get(key);
    if (stored === undefined) throw new NotFoundError(`there is no ${key} in the bucket of ${cluster.account}`);
    const { manifest, problems } = await askProof(stored.body, requiredLayers(true), signer);
    const kubernetes = manifest?.kubernetes ?? undefined;
    const against = [
      ...problems,
      ...(manifest === undefined || manifest.id === backup.id ? [] : [`it is the manifest of ${manifest.id}`]),
      ...(manifest === undefined || manifest.cluster === cluster.name ? [] : [`it is of ${manifest.cluster}`]),
      ...(kubernetes === undefined ? ['it does not say which API server served it'] : []),
    ];
    if (manifest === undefined || kubernetes === undefined || against.length > 0)
      throw new BackupNotProvenError(`backup ${backup.id} of ${cluster.name} is not proven: ${against.join('; ')}`);
    const { object, etcd, counts } = manifest;
    return { id: manifest.id, snapshot: { key: object.key, sha256: object.sha256 }, revision: etcd.revision, counts, kubernetes };
  },
});
