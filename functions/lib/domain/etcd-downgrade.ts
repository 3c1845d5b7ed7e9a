import type { MemberStatus } from '../ports/etcd.ts';
import { minorOf, minorSteps } from './version-steps.ts';

/** What etcd's downgrade protocol asks for before a member of a lower minor may come. */
export type DowngradeDecision =
  | { readonly act: 'ready' }
  | { readonly act: 'wait'; readonly reason: string }
  /** Ask whether the data may go to that version, then let it. */
  | { readonly act: 'begin-downgrade'; readonly endpoint: string; readonly version: string; readonly reason: string }
  | { readonly act: 'end-downgrade'; readonly endpoint: string; readonly version: string; readonly reason: string };

/** True when some member runs a newer minor than what is wanted, or etcd is on its way down. */
export function concernsDowngrade(members: readonly MemberStatus[], wanted: string): boolean {
  return members.some(({ version, downgradeTo }) => downgradeTo !== '' || minorSteps(wanted, version) > 0);
}

/**
 * May members of `wanted` come? A member of a lower minor starts only once both what the members agreed on and the form of each
 * one's data are of that minor. Exchanged before, it dies at its start and takes the quorum along with the next one. A downgrade
 * that was begun for another revision is ended first.
 */
export function decideDowngrade(members: readonly MemberStatus[], wanted: string, clusterVersion: string): DowngradeDecision {
  const [asked] = members;
  if (asked === undefined) return { act: 'wait', reason: 'etcd lists no member' };
  const underWay = members.find(({ downgradeTo }) => downgradeTo !== '')?.downgradeTo;
  if (underWay !== undefined && minorSteps(underWay, wanted) > 0) {
    const reason = `ends the downgrade to ${underWay} that an earlier update began`;
    return { act: 'end-downgrade', endpoint: asked.endpoint, version: underWay, reason };
  }
  const down = minorSteps(wanted, clusterVersion) > 0;
  if (down && underWay === undefined) {
    const version = `${minorOf(wanted)}.0`;
    const reason = `prepares the data for ${minorOf(wanted)}, from cluster version ${clusterVersion}`;
    return { act: 'begin-downgrade', endpoint: asked.endpoint, version, reason };
  }
  const newer = members.filter(({ storageVersion }) => storageVersion !== '' && minorSteps(wanted, storageVersion) > 0);
  if (!down && newer.length === 0) return { act: 'ready' };
  const data = newer.map(({ name, storageVersion }) => `${name} stores ${storageVersion}`);
  const reason = [...(down ? [`the cluster version is ${clusterVersion}`] : []), ...data].join(', ');
  return { act: 'wait', reason: `etcd prepares its data for ${minorOf(wanted)}: ${reason}` };
}
