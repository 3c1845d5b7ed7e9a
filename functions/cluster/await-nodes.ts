import * as z from 'zod';
import { poolStatus } from '#domain/node-status.ts';
import { enforceDeadline, paced } from '#domain/pace.ts';
import { Node } from '#model/kubernetes.ts';
import { advanced, Deferred, waiting } from '#model/progress.ts';
import { defineStep } from '#ports/step.ts';
import { Awaiting, beganAt, ClusterAndRender, type ClusterPorts, readRender } from './ports.ts';
import { poolGroup } from './roll-node-pools.ts';

const SHOWN = 3;
const Output = Awaiting.extend({ nodes: z.int() });

/**
 * Waits until each pool has its size in Ready nodes of the current version with the wanted kubelet, and no old ones but those
 * that the roll left to a later update.
 */
export const awaitNodes = defineStep({
  name: 'await-nodes',
  input: ClusterAndRender.extend({
    deadlineMinutes: z.number().positive().default(20),
    awaitNodes: Output.optional(),
    /** Old nodes that the roll left to a later update are as good as new ones here. */
    rollNodePools: z.object({ deferred: Deferred.nullish() }).optional(),
  }),
  output: Output,
  async run(input, ports: ClusterPorts) {
    const now = ports.clock.now();
    const since = beganAt(input.awaitNodes, now);
    const { pools, versions } = await readRender(input, ports.objects);
    const kubernetes = await ports.kubernetes(input.cluster);
    const groups = await Promise.all(pools.map(({ name }) => poolGroup(input.cluster.name, name, ports)));
    const nodes = (await kubernetes.list('v1', 'Node')).map((node) => Node.parse(node));
    const later = (input.rollNodePools?.deferred ?? null) !== null;
    const missing: string[] = [];
    let good = 0;
    pools.forEach((pool, index) => {
      const group = groups[index];
      if (group === undefined) return;
      const status = poolStatus(group, nodes, versions.kubernetes);
      good += status.good;
      if (later ? status.good + status.old >= pool.size : status.good >= pool.size && status.old === 0) return;
      const old = status.old === 0 ? '' : `, ${status.old} of an earlier version`;
      const why = status.problems.length === 0 ? '' : `: ${status.problems.slice(0, SHOWN).join('; ')}`;
      missing.push(`pool ${pool.name} has ${status.good} of ${pool.size} nodes${old}${why}`);
    });
    const kept = { since: since.toISOString(), nodes: good };
    if (missing.length === 0) return { ...advanced(`${good} nodes are Ready`), ...kept };
    const reason = missing.join(' | ');
    enforceDeadline('waiting for nodes', since, now, input.deadlineMinutes, reason);
    return { ...waiting(paced(since, now), reason), ...kept };
  },
});
