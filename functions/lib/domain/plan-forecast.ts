import type { DrainRisk } from '#model/drain-report.ts';
import type { Disruption } from '#model/plan.ts';
import type { Manifest, Render } from '#model/render.ts';
import type { Environment } from '#model/settings.ts';
import { forceLimits } from './drain/force.ts';
import { risksInObjects } from './drain/pod-groups.ts';
import { risksOf } from './drain/risks.ts';
import { canonicalJson } from './hash.ts';
import type { ClusterChange } from './plan-compare.ts';

const WORKLOADS = ['Deployment', 'StatefulSet', 'DaemonSet'];

/** A cluster that stands for all of its environment. */
export interface Sample {
  readonly render: Render;
  readonly environment: Environment;
}

/**
 * @param bases what each cluster has; none for those that are created
 * @param samples one cluster of each environment: what holds a drain differs little between them
 */
export function disruptionOf(change: ClusterChange, bases: readonly Render[], samples: readonly Sample[] = []): Disruption {
  const pools = change.rolls.filter(({ role, reason }) => role.startsWith('pool-') && reason !== 'new');
  const drained = pools.reduce((sum, { instances }) => sum + instances, 0);
  const restarts = change.items.flatMap(({ before, after }) => {
    if (before?.kind !== 'object' || after === undefined || !restarted(before.value, after.value)) return [];
    return [after.name];
  });
  const ownPods = drained === 0 ? 0 : bases.reduce((sum, base) => sum + podsOf(base), 0);
  const risks = drained === 0 ? [] : drainRisks(samples);
  return { restarts: restarts.sort(), ownPods, drained, ...(risks.length === 0 ? {} : { risks }) };
}

/** Each object once: a budget is the same one in every environment. */
function drainRisks(samples: readonly Sample[]): DrainRisk[] {
  const risks = samples.flatMap(({ render, environment }) => {
    const objects = render.components.flatMap((component) => component.objects);
    return risksOf({ ...risksInObjects(objects), limits: forceLimits(environment) });
  });
  return [...new Map(risks.map((risk) => [`${risk.kind} ${risk.object}`, risk])).values()];
}

function podsOf({ components }: Render): number {
  return components.flatMap(({ objects }) => objects).reduce((sum, object) => sum + replicasOf(object), 0);
}

function restarted(before: unknown, after: unknown): boolean {
  const [old, now] = [specOf(before), specOf(after)];
  if (old === undefined || now === undefined || updatesByHand(now)) return false;
  return canonicalJson(old['template'] ?? null) !== canonicalJson(now['template'] ?? null);
}

/** Such pods stay until somebody deletes them (apps/v1 `OnDelete`). */
function updatesByHand(spec: Readonly<Record<string, unknown>>): boolean {
  const strategy = spec['updateStrategy'];
  return isRecord(strategy) && strategy['type'] === 'OnDelete';
}

function specOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (!isRecord(value) || typeof value['kind'] !== 'string' || !WORKLOADS.includes(value['kind'])) return undefined;
  return isRecord(value['spec']) ? value['spec'] : undefined;
}

/** apps/v1: one replica where none is said. Pods of a DaemonSet end with their node and are not evicted. */
function replicasOf(object: Manifest): number {
  if (object.kind !== 'Deployment' && object.kind !== 'StatefulSet') return 0;
  const replicas = specOf(object)?.['replicas'];
  return typeof replicas === 'number' && Number.isInteger(replicas) && replicas >= 0 ? replicas : 1;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
