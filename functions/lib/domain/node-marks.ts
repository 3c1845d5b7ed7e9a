import type { Node, Taint } from '../model/kubernetes.ts';

/** Label by which operators of stateful software (postgres-operator) learn that a node will go. */
const LIFECYCLE_LABEL = 'lifecycle-status';
const PENDING = 'decommission-pending';
const TAINT: Taint = { key: PENDING, value: 'rolling-upgrade', effect: 'PreferNoSchedule' };

/** Annotations that hold the state of a roll on the node being replaced. */
const REPLACING = 'sluice/replacing';
const DRAIN_STARTED = 'sluice/drain-started';
const CORDONED = 'sluice/cordoned';

/** The replacement of a node as begun: the group's desired capacity before, and while it lasts. */
export interface Replacement {
  readonly from: number;
  readonly to: number;
  readonly at: Date;
}

export interface NodePatch {
  readonly metadata: {
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string | null>>;
  };
  readonly spec?: { readonly taints?: readonly Taint[]; readonly unschedulable?: boolean };
}

export function isReady(node: Node): boolean {
  return node.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}

/** Labelled and tainted as one of those that will be replaced. */
export function isMarked(node: Node): boolean {
  return node.metadata.labels[LIFECYCLE_LABEL] === PENDING && node.spec.taints.some(({ key }) => key === PENDING);
}

export function markPatch(node: Node): NodePatch {
  const taints = [...node.spec.taints.filter(({ key }) => key !== PENDING), TAINT];
  return { metadata: { ...versionOf(node), labels: { [LIFECYCLE_LABEL]: PENDING } }, spec: { taints } };
}

/** undefined when the replacement of this node was not begun. */
export function replacementOf(node: Node): Replacement | undefined {
  const match = /^(\d+) (\d+) (\S+)$/.exec(node.metadata.annotations[REPLACING] ?? '');
  return match === null ? undefined : { from: Number(match[1]), to: Number(match[2]), at: new Date(match[3] ?? 0) };
}

/** Capacities are written as numbers, not as "one more": a repeated call adds nothing. */
export function replacePatch(node: Node, { from, to, at }: Replacement): NodePatch {
  return { metadata: { ...versionOf(node), annotations: { [REPLACING]: `${from} ${to} ${at.toISOString()}` } } };
}

/** When the node's drain began; undefined while it is not cordoned for it. */
export function drainStarted(node: Node): Date | undefined {
  const text = node.metadata.annotations[DRAIN_STARTED];
  return text === undefined || !node.spec.unschedulable ? undefined : new Date(text);
}

/** Cordons for the drain; remembers whether it was Sluice that did, so that an operator's own cordon outlives a release. */
export function cordonPatch(node: Node, now: Date): NodePatch {
  const annotations = { [DRAIN_STARTED]: now.toISOString(), ...(node.spec.unschedulable ? {} : { [CORDONED]: 'true' }) };
  return { metadata: { ...versionOf(node), annotations }, spec: { unschedulable: true } };
}

/**
 * Takes back marks and cordon; undefined when there are none. The begun replacement stays written down: the group still
 * has the instance that was added for it, and the next roll goes on with this node instead of adding another one.
 */
export function releasePatch(node: Node): NodePatch | undefined {
  const { annotations, labels } = node.metadata;
  const cordoned = annotations[CORDONED] !== undefined;
  const tainted = node.spec.taints.some(({ key }) => key === PENDING);
  if (!cordoned && !tainted && labels[LIFECYCLE_LABEL] !== PENDING && annotations[DRAIN_STARTED] === undefined) return undefined;
  return {
    metadata: { ...versionOf(node), labels: { [LIFECYCLE_LABEL]: 'ready' }, annotations: { [DRAIN_STARTED]: null, [CORDONED]: null } },
    spec: { taints: node.spec.taints.filter(({ key }) => key !== PENDING), ...(cordoned ? { unschedulable: false } : {}) },
  };
}

/** A patch of a list replaces it whole, so it must not meet a node that changed meanwhile. */
function versionOf(node: Node): { resourceVersion?: string } {
  return node.metadata.resourceVersion === undefined ? {} : { resourceVersion: node.metadata.resourceVersion };
}
