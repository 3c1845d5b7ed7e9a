import type { Node, Pod, PodDisruptionBudget } from '../../model/kubernetes.ts';
import type { Permission } from '../../model/progress.ts';
import type { Instance, LaunchFailure, ZonedGroup } from '../../ports/instances.ts';
import { byGeneration, instanceOf, isInService } from '../instances.ts';
import type { ForceLimits } from './force.ts';
import { type Drain, drainOf, isMarked, isReady } from './marks.ts';
import { type Rolling, rollingOf } from './rolling.ts';
import { surgeOf } from './surge.ts';

/** Of a pool's settings, what its roll goes by. */
export interface RollPool {
  readonly name: string;
  readonly surgePercent: number;
  readonly stateful: boolean;
}

/** What was seen of the cluster: groups first, then nodes, then pods, so that no pod bound before a cordon is missed. */
export interface RollFacts {
  readonly pools: readonly { readonly pool: RollPool; readonly group: ZonedGroup }[];
  /** All nodes of the cluster. */
  readonly nodes: readonly Node[];
  /** Pods of all nodes. */
  readonly pods: readonly Pod[];
  /** Names of nodes that a volume is still attached to. */
  readonly attached: ReadonlySet<string>;
  /** How many pods each controller (by uid) is to have; those that are not in it are not known or gone. */
  readonly replicas: ReadonlyMap<string, number>;
  readonly budgets: readonly PodDisruptionBudget[];
  /** When what a budget protects may be deleted all the same. */
  readonly limits: ForceLimits;
  /** Instances that the free addresses of the groups' subnets suffice for; undefined when nobody could tell. */
  readonly room: number | undefined;
  /** What AWS says of groups, by name, that it gives fewer instances than they are to have. */
  readonly failures?: ReadonlyMap<string, LaunchFailure>;
  readonly permission: Permission;
  readonly now: Date;
}

/** A live instance whose node has joined. */
export interface Member {
  readonly instance: Instance;
  readonly node: Node;
  readonly old: boolean;
  readonly drain: Drain | undefined;
}

/** A pool as its roll sees it. */
export interface PoolView {
  readonly pool: RollPool;
  readonly group: ZonedGroup;
  readonly members: readonly Member[];
  /** Live old instances without a node. */
  readonly unjoined: readonly Instance[];
  /** Live new instances that are not in service with a Ready node. */
  readonly booting: readonly Instance[];
  /** undefined when nothing is to be rolled and nothing is left of a roll. */
  readonly rolling: Rolling | undefined;
  /** Members that will be ended: the old ones, or when there are none any more, those that came in addition and were not needed. */
  readonly leaving: readonly Member[];
  /** How many instances are still to be ended, joined or not. */
  readonly remaining: number;
  /** Live instances in each zone. */
  readonly zones: ReadonlyMap<string, number>;
  /** Whether nodes are matched with new ones of their zone. */
  readonly matched: boolean;
  /** Why AWS starts no instance although the group is to have more. */
  readonly failure?: LaunchFailure;
}

export function viewOf(facts: RollFacts): PoolView[] {
  const nodeOf = new Map(facts.nodes.map((node) => [instanceOf(node.spec.providerID), node]));
  return facts.pools.map(({ pool, group }) => poolView(facts, pool, group, nodeOf));
}

function poolView(facts: RollFacts, pool: RollPool, group: ZonedGroup, nodeOf: ReadonlyMap<string, Node>): PoolView {
  const { old, fresh } = byGeneration(group);
  const members = [...old, ...fresh].flatMap((instance): Member[] => {
    const node = nodeOf.get(instance.id);
    return node === undefined ? [] : [{ instance, node, old: old.includes(instance), drain: drainOf(node) }];
  });
  const matched = pool.stateful || members.some((member) => member.old && facts.attached.has(member.node.metadata.name));
  const rolling = rollingNow(pool, group, old.length > 0, matched, facts.now);
  const zones = new Map(group.zones.map((zone) => [zone, 0]));
  for (const { zone } of [...old, ...fresh]) zones.set(zone, (zones.get(zone) ?? 0) + 1);
  const failure = facts.failures?.get(group.name);
  // What AWS never started need not be ended.
  const there = failure === undefined ? group.desired : Math.min(group.desired, old.length + fresh.length);
  const surplus = rolling === undefined || old.length > 0 ? 0 : Math.max(0, there - rolling.base);
  const leaving = old.length > 0 ? members.filter((member) => member.old) : surplusOf(members, zones, surplus);
  return {
    pool,
    group,
    members,
    unjoined: old.filter(({ id }) => !nodeOf.has(id)),
    booting: fresh.filter((instance) => {
      const node = nodeOf.get(instance.id);
      return !isInService(instance) || node === undefined || !isReady(node);
    }),
    rolling,
    leaving,
    remaining: old.length > 0 ? old.length : leaving.length,
    zones,
    matched,
    ...(failure === undefined ? {} : { failure }),
  };
}

/** The pool as it is once a member is ended. */
export function without(view: PoolView, { instance }: Member, decrement: boolean): PoolView {
  const others = (members: readonly Member[]): Member[] => members.filter((member) => member.instance !== instance);
  return {
    ...view,
    group: { ...view.group, desired: view.group.desired - (decrement ? 1 : 0) },
    members: others(view.members),
    leaving: others(view.leaving),
    remaining: view.remaining - 1,
    zones: new Map([...view.zones].map(([zone, live]) => [zone, zone === instance.zone ? live - 1 : live])),
  };
}

/**
 * The state of a pool's roll as it is noted. Somebody else may have changed the group's size since (the autoscaler, a
 * person): what is above or below what the roll itself does to it becomes the size to end with.
 */
function rollingNow(pool: RollPool, group: ZonedGroup, begins: boolean, matched: boolean, now: Date): Rolling | undefined {
  const noted = rollingOf(group.note);
  const within = (size: number): number => Math.min(Math.max(size, group.min), group.max);
  if (noted === undefined) {
    if (!begins) return undefined;
    const base = within(group.desired);
    return { base, surge: surgeOf(pool, base, group, matched), rebalances: group.rebalances, since: now };
  }
  const { base, surge } = noted;
  const adopted = within(group.desired > base + surge ? group.desired - surge : Math.min(base, group.desired));
  return { ...noted, base: adopted, surge: Math.min(surge, group.max - adopted) };
}

/** Those already chosen first, then from the zone that has most. */
function surplusOf(members: readonly Member[], zones: ReadonlyMap<string, number>, surplus: number): Member[] {
  const chosen = ({ node, drain }: Member): number => (drain !== undefined || isMarked(node) ? 0 : 1);
  const crowd = ({ instance }: Member): number => -(zones.get(instance.zone) ?? 0);
  const order = (left: Member, right: Member): number =>
    chosen(left) - chosen(right) || crowd(left) - crowd(right) || left.instance.id.localeCompare(right.instance.id);
  // One after the other: the zone that has most is another one after each.
  return surplus === 0 ? [] : [...members].sort(order).slice(0, 1);
}
