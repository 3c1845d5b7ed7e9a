import * as z from 'zod';
import { byGeneration } from '#domain/instances.ts';
import { enforceDeadline, paced } from '#domain/pace.ts';
import { decidePool, isBegun, type NodeAction, type PoolDecision } from '#domain/roll-nodes.ts';
import { ConflictError, NotFoundError } from '#model/errors.ts';
import { Node, Pod } from '#model/kubernetes.ts';
import { advanced, waiting } from '#model/progress.ts';
import type { InstanceGroup } from '#ports/instances.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';
import { defineStep } from '#ports/step.ts';
import { inParallel } from './in-parallel.ts';
import { Awaiting, beganAt, ClusterAndRender, type ClusterPorts, readRender } from './ports.ts';

/** How often one call looks and acts before it lets the state machine wait; bounds the call's time. */
const ROUNDS = 12;
/** Pods evicted in one round. */
const EVICTIONS = 40;
const Output = Awaiting.extend({ rolled: z.int(), remaining: z.int() });

/**
 * Replaces the nodes of all pools that are not of their group's current launch template version, one at a time. It looks,
 * acts and looks again until there is only something to wait for.
 */
export const rollNodePools = defineStep({
  name: 'roll-node-pools',
  input: ClusterAndRender.extend({ deadlineMinutes: z.number().positive().default(720), rollNodePools: Output.optional() }),
  output: Output,
  async run(input, ports: ClusterPorts) {
    const since = beganAt(input.rollNodePools, ports.clock.now());
    const { pools } = await readRender(input, ports.objects);
    const kubernetes = await ports.kubernetes(input.cluster);
    const names = pools.map(({ name }) => name);
    for (let round = 1; ; round++) {
      const now = ports.clock.now();
      const { decision, groups } = await look(input.cluster.name, names, kubernetes, ports, now);
      const kept = { since: since.toISOString(), ...count(groups) };
      if (decision.done) return { ...advanced(decision.reason), ...kept };
      const { progress, blocked } = await act(decision.actions, kubernetes, ports);
      if (progress && round < ROUNDS) continue;
      const reason = blocked.length === 0 ? decision.reason : `${decision.reason}; blocked: ${blocked.join(' | ')}`;
      enforceDeadline('the roll of the node pools', since, now, input.deadlineMinutes, reason);
      return { ...waiting(progress ? 1 : paced(decision.since ?? since, now), reason), ...kept };
    }
  },
});

interface Look {
  readonly decision: PoolDecision;
  readonly groups: readonly InstanceGroup[];
}

/** Reads groups, then nodes, then pods: a pod bound before the cordon was seen can't be missed. */
async function look(cluster: string, pools: readonly string[], kubernetes: Kubernetes, ports: ClusterPorts, now: Date): Promise<Look> {
  const groups = await Promise.all(pools.map((pool) => poolGroup(cluster, pool, ports)));
  const all = pools.map((pool, index) => ({ pool, group: groups[index] }));
  const old = all.flatMap(({ pool, group }) => (group !== undefined && byGeneration(group).old.length > 0 ? [{ pool, group }] : []));
  if (old.length === 0)
    return { decision: { done: true, reason: `all ${pools.length} pools are of the current version`, actions: [] }, groups };
  const nodes = (await kubernetes.list('v1', 'Node')).map((node) => Node.parse(node));
  const [pods, attachments] = await Promise.all([kubernetes.list('v1', 'Pod'), kubernetes.list('storage.k8s.io/v1', 'VolumeAttachment')]);
  const attached = new Set(attachments.map((attachment) => Attachment.parse(attachment).spec.nodeName));
  // One drain at a time over all pools: what was begun is finished first.
  const first = old.find(({ group }) => isBegun({ group, nodes })) ?? old[0];
  if (first === undefined) throw new NotFoundError('no pool to roll');
  return { decision: decidePool({ ...first, nodes, pods: pods.map((pod) => Pod.parse(pod)), attached, now }), groups };
}

const Attachment = z.looseObject({ spec: z.looseObject({ nodeName: z.string() }) });

/** @throws NotFoundError when the pool's stack made no group */
export async function poolGroup(cluster: string, pool: string, { instances }: Pick<ClusterPorts, 'instances'>): Promise<InstanceGroup> {
  const group = await instances.group(cluster, `pool-${pool}`);
  if (group === undefined) throw new NotFoundError(`no Auto Scaling group is tagged with ${cluster} and pool-${pool}`);
  return group;
}

function count(groups: readonly InstanceGroup[]): { rolled: number; remaining: number } {
  const generations = groups.map(byGeneration);
  return {
    rolled: generations.reduce((sum, { fresh }) => sum + fresh.length, 0),
    remaining: generations.reduce((sum, { old }) => sum + old.length, 0),
  };
}

/** Progress is false when nothing changed, so that looking again at once would be in vain. */
async function act(
  actions: readonly NodeAction[],
  kubernetes: Kubernetes,
  ports: ClusterPorts,
): Promise<{ progress: boolean; blocked: string[] }> {
  let progress = false;
  const blocked: string[] = [];
  for (const action of actions) {
    if (action.type === 'set-desired') {
      await ports.instances.setDesiredCapacity(action.group, action.desired);
      progress = true;
    } else if (action.type === 'terminate') {
      await ports.instances.terminate(action.instance, action.decrement);
      progress = true;
    } else if (action.type === 'patch-node') {
      await patchNode(action, kubernetes);
      progress = true;
    } else {
      const results = await inParallel(action.pods.slice(0, EVICTIONS), (pod) =>
        kubernetes.evict(pod.metadata.namespace, pod.metadata.name),
      );
      results.forEach((result, index) => {
        const pod = action.pods[index]?.metadata;
        if (result.outcome === 'blocked') blocked.push(`${pod?.namespace}/${pod?.name}: ${result.reason}`);
        else progress = true;
      });
    }
  }
  return { progress, blocked: blocked.slice(0, 5) };
}

/** A node that changed or went meanwhile is looked at again in the next round. */
async function patchNode({ node, patch }: Extract<NodeAction, { type: 'patch-node' }>, kubernetes: Kubernetes): Promise<void> {
  try {
    await kubernetes.patch({ apiVersion: 'v1', kind: 'Node', name: node }, patch);
  } catch (error) {
    if (!(error instanceof ConflictError || error instanceof NotFoundError)) throw error;
  }
}
