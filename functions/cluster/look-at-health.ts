import { API, apiProblems, nodeSubject } from '#domain/health.ts';
import { readInventory, withComponents } from '#domain/inventory.ts';
import { unreadyNodes } from '#domain/node-status.ts';
import { ownerOf } from '#domain/owner.ts';
import { dnsProblem, dnsService, objectProblem, pathProblem } from '#domain/probes.ts';
import type { Probe } from '#model/configuration.ts';
import { ClusterUnreachableError } from '#model/errors.ts';
import type { Health, HealthProblem, Scope } from '#model/health.ts';
import { Node } from '#model/kubernetes.ts';
import type { Render } from '#model/render.ts';
import type { InstanceGroup } from '#ports/instances.ts';
import type { ApiProbe, Kubernetes } from '#ports/kubernetes.ts';
import { type ClusterPorts, componentsOf } from './ports.ts';
import { poolGroup } from './roll-node-pools.ts';
import { type WorkloadState, workloadStates } from './workload-states.ts';

const PROBES = 10;
const ENOUGH = 3;

/** The stacks of the pools come after these: a pool may have no group yet. */
const WITHOUT_POOLS: readonly Scope[] = ['before', 'before-control-plane', 'control-plane', 'before-nodes'];
/** The system's components are applied after these: a new one is not there yet. */
const WITHOUT_SYSTEM: readonly Scope[] = ['before', 'before-control-plane', 'control-plane'];

/** Looks at API, nodes, workloads of the system, DNS and the configuration's own probes. */
export async function lookAtHealth(
  cluster: string,
  render: Render,
  scope: Scope,
  ports: ClusterPorts,
  kubernetes: Kubernetes,
): Promise<Health> {
  const probes: ApiProbe[] = [];
  // An API that does not answer at all is known after a few; each may take as long as a request.
  for (let count = 0; count < PROBES && probes.filter(({ ready }) => !ready).length < ENOUGH; count++) {
    probes.push(await kubernetes.probe());
  }
  const apiMilliseconds = median(probes.map(({ milliseconds }) => milliseconds));
  const problems = apiProblems(probes);
  try {
    const inside = await lookInside(cluster, render, scope, ports, kubernetes);
    return { ...inside, problems: [...problems, ...inside.problems], apiMilliseconds };
  } catch (error) {
    if (!(error instanceof ClusterUnreachableError)) throw error;
    const reason = problems.length > 0 ? problems : [{ subject: API, reason: error.message }];
    return { problems: reason, nodes: 0, workloads: 0, apiMilliseconds };
  }
}

async function lookInside(
  cluster: string,
  render: Render,
  scope: Scope,
  ports: ClusterPorts,
  kubernetes: Kubernetes,
): Promise<Omit<Health, 'apiMilliseconds'>> {
  const groups = await Promise.all(
    render.pools.map(({ name }) => (WITHOUT_POOLS.includes(scope) ? existingGroup(cluster, name, ports) : poolGroup(cluster, name, ports))),
  );
  const nodes = (await kubernetes.list('v1', 'Node')).map((node) => Node.parse(node));
  const components = componentsOf(render, 'system');
  const objects = components.flatMap((component) => component.objects);
  const states = await workloadStates(objects, kubernetes);
  const due = WITHOUT_SYSTEM.includes(scope) ? states.filter(({ uid }) => uid !== '') : states;
  const dns = dnsService(objects);
  const slices =
    dns === undefined || scope === 'control-plane'
      ? undefined
      : await kubernetes.list('discovery.k8s.io/v1', 'EndpointSlice', dns.metadata.namespace);
  const asked = scope === 'all' || scope === 'before' ? (render.probes ?? []) : [];
  const answers = await Promise.all(asked.map((probe) => askProbe(probe, kubernetes)));
  const unready = unreadyNodes(
    nodes,
    groups.filter((group) => group !== undefined),
  );
  const inventory = withComponents(readInventory({}), components);
  const problems: HealthProblem[] = [
    ...due
      .filter(({ status }) => !status.ready)
      .map(({ object, name, status }) => ({
        subject: name,
        reason: `of ${ownerOf(object, inventory)}, ${status.reason}`,
        ...(isForNodes(status, unready.length) ? { forNodes: true as const } : {}),
      })),
    ...(dns === undefined || slices === undefined ? [] : dnsProblem(dns, slices)),
    ...answers.flat(),
    // Last, for they may be many.
    ...unready.map((name) => ({ subject: nodeSubject(name), reason: 'is not Ready' })),
  ];
  return { problems, nodes: nodes.length, workloads: due.length };
}

/** It is broken itself, whatever its node is; a network driver that does not start makes its node NotReady. */
const BROKEN: readonly WorkloadState['status']['cause'][] = ['image', 'crash', 'configuration', 'quota', 'admission'];

/** Its pods find no node, or those that are missing are as many as the nodes that are not Ready, and nothing else is why. */
function isForNodes({ cause, missing = 0 }: WorkloadState['status'], unready: number): boolean {
  return cause === 'scheduling' || (missing > 0 && missing <= unready && !BROKEN.includes(cause));
}

/** A pool that this revision adds, or any of a new cluster, has no group before its stack is made. */
function existingGroup(cluster: string, pool: string, { instances }: ClusterPorts): Promise<InstanceGroup | undefined> {
  return instances.group(cluster, `pool-${pool}`);
}

async function askProbe(probe: Probe, kubernetes: Kubernetes): Promise<HealthProblem[]> {
  const { object, condition, path } = probe;
  if (object !== undefined && condition !== undefined) {
    const { namespace, ...id } = object;
    return objectProblem({ ...probe, object, condition }, await kubernetes.get(namespace === undefined ? id : { ...id, namespace }));
  }
  return path === undefined ? [] : pathProblem(probe, await kubernetes.ask(path));
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;
}
