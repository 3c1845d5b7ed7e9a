import { decideRoll, type NodeAction, type RollDecision } from '#domain/drain/decide.ts';
import { type PoolView, type RollFacts, type RollPool, viewOf } from '#domain/drain/view.ts';
import type { Node } from '#model/kubernetes.ts';
import type { Instance, ZonedGroup } from '#ports/instances.ts';
import { ago, facts, group, instance, type NodeShape, node } from './drain.ts';

const POOL: RollPool = { name: 'general', surgePercent: 10, stateful: false };
const KEPT = { 'cluster-autoscaler.kubernetes.io/scale-down-disabled': 'true', 'sluice/scale-down-off': 'true' };
/** As `markPatch` leaves it. */
export const MARKED: NodeShape = {
  labels: { 'lifecycle-status': 'decommission-pending' },
  taints: [{ key: 'decommission-pending', value: 'rolling-upgrade', effect: 'PreferNoSchedule' }],
  annotations: KEPT,
};

export interface Setting {
  pool?: Partial<RollPool>;
  /** `a1 b1 c1*`: instances by zone and number, those of the current version with a star. */
  instances: string;
  /** Of the group. */
  change?: Partial<ZonedGroup>;
  /** Change of single instances and nodes, by id; null: it has not joined. */
  states?: Record<string, Partial<Instance>>;
  nodes?: Record<string, NodeShape | null>;
}

/** A pool whose nodes are marked and whose roll is noted, as after its first looks. */
export function pool(setting: Setting): { pool: RollPool; group: ZonedGroup; nodes: Node[] } {
  const ids = setting.instances.split(' ').filter((text) => text !== '');
  const instances = ids.map((text) => instance(text, setting.states?.[text.replace('*', '')]));
  const nodes = instances.flatMap(({ id, zone, launchTemplateVersion }) => {
    const shape = setting.nodes?.[id];
    if (shape === null) return [];
    const base = launchTemplateVersion === '2' ? { annotations: KEPT } : MARKED;
    return [node(id, { zone, ...base, ...shape, annotations: { ...base.annotations, ...shape?.annotations } })];
  });
  return { pool: { ...POOL, ...setting.pool }, group: group(instances, { note: note(3, 1), ...setting.change }), nodes };
}

/** What a roll remembers of a pool. */
export function note(base: number, surge: number): string {
  return `${base} ${surge} rebalances 2026-03-01T11:00:00.000Z`;
}

/** Cordoned by the roll, `seconds` ago. */
export function drained(seconds = 60, more: Record<string, string> = {}): NodeShape {
  return {
    cordoned: true,
    annotations: { ...KEPT, 'sluice/drain-started': ago(seconds).toISOString(), 'sluice/cordoned': 'true', ...more },
  };
}

export function decide(pools: ReturnType<typeof pool>[], change: Partial<RollFacts> = {}): RollDecision {
  return decideRoll(factsOf(pools, change));
}

/** The pools as their roll sees them. */
export function seen(pools: ReturnType<typeof pool>[], change: Partial<RollFacts> = {}): PoolView[] {
  return viewOf(factsOf(pools, change));
}

function factsOf(pools: ReturnType<typeof pool>[], change: Partial<RollFacts>): RollFacts {
  const nodes = pools.flatMap((one) => one.nodes);
  return facts({ pools: pools.map((one) => ({ pool: one.pool, group: one.group })), nodes, ...change });
}

/** Each action in few words; a patch without a resource version ends with `!`. */
export function told(actions: readonly NodeAction[]): string[] {
  return actions.map((action) => {
    if (action.type === 'set-desired') return `desired ${action.desired}`;
    if (action.type === 'terminate') return `end ${action.instance}${action.decrement ? ' and shrink' : ''}`;
    if (action.type === 'rebalance') return `rebalance ${action.on ? 'on' : 'off'}`;
    if (action.type === 'note') return `note ${action.note?.split(' ').slice(0, 3).join(' ') ?? 'none'}`;
    if (action.type === 'evict')
      return `evict ${action.pods.map((one) => one.pod.metadata.name).join(' ')}${action.oneByOne ? ' one by one' : ''}`;
    const { spec, metadata } = action.patch;
    if (spec?.unschedulable === true) return `cordon ${action.node}`;
    if (spec?.unschedulable === false) return `release ${action.node}`;
    return `${spec?.taints === undefined ? 'keep' : spec.taints.length > 0 ? 'mark' : 'unmark'} ${action.node}${metadata.resourceVersion === undefined ? '!' : ''}`;
  });
}
