import * as z from 'zod';
import { requiredLayers } from '#domain/backup.ts';
import { accountKeys } from '#domain/names.ts';
import { restoreProblems } from '#domain/restore.ts';
import { askProof } from '#facts/backup-proof.ts';
import { TakenSnapshot } from '#model/backup.ts';
import type { BackupManifest } from '#model/backup-records.ts';
import { Versions } from '#model/configuration.ts';
import { BackupNotProvenError, GateClosedError, NotFoundError } from '#model/errors.ts';
import { RestoreRequest } from '#model/restore.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import type { SignatureChecker } from '#ports/signer.ts';
import { defineStep } from '#ports/step.ts';

export interface CheckBackupPorts {
  readonly objects: ObjectStore;
  readonly signer: SignatureChecker;
  readonly clock: Clock;
}

/**
 * The backup that a restore names, by its signed manifest: proven, of this cluster, and one that what runs now can read. Answers what
 * the drills need to prove it again with the versions that run.
 * @throws NotFoundError when there is no such backup, BackupNotProvenError when it proves nothing, GateClosedError when it is for
 * something else; TransientError
 */
export const checkBackup = defineStep({
  name: 'check-backup',
  input: z.object({
    cluster: ClusterRef,
    restore: RestoreRequest,
    claimRestore: z.object({ render: z.object({ versions: Versions }) }),
  }),
  output: z.object({
    takeSnapshot: TakenSnapshot.pick({ key: true, sha256: true, bytes: true, bracket: true, file: true, revision: true, takenAt: true }),
    checkMembers: z.object({ version: z.string() }),
    /** Id of the etcd cluster that it was taken from. */
    clusterId: z.string(),
    kubernetes: z.string(),
  }),
  async run({ cluster, restore, claimRestore }, { objects, signer, clock }: CheckBackupPorts) {
    const { versions } = claimRestore.render;
    const key = accountKeys.backup(cluster.name, restore.backup, 'manifest.json');
    const stored = await objects.get(key);
    if (stored === undefined)
      throw new NotFoundError(`there is no ${key} in the bucket of ${cluster.account}: \`sluice backup list\` names those that there are`);
    // Restored and served it will be anew: what an hourly backup was not asked for then is no reason against it.
    const { manifest, problems } = await askProof(stored.body, requiredLayers(false), signer);
    if (manifest === undefined || problems.length > 0)
      throw new BackupNotProvenError(
        `backup ${restore.backup} of ${cluster.name} is not proven: ${problems.join('; ')}. Choose another one.`,
      );
    const facts = {
      cluster: cluster.name,
      account: cluster.account,
      kubernetes: versions.kubernetes,
      etcd: versions.etcd,
      now: clock.now(),
    };
    const against = [
      ...restoreProblems(manifest, facts),
      ...(manifest.id === restore.backup ? [] : [`it is the manifest of ${manifest.id}`]),
    ];
    if (against.length > 0)
      throw new GateClosedError(`backup ${restore.backup} can't be restored to ${cluster.name}: ${against.join('; ')}`);
    return {
      ...snapshotOf(manifest),
      checkMembers: { version: versions.etcd },
      clusterId: manifest.etcd.clusterId,
      kubernetes: versions.kubernetes,
    };
  },
});

function snapshotOf({ id, object, etcd, keyValueHash, counts, takenAt }: BackupManifest) {
  // Drills compare with what the file was read to hold; without that nothing can be proven again.
  if (keyValueHash === undefined)
    throw new BackupNotProvenError(
      `the manifest of ${id} is of an earlier version of Sluice and has no key-value hash: restore it by hand (docs/recover.md)`,
    );
  const { key, sha256, bytes } = object;
  const { revision } = etcd;
  return {
    takeSnapshot: { key, sha256, bytes, takenAt, revision, bracket: { from: revision, to: revision }, file: { ...keyValueHash, counts } },
  };
}
