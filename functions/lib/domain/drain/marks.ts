import type { Node, Taint } from '../../model/kubernetes.ts';

/** Label by which operators of stateful software (postgres-operator) learn that a node will go. */
const LIFECYCLE_LABEL = 'lifecycle-status';
const PENDING = 'decommission-pending';
const TAINT: Taint = { key: PENDING, value: 'rolling-upgrade', effect: 'PreferNoSchedule' };

/** Annotations that hold the state of a drain, on the node that is drained. */
const DRAIN_STARTED = 'sluice/drain-started';
const DRAIN_MODE = 'sluice/drain-mode';
const AWAITS = 'sluice/drain-awaits';
const LAST_FORCED = 'sluice/last-forced';
const CORDONED = 'sluice/cordoned';
const SCALE_DOWN_OFF = 'sluice/scale-down-off';
/** The autoscaler takes no node away that has this. */
const SCALE_DOWN_DISABLED = 'cluster-autoscaler.kubernetes.io/scale-down-disabled';

/** A node's drain as begun. */
export interface Drain {
  readonly since: Date;
  /** No eviction made progress any more: now one pod at a time. */
  readonly oneByOne: boolean;
  /** When a pod of this node was last deleted by force. */
  readonly lastForced?: Date;
  /** Ready pods of each controller (by uid) that had pods here when the drain began. */
  readonly awaits: ReadonlyMap<string, number>;
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

/** Label, taint, and the autoscaler off: on a node that will be replaced. */
export function markPatch(node: Node): NodePatch {
  const taints = [...node.spec.taints.filter(({ key }) => key !== PENDING), TAINT];
  const { metadata } = keepPatch(node);
  return { metadata: { ...metadata, labels: { [LIFECYCLE_LABEL]: PENDING } }, spec: { taints } };
}

/** The autoscaler off, on any node of a pool that is rolled: it must not drain one beside us. */
export function keepPatch(node: Node): NodePatch {
  // A person's own word outlives the roll.
  const own = isKept(node) && node.metadata.annotations[SCALE_DOWN_OFF] === undefined;
  const annotations = own ? {} : { [SCALE_DOWN_DISABLED]: 'true', [SCALE_DOWN_OFF]: 'true' };
  return { metadata: { ...versionOf(node), annotations } };
}

/** Whether the autoscaler takes this node not away, because of the roll or since a person said so. */
export function isKept(node: Node): boolean {
  return node.metadata.annotations[SCALE_DOWN_DISABLED] === 'true';
}

/** undefined while the node is not cordoned for a drain. */
export function drainOf(node: Node): Drain | undefined {
  const { annotations } = node.metadata;
  const since = timeOf(annotations[DRAIN_STARTED]);
  if (since === undefined || !node.spec.unschedulable) return undefined;
  const lastForced = timeOf(annotations[LAST_FORCED]);
  return {
    since,
    oneByOne: annotations[DRAIN_MODE] === 'one-by-one',
    ...(lastForced === undefined ? {} : { lastForced }),
    awaits: new Map(
      (annotations[AWAITS] ?? '').split(' ').flatMap((entry) => {
        const match = /^(\S+)=(\d+)$/.exec(entry);
        return match === null ? [] : [[match[1] ?? '', Number(match[2])] as const];
      }),
    ),
  };
}

/** Cordons for the drain; remembers whether it was Sluice that did, so that an operator's own cordon outlives a release. */
export function cordonPatch(node: Node, now: Date, awaits: ReadonlyMap<string, number>): NodePatch {
  const annotations = {
    [DRAIN_STARTED]: now.toISOString(),
    [AWAITS]: [...awaits].map(([uid, pods]) => `${uid}=${pods}`).join(' '),
    ...(node.spec.unschedulable ? {} : { [CORDONED]: 'true' }),
  };
  return { metadata: { ...versionOf(node), annotations }, spec: { unschedulable: true } };
}

/** From now on one pod at a time. */
export function oneByOnePatch(): NodePatch {
  return { metadata: { annotations: { [DRAIN_MODE]: 'one-by-one' } } };
}

/** Written before a pod is deleted by force, so that not even a crash makes it two at once. */
export function forcedPatch(now: Date): NodePatch {
  return { metadata: { annotations: { [LAST_FORCED]: now.toISOString() } } };
}

/** Takes back marks, cordon and drain, and gives the node back to the autoscaler; undefined when there is nothing to take back. */
export function releasePatch(node: Node): NodePatch | undefined {
  const { annotations, labels } = node.metadata;
  const cordoned = annotations[CORDONED] !== undefined;
  const tainted = node.spec.taints.some(({ key }) => key === PENDING);
  const pending = labels[LIFECYCLE_LABEL] === PENDING;
  const own = [DRAIN_STARTED, DRAIN_MODE, AWAITS, LAST_FORCED, CORDONED, SCALE_DOWN_OFF].filter((key) => annotations[key] !== undefined);
  if (!tainted && !pending && own.length === 0) return undefined;
  const keys = annotations[SCALE_DOWN_OFF] === undefined ? own : [...own, SCALE_DOWN_DISABLED];
  return {
    metadata: {
      ...versionOf(node),
      ...(pending ? { labels: { [LIFECYCLE_LABEL]: 'ready' } } : {}),
      annotations: Object.fromEntries(keys.map((key) => [key, null])),
    },
    spec: {
      ...(tainted ? { taints: node.spec.taints.filter(({ key }) => key !== PENDING) } : {}),
      ...(cordoned ? { unschedulable: false } : {}),
    },
  };
}

function timeOf(text: string | undefined): Date | undefined {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : new Date(time);
}

/** A patch of a list replaces it whole, so it must not meet a node that changed meanwhile. */
function versionOf(node: Node): { resourceVersion?: string } {
  return node.metadata.resourceVersion === undefined ? {} : { resourceVersion: node.metadata.resourceVersion };
}
