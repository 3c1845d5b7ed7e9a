import type { MemberStatus } from '../ports/etcd.ts';
import { chooseMember } from './backup.ts';

/** What a comparison of members' key-value hashes found. */
export interface HashComparison {
  /** `unknown`: they could not be compared just now. */
  readonly state: 'equal' | 'different' | 'unknown';
  readonly reason: string;
}

/** What forbids every change and goes away by no wait: an alarm, members of several clusters, more members than there should be. */
export function etcdDoubt(members: readonly MemberStatus[], expected: number): string | undefined {
  const raised = members.flatMap(({ name, alarms }) => alarms.filter(isAlarm).map((alarm) => `${name} tells ${alarm.trim()}`));
  if (raised.length > 0) return `${raised.join('; ')}: mend it and disarm it by etcdctl`;
  const clusters = new Set(members.filter(({ clusterId }) => clusterId !== '').map(({ clusterId }) => clusterId));
  if (clusters.size > 1) return `the members belong to ${clusters.size} different etcd clusters`;
  if (members.length <= expected) return undefined;
  return `etcd lists ${members.length} members (${members.map(({ name }) => name).join(', ')}), ${expected} belong to the cluster: remove who does not`;
}

/** NOSPACE and CORRUPT, in etcd's words; "no leader" is told in the same list and passes. */
function isAlarm(text: string): boolean {
  return text.includes('alarm:');
}

/**
 * Why the members are not all well now, which a wait may mend: one does not answer, is missing or learns, they do not agree on
 * a leader, or one has not applied what was `committed` a moment before it was asked. undefined when all are well.
 */
export function etcdUnsettled(members: readonly MemberStatus[], expected: number, committed: number): string | undefined {
  const { problems } = chooseMember(members);
  if (problems.length > 0) return problems.join('; ');
  if (members.length < expected) return `etcd lists ${members.length} of ${expected} members`;
  const learner = members.find((member) => member.learner);
  if (learner !== undefined) return `${learner.name} is a learner`;
  const leaders = new Set(members.map(({ leaderId }) => leaderId));
  if (leaders.size !== 1 || !members.some(({ leader }) => leader)) return 'the members do not agree on a leader';
  const late = members.filter(({ raftApplied }) => raftApplied < committed);
  if (late.length === 0) return undefined;
  return `${late.map(({ name, raftApplied }) => `${name} has applied ${raftApplied}`).join(', ')} of ${committed}`;
}

/** The highest index that a member knows as committed. */
export function committedIndex(members: readonly MemberStatus[]): number {
  return Math.max(0, ...members.map(({ raftIndex }) => raftIndex));
}

/**
 * Whose hashes are compared after a member was changed: those of all followers, the changed one among them. Never that of a
 * leader, whose writes would wait for it.
 */
export function comparedMembers(members: readonly MemberStatus[]): MemberStatus[] {
  return members.filter(({ healthy, leader, learner }) => healthy && !leader && !learner);
}

/** What members told of one revision. Hashes of different compactions can't be compared. */
export function compareHashes(
  told: readonly { readonly name: string; readonly hash: number; readonly compactRevision: number }[],
  revision: number,
): HashComparison {
  const names = told.map(({ name }) => name).join(', ');
  if (told.length < 2) return { state: 'equal', reason: 'there is no second follower to compare with' };
  if (new Set(told.map(({ compactRevision }) => compactRevision)).size > 1)
    return { state: 'unknown', reason: `${names} were compacted meanwhile: their hashes can't be compared` };
  if (new Set(told.map(({ hash }) => hash)).size === 1)
    return { state: 'equal', reason: `${names} have the same key-value hash at revision ${revision}` };
  const hashes = told.map(({ name, hash }) => `${name} ${hash}`).join(', ');
  return { state: 'different', reason: `the key-value hashes at revision ${revision} differ: ${hashes}` };
}
