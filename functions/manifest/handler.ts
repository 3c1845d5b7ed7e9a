import { createInstances } from '#adapters/auto-scaling/instances.ts';
import { createSigner } from '#adapters/kms/signer.ts';
import { createObjects } from '#adapters/s3/objects.ts';
import { createClusterSideHandler } from '#runtime/cluster-side.ts';
import { readEnvironment, required } from '#runtime/environment.ts';
import { type CheckBackupPorts, checkBackup } from './check-backup.ts';
import { type CheckBackupGatePorts, checkBackupGate } from './check-backup-gate.ts';
import { type CheckRehearsalPorts, checkRehearsal } from './check-rehearsal.ts';
import { type WriteManifestPorts, writeManifest } from './write-manifest.ts';

type Ports = WriteManifestPorts & CheckBackupPorts & CheckBackupGatePorts & CheckRehearsalPorts;

export const handler = createClusterSideHandler<Ports>([checkBackup, checkBackupGate, checkRehearsal, writeManifest], async () => {
  const environment = readEnvironment();
  const { SLUICE_BUCKET: bucket, AWS_REGION: region } = environment;
  return {
    objects: createObjects(bucket, { region }),
    signer: createSigner(required(environment, 'SLUICE_SIGNING_KEY'), { region }, environment.SLUICE_MAC_KEY),
    instances: createInstances({ region }),
    clock: { now: () => new Date() },
  };
});
