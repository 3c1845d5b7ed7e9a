import * as z from 'zod';
import { isReady } from '#domain/drain/marks.ts';
import { instanceOf, isInService } from '#domain/instances.ts';
import { enforceDeadline, paced } from '#domain/pace.ts';
import { Node } from '#model/kubernetes.ts';
import { advanced, waiting } from '#model/progress.ts';
import type { Instance } from '#ports/instances.ts';
import { defineStep } from '#ports/step.ts';
import { Awaiting, beganAt, ClusterAndRender, type ClusterPorts, readRender } from './ports.ts';
import { poolGroup } from './roll-node-pools.ts';

/** An instance that just boots joins within this time; the kubelet of one whose node is gone never makes it again. */
const GRACE_MINUTES = 5;
const SHOWN = 5;
const Output = Awaiting.extend({ replaced: z.int() });

/**
 * After a restore: instances whose Node is not in the restored data are replaced, since a kubelet makes its Node only when it
 * starts, and nothing that runs there is known any more. Waits until each instance of the pools has a Ready node.
 * @throws DeadlineError naming who is missing
 */
export const replaceLostNodes = defineStep({
  name: 'replace-lost-nodes',
  input: ClusterAndRender.extend({ deadlineMinutes: z.number().positive().default(30), replaceLostNodes: Output.nullish() }),
  output: Output,
  async run(input, ports: ClusterPorts) {
    const now = ports.clock.now();
    const previous = input.replaceLostNodes ?? undefined;
    const since = beganAt(previous, now);
    const { pools } = await readRender(input, ports.objects);
    const groups = await Promise.all(pools.map(({ name }) => poolGroup(input.cluster.name, name, ports)));
    const kubernetes = await ports.kubernetes(input.cluster);
    const nodes = (await kubernetes.list('v1', 'Node')).map((node) => Node.parse(node));
    const nodeOf = new Map(nodes.map((node) => [instanceOf(node.spec.providerID), node]));
    const instances = groups.flatMap((group) => group.instances);
    const inService = instances.filter(isInService);
    const lost = inService.filter(({ id }) => nodeOf.get(id) === undefined);
    const unready = inService.filter(({ id }) => nodeOf.get(id) !== undefined && !readyIn(nodeOf, id));
    const short = groups.reduce((sum, group) => sum + Math.max(0, group.desired - group.instances.filter(isInService).length), 0);
    const kept = { since: since.toISOString(), replaced: previous?.replaced ?? 0 };
    if (lost.length === 0 && unready.length === 0 && short === 0) {
      const words = kept.replaced === 0 ? '' : `; ${kept.replaced} instances whose node was lost were replaced`;
      return { ...advanced(`${inService.length} nodes are Ready${words}`), ...kept };
    }
    const reason = `${lost.length} instances have no node (${shown(lost)}), ${unready.length} nodes are not Ready (${shown(unready)}), ${short} instances are on their way`;
    enforceDeadline('nodes after the restore', since, now, input.deadlineMinutes, reason);
    const due = now.getTime() - since.getTime() >= GRACE_MINUTES * 60_000 && kept.replaced === 0 ? lost : [];
    for (const { id } of due) await ports.instances.terminate(id, false);
    return { ...waiting(paced(since, now), reason), ...kept, replaced: kept.replaced + due.length };
  },
});

function readyIn(nodes: ReadonlyMap<string, Node>, id: string): boolean {
  const node = nodes.get(id);
  return node !== undefined && isReady(node);
}

function shown(instances: readonly Instance[]): string {
  return instances.length === 0
    ? 'none'
    : instances
        .slice(0, SHOWN)
        .map(({ id }) => id)
        .join(', ');
}
