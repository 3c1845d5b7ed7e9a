import type { Pod } from '../../model/kubernetes.ts';
import type { ForcedDeletion } from '../../model/progress.ts';
import type { Manifest } from '../../model/render.ts';
import type { Eviction } from '../../ports/kubernetes.ts';
import { timeText } from '../duration.ts';
import type { ForceVerdict } from './force.ts';

export type { ForcedDeletion } from '../../model/progress.ts';

/** How a text begins that tells of pods that were deleted although a budget forbade it. */
export const FORCED = 'deleted by force: ';
const SHOWN = 3;
const LONGEST_MESSAGE = 1000;
/** So many are kept in the state; each of them is also an event of its pod and in the history of the look that did it. */
const KEPT = 20;

/** What alone is overruled. A budget that nobody has counted yet may allow it a moment later; a refusal is no budget's. */
const FORCIBLE: ReadonlySet<string> = new Set(['budget', 'budgets'] satisfies Blocked['by'][]);

type Blocked = Extract<Eviction, { outcome: 'blocked' }>;

/** Is a pod that could not be evicted deleted all the same? */
export function isForced({ by }: Pick<Blocked, 'by'>, force: ForceVerdict): boolean {
  return FORCIBLE.has(by) && force.allowed;
}

/** What blocks a pod and, where it will be forced, not before when. */
export function blockedReason({ by, reason }: Blocked, force: ForceVerdict): string {
  const notBefore = force.allowed || !FORCIBLE.has(by) ? undefined : force.until;
  return notBefore === undefined ? reason : `${reason}; deleted at ${timeText(notBefore)} at the earliest`;
}

/** An event of the pod, so that its people see it where they look. One for each pod, however often it is written. */
export function forcedEvent({ metadata }: Pod, { node, reason, at }: ForcedDeletion): Manifest {
  const { name, namespace, uid } = metadata;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `sluice-forced-${uid === '' ? name : uid}`, namespace },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', name, namespace, uid },
    type: 'Warning',
    reason: 'ForcedByRoll',
    message: `Deleted for the replacement of node ${node}: ${reason}`.slice(0, LONGEST_MESSAGE),
    source: { component: 'sluice' },
    firstTimestamp: at.replace(/\.\d+Z$/, 'Z'),
    lastTimestamp: at.replace(/\.\d+Z$/, 'Z'),
    count: 1,
  };
}

/** What was deleted by force in this roll, each pod with its owner, node and reason; empty text for none. */
export function forcedText(forced: readonly ForcedDeletion[]): string {
  if (forced.length === 0) return '';
  const texts = forced
    .toReversed()
    .slice(0, SHOWN)
    .map(({ pod, owner, node, at, reason }) => `${pod}${owner === null ? '' : ` (${owner})`} on ${node} at ${timeText(at)}: ${reason}`);
  const more = forced.length - texts.length;
  return `${FORCED}${texts.join(' | ')}${more > 0 ? ` | and ${more} more` : ''}`;
}

/** The newest of what was forced in this roll. */
export function keepForced(before: readonly ForcedDeletion[], now: readonly ForcedDeletion[]): ForcedDeletion[] {
  return [...before, ...now].slice(-KEPT);
}
