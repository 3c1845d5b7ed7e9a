import type { Pod, PodDisruptionBudget } from '../../model/kubernetes.ts';
import type { Environment } from '../../model/settings.ts';
import { durationText } from '../duration.ts';
import { siblingsOf } from './budgets.ts';
import type { Drain } from './marks.ts';
import { isPodReady, nameOf } from './pods.ts';

/** When a pod that a budget protects may be deleted all the same; in seconds. All must hold. */
export interface ForceLimits {
  /** Since the node's drain began. */
  readonly grace: number;
  /** Age of the pod: what is young was perhaps moved here by this very roll. */
  readonly podAge: number;
  /** Age of each other pod of its budgets: of those that are Ready, and of those that are not. */
  readonly healthySiblings: number;
  readonly unhealthySiblings: number;
  /** Between two forced deletions on one node. */
  readonly spacing: number;
}

const HOUR = 3600;
const MINUTE = 60;
const PRODUCTION: ForceLimits = {
  grace: 6 * HOUR,
  podAge: 72 * HOUR,
  healthySiblings: HOUR,
  unhealthySiblings: 6 * HOUR,
  spacing: 5 * MINUTE,
};
const ELSEWHERE: ForceLimits = {
  grace: 2 * HOUR,
  podAge: 8 * HOUR,
  healthySiblings: HOUR,
  unhealthySiblings: HOUR,
  spacing: 5 * MINUTE,
};

export function forceLimits(environment: Environment): ForceLimits {
  return environment === 'production' ? PRODUCTION : ELSEWHERE;
}

export interface ForceFacts {
  readonly drain: Pick<Drain, 'since' | 'lastForced'>;
  readonly pods: readonly Pod[];
  readonly budgets: readonly PodDisruptionBudget[];
  readonly limits: ForceLimits;
  readonly now: Date;
}

export type ForceVerdict =
  /** `reason`: each condition with what it was. */
  | { readonly allowed: true; readonly reason: string }
  /** `until`: not before then by what is known now; absent when an age is not known. */
  | { readonly allowed: false; readonly reason: string; readonly until?: Date };

/** May this pod, which a budget protects, be deleted? Only when grace, pod age, sibling age and spacing all say so. */
export function mayForce(pod: Pod, { drain, pods, budgets, limits, now }: ForceFacts): ForceVerdict {
  const conditions = [
    { what: 'the drain', since: drain.since, seconds: limits.grace },
    { what: `pod ${nameOf(pod)}`, since: createdAt(pod), seconds: limits.podAge },
    ...siblingsOf(pod, pods, budgets).map((sibling) => ({
      what: `its sibling ${sibling.metadata.name}${isPodReady(sibling) ? '' : ', not Ready,'}`,
      since: createdAt(sibling),
      seconds: isPodReady(sibling) ? limits.healthySiblings : limits.unhealthySiblings,
    })),
    ...(drain.lastForced === undefined
      ? []
      : [{ what: 'the last forced deletion on this node', since: drain.lastForced, seconds: limits.spacing }]),
  ];
  const unmet = conditions.filter(({ since, seconds }) => since === undefined || now.getTime() < since.getTime() + seconds * 1000);
  const ages = conditions.map(({ what, since, seconds }) => {
    const age = since === undefined ? 'of unknown age' : `${durationText((now.getTime() - since.getTime()) / 1000)} old`;
    return `${what} is ${age} (needs ${durationText(seconds)})`;
  });
  if (unmet.length === 0) return { allowed: true, reason: ages.join('; ') };
  const reason = conditions.flatMap((condition, index) => (unmet.includes(condition) ? (ages[index] ?? []) : [])).join('; ');
  const ends = unmet.map(({ since, seconds }) => (since === undefined ? undefined : since.getTime() + seconds * 1000));
  const known = ends.filter((end) => end !== undefined);
  return { allowed: false, reason, ...(known.length < ends.length ? {} : { until: new Date(Math.max(...known)) }) };
}

function createdAt({ metadata }: Pod): Date | undefined {
  const time = Date.parse(metadata.creationTimestamp ?? '');
  return Number.isNaN(time) ? undefined : new Date(time);
}
