import * as z from 'zod';
import { releasePatch } from '#domain/drain/marks.ts';
import { rollingOf } from '#domain/drain/rolling.ts';
import { instanceOf, isLive } from '#domain/instances.ts';
import { ClusterUnreachableError, ConflictError, NotFoundError, TransientError } from '#model/errors.ts';
import { Node } from '#model/kubernetes.ts';
import { ClusterRef } from '#model/settings.ts';
import type { ZonedGroup } from '#ports/instances.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';
import { defineStep } from '#ports/step.ts';
import { ClusterAndRender, type ClusterPorts, readRender } from './ports.ts';

/**
 * Clean-up: nodes that were marked or cordoned for a replacement and are not being ended take pods again, and groups balance
 * their zones by themselves again. It never fails for a cluster that can't be reached: it reports that, and the next run
 * marks anew or finishes.
 */
export const releaseNodes = defineStep({
  name: 'release-nodes',
  input: ClusterAndRender.extend({ cluster: ClusterRef }),
  output: z.object({ released: z.array(z.string()), reason: z.string() }),
  async run(input, ports: ClusterPorts) {
    try {
      const kubernetes = await ports.kubernetes(input.cluster);
      const nodes = (await kubernetes.list('v1', 'Node')).map((node) => Node.parse(node));
      const marked = nodes.filter((node) => releasePatch(node) !== undefined);
      const groups = await readGroups(input, ports);
      const instances = groups.flatMap((group) => group.instances);
      // Those on their way out stay cordoned.
      const ending = new Set(instances.filter((instance) => !isLive(instance)).map(({ id }) => id));
      const released: string[] = [];
      for (const node of marked) {
        if (!ending.has(instanceOf(node.spec.providerID)) && (await release(node, kubernetes))) released.push(node.metadata.name);
      }
      await rebalance(groups, ports);
      return { released, reason: `${released.length} of ${marked.length} marked nodes were released` };
    } catch (error) {
      const expected = error instanceof ClusterUnreachableError || error instanceof NotFoundError || error instanceof TransientError;
      if (!expected) throw error;
      return { released: [], reason: `not done: ${error.message}` };
    }
  },
});

async function readGroups(input: ClusterAndRender, ports: ClusterPorts): Promise<ZonedGroup[]> {
  const { pools } = await readRender(input, ports.objects);
  const groups = await Promise.all(pools.map(({ name }) => ports.instances.group(input.cluster.name, `pool-${name}`)));
  return groups.flatMap((group) => group ?? []);
}

/** Only where the roll switched it off. */
async function rebalance(groups: readonly ZonedGroup[], { instances }: ClusterPorts): Promise<void> {
  for (const { name, rebalances, note } of groups) {
    if (!rebalances && rollingOf(note)?.rebalances === true) await instances.setRebalance(name, true);
  }
}

/** Tries again with the node as it is now, twice: nodes change by themselves. */
async function release(node: Node, kubernetes: Kubernetes): Promise<boolean> {
  const id = { apiVersion: 'v1', kind: 'Node', name: node.metadata.name };
  let current: Node | undefined = node;
  for (let tries = 0; tries < 3 && current !== undefined; tries++) {
    const patch = releasePatch(current);
    if (patch === undefined) return true;
    try {
      await kubernetes.patch(id, patch);
      return true;
    } catch (error) {
      if (error instanceof NotFoundError) return false;
      if (!(error instanceof ConflictError)) throw error;
      const read = await kubernetes.get(id);
      current = read === undefined ? undefined : Node.parse(read);
    }
  }
  return false;
}
