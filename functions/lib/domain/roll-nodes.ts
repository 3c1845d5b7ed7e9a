import type { Node, Pod } from '../model/kubernetes.ts';
import type { Instance, InstanceGroup } from '../ports/instances.ts';
import { byGeneration, describe, instanceOf, isInService } from './instances.ts';
import {
  cordonPatch,
  drainStarted,
  isMarked,
  isReady,
  markPatch,
  type NodePatch,
  type Replacement,
  replacementOf,
  replacePatch,
} from './node-marks.ts';

/** After the cordon the scheduler may still bind a pod that it had chosen before; pods are looked at again after this. */
const SETTLE_SECONDS = 2;
const SHOWN = 3;

export interface PoolObservation {
  readonly pool: string;
  readonly group: InstanceGroup;
  /** All nodes of the cluster; the pool's are those of its instances. */
  readonly nodes: readonly Node[];
  /** Pods of all nodes, read after the nodes. */
  readonly pods: readonly Pod[];
  /** Names of nodes that a volume is still attached to. */
  readonly attached: ReadonlySet<string>;
  readonly now: Date;
}

export type NodeAction =
  | { readonly type: 'patch-node'; readonly node: string; readonly patch: NodePatch }
  | { readonly type: 'set-desired'; readonly group: string; readonly desired: number }
  | { readonly type: 'evict'; readonly node: string; readonly pods: readonly Pod[] }
  | { readonly type: 'terminate'; readonly instance: string; readonly decrement: boolean };

export interface PoolDecision {
  readonly done: boolean;
  readonly reason: string;
  /** To do now; then the world is looked at again. Empty: wait. */
  readonly actions: readonly NodeAction[];
  /** Since when this is waited for, where a node tells. */
  readonly since?: Date;
}

/** An old instance and its node. */
interface Old {
  readonly instance: Instance;
  readonly node: Node;
}

/**
 * What to do next to bring a pool to its current launch template version, one node at a time: mark all old nodes, add
 * one instance, wait until every new one is Ready, cordon one old node, evict its pods, wait until they and its volumes
 * are gone, end the instance, next. What must survive a crash is in annotations of the node being replaced.
 */
export function decidePool(seen: PoolObservation): PoolDecision {
  const { group, pool } = seen;
  const { old, fresh } = byGeneration(group);
  if (old.length === 0) return { done: true, reason: `pool ${pool} is on version ${group.launchTemplateVersion}`, actions: [] };
  const nodeOf = new Map(seen.nodes.map((node) => [instanceOf(node.spec.providerID), node]));
  const joined = old.flatMap((instance): Old[] => {
    const node = nodeOf.get(instance.id);
    return node === undefined ? [] : [{ instance, node }];
  });
  const unmarked = joined.filter(({ node }) => !isMarked(node));
  if (unmarked.length > 0)
    return act(`marking ${unmarked.length} old nodes of pool ${pool}`, ...unmarked.map(({ node }) => patchNode(node, markPatch(node))));
  const booting = fresh.filter((instance) => !hasJoined(instance, nodeOf.get(instance.id)));
  const chosen = choose(joined);
  if (chosen === undefined) return endUnjoined(pool, old, booting);
  const replacement = replacementOf(chosen.node);
  if (replacement === undefined) return begin(group, chosen.node, seen.now);
  const live = old.length + fresh.length;
  const draining = drainStarted(chosen.node) !== undefined;
  if (!draining && group.desired < replacement.to)
    return act(`adding an instance to pool ${pool}`, {
      type: 'set-desired',
      group: group.name,
      desired: Math.min(replacement.to, group.max),
    });
  if (booting.length > 0) return waitFor(`waiting until ${describe(booting)} of pool ${pool} is Ready`, replacement.at);
  if (!draining && live < Math.min(replacement.to, group.max))
    return waitFor(`waiting until pool ${pool} has ${replacement.to} instances; it has ${live}`, replacement.at);
  return drain(seen, chosen, replacement);
}

/** Whether the replacement of a node of this pool was begun and not finished. */
export function isBegun({ group, nodes }: Pick<PoolObservation, 'group' | 'nodes'>): boolean {
  const old = new Set(byGeneration(group).old.map(({ id }) => id));
  return nodes.some((node) => old.has(instanceOf(node.spec.providerID)) && replacementOf(node) !== undefined);
}

function hasJoined(instance: Instance, node: Node | undefined): boolean {
  return isInService(instance) && node !== undefined && isReady(node);
}

/** The node whose replacement was begun, else one that is not Ready, else the first. */
function choose(joined: readonly Old[]): Old | undefined {
  const weight = ({ node }: Old): number => (replacementOf(node) !== undefined ? 0 : isReady(node) ? 2 : 1);
  return [...joined].sort((left, right) => weight(left) - weight(right) || left.instance.id.localeCompare(right.instance.id))[0];
}

function begin(group: InstanceGroup, node: Node, at: Date): PoolDecision {
  const replacement = { from: group.desired, to: Math.min(group.desired + 1, group.max), at };
  return act(`replacing node ${node.metadata.name}`, patchNode(node, replacePatch(node, replacement)));
}

/** Old instances that never joined run no pods: the group replaces them, one after another. */
function endUnjoined(pool: string, old: readonly Instance[], booting: readonly Instance[]): PoolDecision {
  const first = old[0];
  if (first === undefined || booting.length > 0) return waitFor(`waiting until ${describe(booting)} of pool ${pool} is Ready`);
  return act(`old instance ${first.id} never joined; ending it`, { type: 'terminate', instance: first.id, decrement: false });
}

function drain(seen: PoolObservation, { instance, node }: Old, replacement: Replacement): PoolDecision {
  const { group, now } = seen;
  const { name } = node.metadata;
  const since = drainStarted(node);
  if (since === undefined) return act(`cordoning node ${name}`, patchNode(node, cordonPatch(node, now)));
  const left = seen.pods.filter((pod) => pod.spec.nodeName === name && mustLeave(pod));
  const pods = left.filter((pod) => pod.metadata.deletionTimestamp === undefined);
  if (pods.length > 0) return { ...act(`evicting ${namesOf(pods)} from ${name}`, { type: 'evict', node: name, pods }), since };
  if (left.length > 0) return waitFor(`waiting until ${namesOf(left)} has left ${name}`, since);
  if (seen.attached.has(name)) return waitFor(`waiting until volumes are detached from ${name}`, since);
  if (now.getTime() - since.getTime() < SETTLE_SECONDS * 1000) return waitFor(`node ${name} is empty; looking once more`, since);
  // Without room for one instance more, the group must replace this one itself.
  const decrement = replacement.to > replacement.from && group.desired - 1 >= group.min;
  return { ...act(`ending ${instance.id}, whose node ${name} is empty`, { type: 'terminate', instance: instance.id, decrement }), since };
}

/** DaemonSet and mirror pods end with their node; finished ones hold nothing. */
export function mustLeave(pod: Pod): boolean {
  if (pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') return false;
  if (pod.metadata.annotations['kubernetes.io/config.mirror'] !== undefined) return false;
  return !pod.metadata.ownerReferences.some(({ kind, controller }) => kind === 'DaemonSet' && controller === true);
}

function namesOf(pods: readonly Pod[]): string {
  const names = pods.slice(0, SHOWN).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  return pods.length > SHOWN ? `${names.join(', ')} and ${pods.length - SHOWN} more` : names.join(', ');
}

function patchNode(node: Node, patch: NodePatch): NodeAction {
  return { type: 'patch-node', node: node.metadata.name, patch };
}

function act(reason: string, ...actions: readonly NodeAction[]): PoolDecision {
  return { done: false, reason, actions };
}

function waitFor(reason: string, since?: Date): PoolDecision {
  return { done: false, reason, actions: [], ...(since === undefined ? {} : { since }) };
}
