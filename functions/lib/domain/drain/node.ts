import type { Node, Pod } from '../../model/kubernetes.ts';
import { type ForceVerdict, mayForce } from './force.ts';
import { type Drain, isReady } from './marks.ts';
import { isOverdue, isTerminating, mustLeave, namesOf } from './pods.ts';
import { heldForOperator } from './postgres.ts';
import { unsettledOf } from './settled.ts';
import type { RollFacts } from './view.ts';

/** After the cordon the scheduler may still bind a pod that it had chosen before; pods are looked at again after this. */
const SETTLE_SECONDS = 2;

/** Only what is evicted one by one is ever forced. */
const NOT_YET: ForceVerdict = { allowed: false, reason: 'evictions still make progress' };

/** A pod to evict, and whether it may be deleted if a budget forbids that. */
export interface EvictedPod {
  readonly pod: Pod;
  readonly force: ForceVerdict;
}

export type DrainStep =
  | { readonly do: 'wait'; readonly reason: string }
  | { readonly do: 'evict'; readonly pods: readonly EvictedPod[]; readonly oneByOne: boolean; readonly reason: string }
  | { readonly do: 'terminate'; readonly reason: string };

/** What the drain of one node needs next. */
export function drainNode(
  node: Node,
  drain: Drain,
  facts: Pick<RollFacts, 'pods' | 'attached' | 'replicas' | 'budgets' | 'limits' | 'now'>,
): DrainStep {
  const { name } = node.metadata;
  // Of a node whose kubelet is gone nobody tells that pods ended: what is overdue there goes with the instance.
  const ready = isReady(node);
  const left = facts.pods.filter((pod) => pod.spec.nodeName === name && mustLeave(pod) && (ready || !isOverdue(pod, facts.now)));
  const ending = left.filter(isTerminating);
  const held = heldForOperator(left, drain.since, facts.now);
  const pods = left.filter((pod) => !isTerminating(pod) && !held.includes(pod));
  const onTheirWay = ending.filter((pod) => !isOverdue(pod, facts.now));
  if (pods.length > 0 && !(drain.oneByOne && onTheirWay.length > 0))
    return { do: 'evict', pods: withForce(pods, drain, facts), oneByOne: drain.oneByOne, reason: `evicting ${namesOf(pods)} from ${name}` };
  if (held.length > 0)
    return { do: 'wait', reason: `waiting until postgres-operator has moved the primary of ${namesOf(held)} off ${name}` };
  if (ending.length > 0) return { do: 'wait', reason: leavingText(ending, facts.now, name) };
  if (ready && facts.attached.has(name)) return { do: 'wait', reason: `waiting until volumes are detached from ${name}` };
  if (facts.now.getTime() - drain.since.getTime() < SETTLE_SECONDS * 1000)
    return { do: 'wait', reason: `node ${name} is empty; looking once more` };
  const unsettled = unsettledOf(drain.awaits, facts);
  if (unsettled.length > 0) return { do: 'wait', reason: `waiting until what left ${name} is Ready elsewhere: ${unsettled.join(', ')}` };
  return { do: 'terminate', reason: `ending node ${name}, which is empty` };
}

function withForce(pods: readonly Pod[], drain: Drain, facts: Pick<RollFacts, 'pods' | 'budgets' | 'limits' | 'now'>): EvictedPod[] {
  return pods.map((pod) => ({ pod, force: drain.oneByOne ? mayForce(pod, { ...facts, drain }) : NOT_YET }));
}

function leavingText(ending: readonly Pod[], now: Date, name: string): string {
  const overdue = ending.filter((pod) => isOverdue(pod, now));
  const late = overdue.length === 0 ? '' : `; ${namesOf(overdue)} should be gone by now, look at finalizers and the kubelet`;
  return `waiting until ${namesOf(ending)} has left ${name}${late}`;
}
