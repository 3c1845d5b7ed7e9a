import * as z from 'zod';
import { unreadyNodes } from '#domain/node-status.ts';
import { enforceDeadline, paced } from '#domain/pace.ts';
import { Node } from '#model/kubernetes.ts';
import { advanced, waiting } from '#model/progress.ts';
import type { ApiProbe } from '#ports/kubernetes.ts';
import { defineStep } from '#ports/step.ts';
import { workloadStates } from './await-workloads.ts';
import { Awaiting, beganAt, ClusterAndRender, type ClusterPorts, componentsOf, readRender } from './ports.ts';
import { poolGroup } from './roll-node-pools.ts';

const PROBES = 10;
/** Median of new connections with /readyz and /version; Kubernetes' own objective for reads is 1 s at p99. */
const SLOW_MILLISECONDS = 1000;
const SHOWN = 10;

const Output = Awaiting.extend({
  healthy: z.boolean(),
  problems: z.array(z.string()),
  nodes: z.int(),
  workloads: z.int(),
  /** Median of the probes. */
  apiMilliseconds: z.number(),
});

/** Waits until all nodes are Ready, the system's workloads available and the API answers fast on each of ten new connections. */
export const checkHealth = defineStep({
  name: 'check-health',
  input: ClusterAndRender.extend({ deadlineMinutes: z.number().positive().default(20), checkHealth: Output.optional() }),
  output: Output,
  async run(input, ports: ClusterPorts) {
    const now = ports.clock.now();
    const since = beganAt(input.checkHealth, now);
    const render = await readRender(input, ports.objects);
    const kubernetes = await ports.kubernetes(input.cluster);
    const groups = await Promise.all(render.pools.map(({ name }) => poolGroup(input.cluster.name, name, ports)));
    const probes: ApiProbe[] = [];
    for (let count = 0; count < PROBES; count++) probes.push(await kubernetes.probe());
    const nodes = (await kubernetes.list('v1', 'Node')).map((node) => Node.parse(node));
    const states = await workloadStates(
      componentsOf(render, 'system').flatMap(({ objects }) => objects),
      kubernetes,
    );
    const apiMilliseconds = median(probes.map(({ milliseconds }) => milliseconds));
    const problems = [
      ...apiProblems(probes, apiMilliseconds),
      ...unreadyNodes(nodes, groups).map((name) => `node ${name} is not Ready`),
      ...states.filter(({ status }) => !status.ready).map(({ name, status }) => `${name}: ${status.reason}`),
    ];
    const found = {
      healthy: problems.length === 0,
      problems: problems.slice(0, SHOWN),
      nodes: nodes.length,
      workloads: states.length,
      apiMilliseconds,
    };
    const kept = { since: since.toISOString(), ...found };
    if (found.healthy)
      return {
        ...advanced(`${nodes.length} nodes and ${states.length} system workloads are healthy, the API answers in ${apiMilliseconds} ms`),
        ...kept,
      };
    const reason = `${problems.length} problems: ${found.problems.join(' | ')}`;
    enforceDeadline('a healthy cluster', since, now, input.deadlineMinutes, reason);
    return { ...waiting(paced(since, now), reason), ...kept };
  },
});

function apiProblems(probes: readonly ApiProbe[], milliseconds: number): string[] {
  const failed = probes.filter(({ ready }) => !ready);
  const first = failed[0];
  if (first !== undefined) return [`${failed.length} of ${probes.length} connections to the API: ${first.reason}`];
  return milliseconds > SLOW_MILLISECONDS ? [`the API answers in ${milliseconds} ms, more than ${SLOW_MILLISECONDS} ms`] : [];
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;
}
