import { tmpdir } from 'node:os';
import { createBinaries } from '#adapters/files/binaries.ts';
import { createScratch } from '#adapters/files/scratch.ts';
import { createApiDrill } from '#adapters/kubernetes/api-drill.ts';
import { createBlobs } from '#adapters/s3/blobs.ts';
import { createObjects } from '#adapters/s3/objects.ts';
import { createSecrets } from '#adapters/secrets-manager/secrets.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import { createClusterSideHandler } from '#runtime/cluster-side.ts';
import { readEnvironment } from '#runtime/environment.ts';
import { type ProveUpgradePorts, proveUpgrade } from './prove-upgrade.ts';

export const handler = createClusterSideHandler<ProveUpgradePorts>([proveUpgrade], async () => {
  const { SLUICE_BUCKET: bucket, AWS_REGION: region } = readEnvironment();
  const clock = { now: () => new Date() };
  return {
    objects: createObjects(bucket, { region }),
    blobs: createBlobs(bucket, { region }),
    scratch: createScratch(tmpdir()),
    binaries: createBinaries(tmpdir()),
    apiDrill: createApiDrill({ authority: createAuthority(), clock }),
    secrets: createSecrets({ region }),
    clock,
  };
});
