import * as z from 'zod';
import { forecastObservations, type Observation } from '#domain/assert-forecast.ts';
import { parseId } from '#domain/inventory.ts';
import { poolStatus } from '#domain/node-status.ts';
import { TestsFailedError } from '#model/errors.ts';
import { Node } from '#model/kubernetes.ts';
import type { Render } from '#model/render.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';
import { defineStep } from '#ports/step.ts';
import { inParallel } from './in-parallel.ts';
import { ClusterAndRender, type ClusterPorts, readRender } from './ports.ts';
import { poolGroup } from './roll-node-pools.ts';
import { LoadWorkload } from './start-load.ts';
import { workloadStates } from './workload-states.ts';

const PROBES = 6;

/** Asserts on the updated e2e cluster that what the plan forecast did happen. */
export const assertForecast = defineStep({
  name: 'assert-forecast',
  input: ClusterAndRender.extend({ startLoad: z.object({ workloads: z.array(LoadWorkload) }).optional() }),
  output: z.object({ ok: z.literal(true), observations: z.array(z.string()) }),
  async run(input, ports: ClusterPorts) {
    const head = await readRender({ ...input, from: 'head' }, ports.objects);
    const base = input.base === undefined ? undefined : await readRender({ ...input, from: 'base' }, ports.objects);
    const kubernetes = await ports.kubernetes(input.cluster);
    const probes = await Promise.all(Array.from({ length: PROBES }, () => kubernetes.probe()));
    const observations = forecastObservations({
      wantedVersion: head.versions.kubernetes,
      servedVersions: probes.map(({ version }) => version ?? 'no answer'),
      pools: await observePools(input.cluster.name, head, base, kubernetes, ports),
      load: await observeLoad(input.startLoad?.workloads ?? [], kubernetes),
    });
    const failed = observations.filter(({ ok }) => !ok);
    if (failed.length > 0) throw new TestsFailedError(`the update did not do what was planned: ${failed.map(format).join(' | ')}`);
    return { ok: true as const, observations: observations.map(format) };
  },
});

function format({ what, found }: Observation): string {
  return `${what}: ${found}`;
}

async function observePools(cluster: string, head: Render, base: Render | undefined, kubernetes: Kubernetes, ports: ClusterPorts) {
  const nodes = (await kubernetes.list('v1', 'Node')).map((node) => Node.parse(node));
  return Promise.all(
    head.pools.map(async ({ name, size, generation }) => {
      const status = poolStatus(await poolGroup(cluster, name, ports), nodes, head.versions.kubernetes);
      return { name, size, generation, generationBefore: base?.pools.find((pool) => pool.name === name)?.generation, status };
    }),
  );
}

async function observeLoad(before: readonly LoadWorkload[], kubernetes: Kubernetes) {
  return inParallel(before, async ({ object, uid: uidBefore }) => {
    const id = parseId(object);
    const found = id === undefined ? undefined : await kubernetes.get(id);
    const [state] = found === undefined ? [] : await workloadStates([found], kubernetes);
    return { object, uidBefore, uid: state?.uid ?? '', status: state?.status ?? { ready: false, reason: 'it is gone' } };
  });
}
