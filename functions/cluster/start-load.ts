import * as z from 'zod';
import { inApplyOrder } from '#domain/apply-order.ts';
import { formatId, idOf } from '#domain/inventory.ts';
import { WORKLOAD_KINDS } from '#domain/workload-status.ts';
import { E2eSuite } from '#model/settings.ts';
import { defineStep } from '#ports/step.ts';
import { applyObjects, refuseFailures } from './apply-objects.ts';
import { inParallel } from './in-parallel.ts';
import { ClusterAndRender, type ClusterPorts, readRender } from './ports.ts';
import { resolveSecrets } from './resolve-secrets.ts';

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
    const rendered = input.claimSlot.suites.includes('load') ? (await readRender(input, ports.objects)).load : undefined;
    const { objects: load } = await resolveSecrets(rendered ?? [], ports.secrets);
    const kubernetes = await ports.kubernetes(input.cluster);
    for (const group of inApplyOrder(load)) {
      await refuseFailures(await applyObjects(group, kubernetes, new Map()), group.length, kubernetes, new Map());
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
