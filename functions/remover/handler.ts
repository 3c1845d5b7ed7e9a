import { createSigner } from '#adapters/kms/signer.ts';
import { createVersions } from '#adapters/s3/versions.ts';
import { createClusterSideHandler } from '#runtime/cluster-side.ts';
import { readEnvironment, required } from '#runtime/environment.ts';
import { type RemoveBackupsPorts, removeBackups } from './remove-backups.ts';

export const handler = createClusterSideHandler<RemoveBackupsPorts>([removeBackups], async () => {
  const environment = readEnvironment();
  const { SLUICE_BUCKET: bucket, AWS_REGION: region } = environment;
  return {
    versions: createVersions(bucket, { region }),
    signer: createSigner(required(environment, 'SLUICE_SIGNING_KEY'), { region }),
    clock: { now: () => new Date() },
  };
});
