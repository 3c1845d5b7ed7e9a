import type { Disruption } from '#model/plan.ts';
import type { Manifest, Render } from '#model/render.ts';
import { canonicalJson } from './hash.ts';
import type { ClusterChange } from './plan-compare.ts';

const WORKLOADS = ['Deployment', 'StatefulSet', 'DaemonSet'];

/** @param bases what each cluster has; none for those that are created */
export function disruptionOf(change: ClusterChange, bases: readonly Render[]): Disruption {
  const pools = change.rolls.filter(({ role, reason }) => role.startsWith('pool-') && reason !== 'new');
  const drained = pools.reduce((sum, { instances }) => sum + instances, 0);
  const restarts = change.items.flatMap(({ before, after }) => {
    if (before?.kind !== 'object' || after === undefined || !restarted(before.value, after.value)) return [];
    return [after.name];
  });
  const ownPods = drained === 0 ? 0 : bases.reduce((sum, base) => sum + podsOf(base), 0);
  return { restarts: restarts.sort(), ownPods, drained };
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
