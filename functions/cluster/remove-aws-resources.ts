import * as z from 'zod';
import { isInService } from '#domain/instances.ts';
import { formatId, idOf } from '#domain/inventory.ts';
import { enforceDeadline, paced } from '#domain/pace.ts';
import { ClusterUnreachableError, NotFoundError } from '#model/errors.ts';
import { advanced, waiting } from '#model/progress.ts';
import type { Manifest } from '#model/render.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';
import { defineStep } from '#ports/step.ts';
import { inParallel } from './in-parallel.ts';
import { Awaiting, beganAt, type ClusterPorts } from './ports.ts';

/** An e2e cluster whose API is down is not waited for longer: its volumes are found by the leftovers report. */
const E2E_UNREACHABLE_MINUTES = 2;
/** What would make a volume anew, or keep it in use; deleted in the namespaces that have one. */
const USERS = [
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'apps/v1', kind: 'DaemonSet' },
  { apiVersion: 'batch/v1', kind: 'CronJob' },
  { apiVersion: 'batch/v1', kind: 'Job' },
  { apiVersion: 'v1', kind: 'Pod' },
] as const;

/**
 * Before a cluster's stacks go: deletes what controllers in the cluster made AWS resources for, load balancers and
 * volumes, and waits until it is gone. Afterwards nobody would be left to delete those.
 */
export const removeAwsResources = defineStep({
  name: 'remove-aws-resources',
  input: z.object({ cluster: ClusterRef, deadlineMinutes: z.number().positive().default(15), removeAwsResources: Awaiting.optional() }),
  output: Awaiting,
  async run(input, ports: ClusterPorts) {
    const now = ports.clock.now();
    const since = beganAt(input.removeAwsResources, now);
    const kept = { since: since.toISOString() };
    try {
      const left = await remove(await ports.kubernetes(input.cluster));
      if (left.length === 0) return { ...advanced('no load balancer and no volume is left'), ...kept };
      const reason = `waiting until ${left.slice(0, 5).join(', ')} is gone (${left.length} objects)`;
      enforceDeadline('removing AWS resources', since, now, input.deadlineMinutes, reason);
      return { ...waiting(paced(since, now), reason), ...kept };
    } catch (error) {
      if (error instanceof NotFoundError) return { ...advanced(`there is no way in: ${error.message}`), ...kept };
      if (!(error instanceof ClusterUnreachableError)) throw error;
      if (await neverCameUp(input.cluster.name, ports)) return { ...advanced(`the cluster never came up: ${error.message}`), ...kept };
      const minutes = input.cluster.environment === 'e2e' ? E2E_UNREACHABLE_MINUTES : input.deadlineMinutes;
      enforceDeadline('removing AWS resources', since, now, minutes, `the API can't be reached: ${error.message}`);
      return { ...waiting(paced(since, now), `the API can't be reached: ${error.message}`), ...kept };
    }
  },
});

async function neverCameUp(cluster: string, { instances }: ClusterPorts): Promise<boolean> {
  const group = await instances.group(cluster, 'control-plane');
  return group === undefined || !group.instances.some(isInService);
}

/** Asks for the deletion of all that is left; answers their names. */
async function remove(kubernetes: Kubernetes): Promise<string[]> {
  const services = (await kubernetes.list('v1', 'Service')).filter(isLoadBalancer);
  const claims = (await kubernetes.list('v1', 'PersistentVolumeClaim')).filter(({ metadata }) => metadata.namespace !== 'kube-system');
  const namespaces = [...new Set(claims.map(({ metadata }) => metadata.namespace ?? 'default'))];
  for (const { apiVersion, kind } of namespaces.length === 0 ? [] : USERS) {
    const users = (await Promise.all(namespaces.map((namespace) => kubernetes.list(apiVersion, kind, namespace)))).flat();
    await deleteAll(users, kubernetes);
  }
  await deleteAll([...services, ...claims], kubernetes);
  const volumes = (await kubernetes.list('v1', 'PersistentVolume')).filter(goesWithItsClaim);
  return [...services, ...claims, ...volumes].map((object) => formatId(idOf(object)).split(' ').slice(1).join(' '));
}

async function deleteAll(objects: readonly Manifest[], kubernetes: Kubernetes): Promise<void> {
  const alive = objects.filter(({ metadata }) => metadata['deletionTimestamp'] === undefined);
  await inParallel(alive, (object) => kubernetes.delete(idOf(object)));
}

const LoadBalancer = z.looseObject({ spec: z.looseObject({ type: z.literal('LoadBalancer') }) });

function isLoadBalancer(service: Manifest): boolean {
  return LoadBalancer.safeParse(service).success;
}

const Dynamic = z.looseObject({
  spec: z.looseObject({
    persistentVolumeReclaimPolicy: z.literal('Delete'),
    csi: z.looseObject({}),
    claimRef: z.looseObject({ namespace: z.string() }).optional(),
  }),
});

/** A volume of a CSI driver that is deleted with its claim; those of kube-system go with the cluster's own stacks. */
function goesWithItsClaim(volume: Manifest): boolean {
  const parsed = Dynamic.safeParse(volume);
  return parsed.success && parsed.data.spec.claimRef?.namespace !== 'kube-system';
}
