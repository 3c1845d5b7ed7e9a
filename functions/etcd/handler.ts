import { tmpdir } from 'node:os';
import { createInstances } from '#adapters/auto-scaling/instances.ts';
import { createEtcdVolumes } from '#adapters/ec2/volumes.ts';
import { createEtcdOf } from '#adapters/etcd/clusters.ts';
import { createScratch } from '#adapters/files/scratch.ts';
import { createKubernetesOf } from '#adapters/kubernetes/clusters.ts';
import { createBlobs } from '#adapters/s3/blobs.ts';
import { createObjects } from '#adapters/s3/objects.ts';
import { createSecrets } from '#adapters/secrets-manager/secrets.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import { mintClient } from '#adapters/x509/clients.ts';
import type { KubernetesOf } from '#ports/kubernetes.ts';
import { createClusterSideHandler } from '#runtime/cluster-side.ts';
import { readEnvironment } from '#runtime/environment.ts';
import { fencePorts } from '#runtime/fenced.ts';
import { type CheckMembersPorts, checkMembers } from './check-members.ts';
import { type MendEtcdMembersPorts, mendEtcdMembers } from './mend-etcd-members.ts';
import { type ProveHashPorts, proveHash } from './prove-hash.ts';
import { type RestoreMembersPorts, restoreMembers } from './restore-members.ts';
import { type RollEtcdMembersPorts, rollEtcdMembers } from './roll-etcd-members.ts';
import { type TakeSnapshotPorts, takeSnapshot } from './take-snapshot.ts';

type EtcdPorts = CheckMembersPorts & TakeSnapshotPorts & ProveHashPorts & RollEtcdMembersPorts & MendEtcdMembersPorts & RestoreMembersPorts;
/** The API is entered for the cluster's lock object only. */
type Ports = EtcdPorts & { readonly enter: KubernetesOf };

const steps = [checkMembers, takeSnapshot, proveHash, rollEtcdMembers, mendEtcdMembers, restoreMembers];

const connect = async (): Promise<Ports> => {
  const { SLUICE_BUCKET: bucket, AWS_REGION: region } = readEnvironment();
  const clock = { now: () => new Date() };
  const identity = { secrets: createSecrets({ region }), authority: createAuthority(), clock };
  return {
    enter: createKubernetesOf((cluster) => mintClient(identity, cluster.name, 'kubernetes')),
    etcd: createEtcdOf((cluster) => mintClient(identity, cluster.name, 'etcd')),
    instances: createInstances({ region }),
    volumes: createEtcdVolumes({ region }),
    objects: createObjects(bucket, { region }),
    blobs: createBlobs(bucket, { region }),
    scratch: createScratch(tmpdir()),
    clock,
  };
};

export const handler = createClusterSideHandler<Ports>(steps, connect, (call, ports) => fencePorts(call, ports, ports.enter));
