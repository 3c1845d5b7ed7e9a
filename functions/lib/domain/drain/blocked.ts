import type { Pod } from '../../model/kubernetes.ts';
import { timeText } from '../duration.ts';
import { ownerOf } from './owners.ts';
import { nameOf } from './pods.ts';

/** How a reason begins that says who blocks: the check has more room for such a one. */
export const BLOCKED = 'blocked: ';

const SHOWN = 5;
/** So many are remembered from look to look; what a state machine keeps is small. */
const KEPT = 30;

/** A pod that could not be evicted. */
export interface BlockedPod {
  readonly uid: string;
  /** `shop/db-1 (team shop)`: the pod and whose it is. */
  readonly name: string;
  /** The server's words, and where it will be forced, not before when. */
  readonly reason: string;
}

export function blockedPod(pod: Pod, reason: string): BlockedPod {
  const owner = ownerOf(pod.metadata.labels);
  return { uid: idOf(pod), name: `${nameOf(pod)}${owner === undefined ? '' : ` (${owner})`}`, reason };
}

/** A pod without a uid is known by its name. */
function idOf(pod: Pod): string {
  return pod.metadata.uid === '' ? nameOf(pod) : pod.metadata.uid;
}

/**
 * Since when each pod blocks, by uid: from the first look that could not evict it, as long as it is there. A look that did not
 * get to it, since another one went first, changes nothing about that.
 */
export function blockingSince(
  before: Readonly<Record<string, string>>,
  blocked: readonly BlockedPod[],
  pods: readonly Pod[],
  now: Date,
): Record<string, string> {
  const there = new Set(pods.map(idOf));
  const earlier = Object.entries(before).filter(([uid]) => there.has(uid));
  const known = new Set(earlier.map(([uid]) => uid));
  const begun = blocked.filter(({ uid }) => !known.has(uid)).map(({ uid }) => [uid, now.toISOString()] as const);
  return Object.fromEntries([...earlier, ...begun].slice(0, KEPT));
}

/** Who blocks, whose it is, since when and why, those that block longest first; empty text when nobody does. */
export function blockedText(blocked: readonly BlockedPod[], since: Readonly<Record<string, string>>): string {
  if (blocked.length === 0) return '';
  const order = (pod: BlockedPod): string => since[pod.uid] ?? '9999';
  const texts = blocked
    .toSorted((left, right) => order(left).localeCompare(order(right)))
    .map((pod) => {
      const at = since[pod.uid];
      return `${pod.name}${at === undefined ? '' : ` since ${timeText(at)}`}: ${pod.reason}`;
    });
  const more = texts.length - SHOWN;
  return `${BLOCKED}${texts.slice(0, SHOWN).join(' | ')}${more > 0 ? ` | and ${more} more` : ''}`;
}
