import * as z from 'zod';
import { countOf } from '#domain/drain/counts.ts';
import { forceLimits } from '#domain/drain/force.ts';
import { risksInCluster } from '#domain/drain/pod-groups.ts';
import { reportText } from '#domain/drain/report.ts';
import { risksOf } from '#domain/drain/risks.ts';
import { byGeneration, instanceOf } from '#domain/instances.ts';
import { DrainRisk } from '#model/drain-report.ts';
import { Node, Pod } from '#model/kubernetes.ts';
import { Advance, advanced } from '#model/progress.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';
import { defineStep } from '#ports/step.ts';
import { ClusterAndRender, type ClusterPorts, readRender } from './ports.ts';
import { poolGroup } from './roll-node-pools.ts';

/** So many are kept in the state; the check tells fewer. */
const KEPT = 20;
const OTHERS = [
  ['policy/v1', 'PodDisruptionBudget'],
  ['v1', 'Service'],
  ['admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration'],
  ['admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration'],
] as const;

/**
 * Before the first node is touched: what runs on the nodes that will be drained and will make that wait or be hurt by it,
 * whose it is, and for how long. It changes nothing and holds nothing up.
 */
export const reportDrain = defineStep({
  name: 'report-drain',
  input: ClusterAndRender,
  output: Advance.extend({ nodes: z.int(), risks: z.array(DrainRisk), more: z.int() }),
  async run(input, ports: ClusterPorts) {
    const { pools } = await readRender(input, ports.objects);
    const groups = await Promise.all(pools.map(({ name }) => poolGroup(input.cluster.name, name, ports)));
    const { remaining } = countOf(groups);
    if (remaining === 0) return { ...advanced(reportText([], 0)), nodes: 0, risks: [], more: 0 };
    const old = new Set(groups.flatMap((group) => byGeneration(group).old.map(({ id }) => id)));
    const risks = await look(await ports.kubernetes(input.cluster), old, ports.clock.now(), forceLimits(input.cluster.environment));
    return {
      ...advanced(reportText(risks, remaining)),
      nodes: remaining,
      risks: risks.slice(0, KEPT),
      more: Math.max(0, risks.length - KEPT),
    };
  },
});

async function look(
  kubernetes: Kubernetes,
  old: ReadonlySet<string>,
  now: Date,
  limits: ReturnType<typeof forceLimits>,
): Promise<DrainRisk[]> {
  const [nodes, pods, ...others] = await Promise.all([
    kubernetes.list('v1', 'Node'),
    kubernetes.list('v1', 'Pod'),
    ...OTHERS.map(([apiVersion, kind]) => kubernetes.list(apiVersion, kind)),
  ]);
  const drained = nodes.map((node) => Node.parse(node)).filter(({ spec }) => old.has(instanceOf(spec.providerID)));
  const names = new Set(drained.map(({ metadata }) => metadata.name));
  const found = risksInCluster(
    pods.map((pod) => Pod.parse(pod)),
    others.flat(),
    names,
    now,
  );
  return risksOf({ ...found, limits });
}
