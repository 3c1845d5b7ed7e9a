import type { Node } from '../../model/kubernetes.ts';
import { timeText } from '../duration.ts';
import { describe } from '../instances.ts';
import { cordonPatch, isKept, isMarked, isReady, keepPatch, markPatch, type NodePatch, releasePatch } from './marks.ts';
import { drainNode, type EvictedPod } from './node.ts';
import { noteOf, rollingOf } from './rolling.ts';
import { awaitedOf } from './settled.ts';
import { raiseTo, shrinksBy } from './surge.ts';
import { type Member, type PoolView, type RollFacts, viewOf, without } from './view.ts';
import { chooseZone, hasMatch, takesPods } from './zones.ts';

export type NodeAction =
  | { readonly type: 'patch-node'; readonly node: string; readonly patch: NodePatch }
  /** What the pool's roll must remember; undefined: it is over. */
  | { readonly type: 'note'; readonly group: string; readonly note: string | undefined }
  | { readonly type: 'rebalance'; readonly group: string; readonly on: boolean }
  | { readonly type: 'set-desired'; readonly group: string; readonly desired: number }
  /** All at once, or tried in turn until one goes. */
  | { readonly type: 'evict'; readonly node: string; readonly pods: readonly EvictedPod[]; readonly oneByOne: boolean }
  | { readonly type: 'terminate'; readonly instance: string; readonly decrement: boolean };

/** Something that is waited for, and since when where a node tells. */
export interface Wait {
  readonly reason: string;
  readonly since?: Date;
}

export interface RollDecision {
  readonly done: boolean;
  /** Instances that are left to a later update. */
  readonly deferred: number;
  /** To do now; then the world is looked at again. Empty: wait. */
  readonly actions: readonly NodeAction[];
  /** What is done now, for people. */
  readonly doing: readonly string[];
  readonly waits: readonly Wait[];
}

/** AWS' words where a limit of the account is reached, of vCPUs, instances or Spot, and not where it lacks capacity. */
const LIMIT = /\b(limit|quota)\b|count exceeded/i;

interface Part {
  readonly actions: readonly NodeAction[];
  readonly doing?: string;
  readonly waits?: readonly Wait[];
}

/**
 * What to do next to bring all pools to their current launch template versions: mark all old nodes, add instances, and when
 * they are Ready drain and end old nodes, of all pools at once but of one zone at a time. All that must survive a crash is in
 * annotations of the nodes and at the groups, and is written before what it is about.
 */
export function decideRoll(facts: RollFacts): RollDecision {
  const views = viewOf(facts);
  const left = views.reduce((sum, { remaining }) => sum + remaining, 0);
  const draining = views.some(({ members }) => members.some(({ drain }) => drain !== undefined));
  const stops = facts.permission.decision === 'later' && !draining;
  if (left === 0 || stops) return end(views, stops ? left : 0);
  const begun = facts.pools.some(({ group }) => group.note !== undefined);
  if (facts.permission.decision !== 'go' && !begun) return decision([{ actions: [], waits: [{ reason: facts.permission.reason }] }]);
  const prepared = views.map(prepare);
  // What is noted comes before what it is about.
  if (prepared.some(({ actions }) => actions.length > 0)) return decision(prepared);
  const drains = views.flatMap((view) => drainsOf(view, facts));
  const ended = new Set(drains.flatMap(({ actions }) => actions.flatMap((action) => (action.type === 'terminate' ? action.instance : []))));
  return decision([
    ...views.flatMap(refusalOf),
    ...drains,
    ...(facts.permission.decision === 'go' ? beginNext(views, ended, facts) : [{ actions: [], waits: [facts.permission] }]),
  ]);
}

/** Takes everything back that the roll put on nodes and groups; done when there is nothing. */
function end(views: readonly PoolView[], deferred: number): RollDecision {
  const parts = views.map((view): Part => {
    const { pool, group, rolling, members } = view;
    const doing = `pool ${pool.name} is given back`;
    if (rollingOf(group.note)?.rebalances === true && !group.rebalances)
      return { actions: [{ type: 'rebalance', group: group.name, on: true }], doing };
    const patches = members.flatMap(({ node }) => {
      const patch = releasePatch(node);
      return patch === undefined ? [] : [patchNode(node, patch)];
    });
    if (patches.length > 0) return { actions: patches, doing };
    if (rolling !== undefined && group.desired > rolling.base && isRefused(view) && !exceedsBase(view))
      return {
        actions: [{ type: 'set-desired', group: group.name, desired: rolling.base }],
        doing: `pool ${pool.name} does without what AWS did not start`,
      };
    // What was added stays known until it is gone: the next roll goes on with it.
    const added = rolling !== undefined && group.desired > rolling.base;
    return group.note === undefined || added ? { actions: [] } : { actions: [{ type: 'note', group: group.name, note: undefined }], doing };
  });
  const ended = decision(parts);
  return { ...ended, done: ended.actions.length === 0, deferred };
}

/** The pool's state, the group's own balancing off, and marks. */
function prepare({ pool, group, rolling, members, leaving, remaining }: PoolView): Part {
  if (rolling === undefined || remaining === 0) return { actions: [] };
  const noted = rollingOf(group.note);
  const doing = `pool ${pool.name}: ${remaining} to replace, ${rolling.surge} more at once`;
  if (noted?.base !== rolling.base || noted.surge !== rolling.surge)
    return { actions: [{ type: 'note', group: group.name, note: noteOf(rolling) }], doing };
  if (group.rebalances) return { actions: [{ type: 'rebalance', group: group.name, on: false }], doing };
  const patches = members.flatMap(({ node, old, drain }) => {
    const leaves = leaving.some((member) => member.node === node);
    if (!leaves && !old && (isMarked(node) || drain !== undefined)) return patchNode(node, releasePatch(node) ?? { metadata: {} });
    if (leaves) return isMarked(node) && isKept(node) ? [] : patchNode(node, markPatch(node));
    return isKept(node) ? [] : patchNode(node, keepPatch(node));
  });
  return patches.length === 0 ? { actions: [] } : { actions: patches, doing: `marking ${patches.length} nodes of pool ${pool.name}` };
}

/** What the drains that are under way need now. */
function drainsOf(view: PoolView, facts: RollFacts): Part[] {
  let now = view;
  return view.members.flatMap((member): Part[] => {
    if (member.drain === undefined) return [];
    const step = drainNode(member.node, member.drain, facts);
    if (step.do === 'wait') return [{ actions: [], waits: [{ reason: step.reason, since: member.drain.since }] }];
    if (step.do === 'evict') {
      const action = { type: 'evict', node: member.node.metadata.name, pods: step.pods, oneByOne: step.oneByOne } as const;
      return [{ actions: [action], doing: step.reason, waits: [{ reason: step.reason, since: member.drain.since }] }];
    }
    const decrement = shrinksBy(now, member.instance.zone);
    now = without(now, member, decrement);
    return [{ actions: [{ type: 'terminate', instance: member.instance.id, decrement }], doing: step.reason }];
  });
}

/** Adds instances, and begins nodes where that costs nobody anything. */
function beginNext(views: readonly PoolView[], ended: ReadonlySet<string>, facts: RollFacts): Part[] {
  let room = facts.room;
  const parts: Part[] = [];
  const full = new Set<PoolView>();
  for (const view of views) {
    const { group, pool, remaining, rolling } = view;
    if (rolling === undefined || remaining === 0) continue;
    // What is ended right now changes the size by itself: it is looked at again first.
    const ends = view.members.some(({ instance }) => ended.has(instance.id));
    const desired = ends ? undefined : raiseTo(view, isUnmatched(view), room);
    if (desired !== undefined) {
      if (room !== undefined) room -= desired - group.desired;
      const actions = [{ type: 'set-desired', group: group.name, desired }] as const;
      parts.push({ actions, doing: `adding ${desired - group.desired} to pool ${pool.name}` });
      continue;
    }
    full.add(view);
    if (isStuck(view, roomFor(view, views, facts.room))) parts.push(endOrWiden(view));
  }
  if (parts.some(({ actions }) => actions.length > 0)) return parts;
  return [...parts, ...beginNodes(views, [...full], facts)];
}

/** A node that must be matched and has no new one in its zone, while no instance is on its way. */
function isUnmatched(view: PoolView): boolean {
  const waiting = view.leaving.filter(({ drain, old }) => old && drain === undefined);
  return view.matched && view.booting.length === 0 && waiting.length > 0 && waiting.every(({ instance }) => !hasMatch(view, instance.zone));
}

/**
 * Nothing is under way, and nothing can be begun but for instances that never joined (of a version that was broken, they may
 * be all that was added) or for zones without a new node.
 * @param room nodes that may be begun now
 */
function isStuck(view: PoolView, room: number): boolean {
  const nothingOn = view.booting.length === 0 && view.members.every(({ drain }) => drain === undefined);
  const endsOne = view.unjoined.length > 0 && (view.leaving.length === 0 || room === 0);
  return nothingOn && (endsOne || (isUnmatched(view) && canWiden(view)));
}

function canWiden({ rolling, group }: PoolView): boolean {
  return rolling !== undefined && rolling.base + rolling.surge < group.max;
}

/** An old instance that never joined, and so runs no pods, is ended; or one instance more may be added, noted first. */
function endOrWiden(view: PoolView): Part {
  const { pool, group, rolling, unjoined } = view;
  const first = unjoined[0];
  if (first !== undefined) {
    const decrement = shrinksBy(view, first.zone);
    return { actions: [{ type: 'terminate', instance: first.id, decrement }], doing: `old instance ${first.id} never joined; ending it` };
  }
  if (rolling === undefined) return { actions: [] };
  const note = noteOf({ ...rolling, surge: rolling.surge + 1 });
  return {
    actions: [{ type: 'note', group: group.name, note }],
    doing: `pool ${pool.name} needs one more, for a zone that has no new node`,
  };
}

function beginNodes(views: readonly PoolView[], full: readonly PoolView[], facts: RollFacts): Part[] {
  const room = (view: PoolView): number => roomFor(view, views, facts.room);
  const able = full.filter((view) => room(view) > 0);
  const waits = full
    .filter((view) => !able.includes(view) && view.remaining > 0)
    .map((view): Part => ({ actions: [], waits: waitsOf(view) }));
  const waiting = able.filter(({ leaving }) => leaving.some(({ drain }) => drain === undefined));
  if (waiting.length === 0) return waits;
  const choice = chooseZone(views, waiting, facts);
  if (choice.zone === undefined) return [...waits, { actions: [], waits: [{ reason: choice.reason }] }];
  const { zone } = choice;
  const begun = waiting.flatMap((view): Part[] => {
    const nodes = view.leaving.filter(({ drain, instance }) => drain === undefined && instance.zone === zone).sort(sickFirst);
    const next = nodes.slice(0, room(view));
    return next.map(({ node }) => ({
      actions: [patchNode(node, cordonPatch(node, facts.now, awaitedOf(node.metadata.name, facts.pods)))],
      doing: `replacing node ${node.metadata.name}`,
    }));
  });
  return [...waits, ...begun];
}

function sickFirst(left: Member, right: Member): number {
  return Number(isReady(left.node)) - Number(isReady(right.node)) || left.instance.id.localeCompare(right.instance.id);
}

/**
 * How many nodes of a pool may be begun now: at most so many at once as were added for it, and never so many that fewer
 * take pods than before the roll (one fewer where none could be added). A node that takes none can always be begun.
 */
function roomFor(view: PoolView, views: readonly PoolView[], addresses: number | undefined): number {
  const { rolling, pool, members, leaving, group } = view;
  if (rolling === undefined) return 0;
  const drains = members.filter(({ drain }) => drain !== undefined).length;
  const sequential = pool.stateful && views.some((other) => other.pool.stateful && other.members.some(({ drain }) => drain !== undefined));
  if (sequential) return 0;
  const atOnce = (pool.stateful ? 1 : Math.max(1, rolling.surge)) - drains;
  const inPlace = rolling.surge === 0 || (addresses === 0 && group.desired <= rolling.base) || isFull(view);
  const floor = rolling.base - (inPlace ? 1 : 0);
  const spare = members.filter((member) => member.drain === undefined && takesPods(member)).length - floor;
  const useless = leaving.filter((member) => member.drain === undefined && !takesPods(member)).length;
  return Math.max(0, Math.min(atOnce, Math.max(0, spare) + useless));
}

/** AWS' words, on the check as long as it does not start what it was asked for. */
function refusalOf({ pool, failure }: PoolView): Part[] {
  if (failure === undefined) return [];
  return [
    { actions: [], waits: [{ reason: `AWS started no instance of pool ${pool.name} at ${timeText(failure.at)}: ${failure.message}` }] },
  ];
}

/** AWS refused to start what the group is to have in addition. */
function isRefused({ failure, rolling }: PoolView): boolean {
  return failure !== undefined && rolling !== undefined && failure.at >= rolling.since;
}

function exceedsBase({ zones, rolling }: PoolView): boolean {
  return rolling !== undefined && [...zones.values()].reduce((sum, count) => sum + count, 0) > rolling.base;
}

/**
 * Nothing can be added since the account's limit is reached: an old instance that ends makes room for a new one. Where AWS has no
 * capacity it makes none, and the roll waits.
 */
function isFull(view: PoolView): boolean {
  return isRefused(view) && view.booting.length === 0 && !exceedsBase(view) && LIMIT.test(view.failure?.message ?? '');
}

function waitsOf({ pool, booting, rolling, members, group }: PoolView): Wait[] {
  if (members.some(({ drain }) => drain !== undefined)) return [];
  const since = rolling?.since;
  if (booting.length > 0)
    return [{ reason: `waiting until ${describe(booting)} of pool ${pool.name} is Ready`, ...(since ? { since } : {}) }];
  const reason = `waiting until pool ${pool.name} has ${group.desired} nodes that take pods; it has ${members.filter(takesPods).length}`;
  return [{ reason, ...(since ? { since } : {}) }];
}

function patchNode(node: Node, patch: NodePatch): NodeAction {
  return { type: 'patch-node', node: node.metadata.name, patch };
}

function decision(parts: readonly Part[]): RollDecision {
  return {
    done: false,
    deferred: 0,
    actions: parts.flatMap(({ actions }) => actions),
    doing: parts.flatMap(({ doing }) => doing ?? []),
    waits: parts.flatMap(({ waits = [] }) => waits),
  };
}
