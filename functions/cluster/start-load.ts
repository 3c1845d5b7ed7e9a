import * as z from 'zod';
import { inApplyOrder } from '#domain/apply-order.ts';
import { formatId, idOf } from '#domain/inventory.ts';
import { WORKLOAD_KINDS } from '#domain/workload-status.ts';
import { RefusedError } from '#model/errors.ts';
import { E2eSuite } from '#model/settings.ts';
import { defineStep } from '#ports/step.ts';
import { inParallel } from './apply-components.ts';
import { ClusterAndRender, type ClusterPorts, readRender } from './ports.ts';

/** A workload of the load as it was before the update: the update must not have made it anew. */
export const LoadWorkload = z.object({ object: z.string(), uid: z.string() });
export type LoadWorkload = z.infer<typeof LoadWorkload>;

/**
 * Applies the load of an e2e run, so that the update meets a cluster in use, and notes which workloads it made. Without
 * the suite `load` there is none.
 */
export const startLoad = defineStep({
  name: 'start-load',
  input: ClusterAndRender.extend({ claimSlot: z.object({ suites: z.array(E2eSuite) }) }),
  output: z.object({ applied: z.int(), workloads: z.array(LoadWorkload) }),
  async run(input, ports: ClusterPorts) {
    const { load = [] } = input.claimSlot.suites.includes('load') ? await readRender(input, ports.objects) : {};
    const kubernetes = await ports.kubernetes(input.cluster);
    for (const group of inApplyOrder(load)) {
      const results = await inParallel(group, (object) => kubernetes.apply(object));
      const failed = results.filter(({ outcome }) => outcome === 'conflict' || outcome === 'refused');
      if (failed.length > 0)
        throw new RefusedError(`the load was not applied: ${failed.map(({ id, reason }) => `${formatId(id)}: ${reason}`).join(' | ')}`);
    }
    const workloads = await inParallel(
      load.filter(({ kind }) => WORKLOAD_KINDS.has(kind)),
      async (object) => {
        const uid = (await kubernetes.get(idOf(object)))?.metadata['uid'];
        return { object: formatId(idOf(object)), uid: String(uid ?? '') };
      },
    );
    return { applied: load.length, workloads };
  },
});
