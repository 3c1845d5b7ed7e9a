import { createSigner } from '#adapters/kms/signer.ts';
import { createCopies } from '#adapters/s3/copies.ts';
import { createVersions } from '#adapters/s3/versions.ts';
import { createClusterSideHandler } from '#runtime/cluster-side.ts';
import { readEnvironment, required } from '#runtime/environment.ts';
import { type CopyBackupsPorts, copyBackups } from './copy-backups.ts';
import { removeBackups } from './remove-backups.ts';

export const handler = createClusterSideHandler<CopyBackupsPorts>([removeBackups, copyBackups], async () => {
  const environment = readEnvironment();
  const { SLUICE_BUCKET: bucket, AWS_REGION: region } = environment;
  const replica = environment.SLUICE_REPLICA_BUCKET;
  const there = { region: environment.SLUICE_REPLICA_REGION ?? region };
  return {
    versions: createVersions(bucket, { region }),
    copies: replica === undefined ? undefined : createCopies(bucket, replica, there),
    signer: createSigner(required(environment, 'SLUICE_SIGNING_KEY'), { region }, environment.SLUICE_MAC_KEY),
    clock: { now: () => new Date() },
  };
});
