import { createInstances } from '#adapters/auto-scaling/instances.ts';
import { createAddresses } from '#adapters/ec2/addresses.ts';
import { createKubernetesOf } from '#adapters/kubernetes/clusters.ts';
import { createObjects } from '#adapters/s3/objects.ts';
import { createSecrets } from '#adapters/secrets-manager/secrets.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import { mintClient } from '#adapters/x509/clients.ts';
import { createClusterSideHandler } from '#runtime/cluster-side.ts';
import { readEnvironment } from '#runtime/environment.ts';
import { fencePorts } from '#runtime/fenced.ts';
import { applyComponents } from './apply-components.ts';
import { assertForecast } from './assert-forecast.ts';
import { awaitNodes } from './await-nodes.ts';
import { awaitWorkloads } from './await-workloads.ts';
import { checkHealth } from './check-health.ts';
import { checkMove } from './check-move.ts';
import { withPhaseHeld } from './hold-phase.ts';
import type { ClusterPorts } from './ports.ts';
import { prune } from './prune.ts';
import { releaseNodes } from './release-nodes.ts';
import { removeAwsResources } from './remove-aws-resources.ts';
import { replaceLostNodes } from './replace-lost-nodes.ts';
import { reportDrain } from './report-drain.ts';
import { reportDrift } from './report-drift.ts';
import { rewriteSecrets } from './rewrite-secrets.ts';
import { rollControlPlane } from './roll-control-plane.ts';
import { rollNodePools } from './roll-node-pools.ts';
import { startLoad } from './start-load.ts';

const steps = [
  withPhaseHeld(applyComponents),
  assertForecast,
  awaitNodes,
  awaitWorkloads,
  checkHealth,
  checkMove,
  prune,
  releaseNodes,
  removeAwsResources,
  replaceLostNodes,
  reportDrain,
  reportDrift,
  rewriteSecrets,
  rollControlPlane,
  rollNodePools,
  startLoad,
];

const connect = async (): Promise<ClusterPorts> => {
  const environment = readEnvironment();
  const clock = { now: () => new Date() };
  const secrets = createSecrets();
  const client = { secrets, authority: createAuthority(), clock };
  return {
    kubernetes: createKubernetesOf((cluster) => mintClient(client, cluster.name, 'kubernetes')),
    instances: createInstances(),
    addresses: createAddresses(),
    objects: createObjects(environment.SLUICE_BUCKET),
    secrets,
    clock,
  };
};

export const handler = createClusterSideHandler<ClusterPorts>(steps, connect, (call, ports) => fencePorts(call, ports, ports.kubernetes));
