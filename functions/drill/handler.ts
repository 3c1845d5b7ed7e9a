import { tmpdir } from 'node:os';
import { createConformance } from '#adapters/conformance/conformance.ts';
import { createEtcdDrill } from '#adapters/etcd/drill.ts';
import { createBinaries } from '#adapters/files/binaries.ts';
import { createScratch } from '#adapters/files/scratch.ts';
import { createApiDrill } from '#adapters/kubernetes/api-drill.ts';
import { createKubernetesOf } from '#adapters/kubernetes/clusters.ts';
import { createBlobs } from '#adapters/s3/blobs.ts';
import { createObjects } from '#adapters/s3/objects.ts';
import { createSecrets } from '#adapters/secrets-manager/secrets.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import { mintClient } from '#adapters/x509/clients.ts';
import type { ClusterRef } from '#model/settings.ts';
import { createClusterSideHandler } from '#runtime/cluster-side.ts';
import { readEnvironment } from '#runtime/environment.ts';
import { type ProveApiPorts, proveApi } from './prove-api.ts';
import { type ProveSnapshotPorts, proveSnapshot } from './prove-snapshot.ts';
import { type RunTestsPorts, runTests } from './run-tests.ts';

type DrillPorts = ProveSnapshotPorts & ProveApiPorts & RunTestsPorts;

export const handler = createClusterSideHandler<DrillPorts>([proveSnapshot, proveApi, runTests], async () => {
  const { SLUICE_BUCKET: bucket, AWS_REGION: region } = readEnvironment();
  const clock = { now: () => new Date() };
  const identity = { secrets: createSecrets({ region }), authority: createAuthority(), clock };
  const mint = (cluster: ClusterRef) => mintClient(identity, cluster.name, 'kubernetes');
  return {
    objects: createObjects(bucket, { region }),
    blobs: createBlobs(bucket, { region }),
    scratch: createScratch(tmpdir()),
    binaries: createBinaries(tmpdir()),
    drill: createEtcdDrill(),
    conformance: createConformance({ mint }),
    apiDrill: createApiDrill(identity),
    kubernetes: createKubernetesOf(mint),
    secrets: identity.secrets,
    clock,
  };
});
