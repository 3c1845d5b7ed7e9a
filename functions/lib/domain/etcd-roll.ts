import type { MemberStatus } from '../ports/etcd.ts';
import type { Instance, InstanceGroup } from '../ports/instances.ts';
import { concernsDowngrade, type DowngradeDecision, decideDowngrade } from './etcd-downgrade.ts';
import { etcdDoubt, etcdUnsettled, type HashComparison } from './etcd-health.ts';
import { memberName, seatText, zoneOfSeat } from './network.ts';
import { etcdStepProblem } from './version-steps.ts';

/** What is true of a cluster's etcd now. */
export interface EtcdObservation {
  /** Each member's group, by its seat; undefined while there is none. */
  readonly groups: readonly { readonly seat: string; readonly group: InstanceGroup | undefined }[];
  /** The members, or why none answers. */
  readonly members: readonly MemberStatus[] | { readonly unreachable: string };
  /** The highest index that a member knew as committed a moment before `members` were asked. */
  readonly committed: number;
  /** The version that each member must have at the end. */
  readonly wanted: string;
  /** What the members agreed on; empty when nobody asked, for no member goes down. */
  readonly clusterVersion: string;
  /** undefined until they are compared. */
  readonly hashes: HashComparison | undefined;
  /** This update has replaced a member already. */
  readonly changed: boolean;
  /** What the data must not fall behind: that of the proven backup; undefined on creation. */
  readonly backup: { readonly id: string; readonly proven: boolean; readonly clusterId: string; readonly revision: number } | undefined;
}

export type EtcdDecision =
  | { readonly act: 'done'; readonly reason: string }
  | { readonly act: 'wait'; readonly reason: string }
  | { readonly act: 'terminate'; readonly instance: Instance; readonly reason: string }
  | { readonly act: 'move-leader'; readonly from: MemberStatus; readonly to: MemberStatus; readonly reason: string }
  | { readonly act: 'compare-hashes'; readonly reason: string }
  /** No wait makes it better: nothing more is done, and whoever is up stays up. */
  | { readonly act: 'refuse'; readonly reason: string }
  | Exclude<DowngradeDecision, { act: 'ready' | 'wait' }>;

/** An instance in service with its member. */
interface Seat {
  readonly instance: Instance;
  readonly member: MemberStatus;
  /** The group's launch template version. */
  readonly current: string;
}

/**
 * What to do for etcd's members: one at a time, only while all are well and have applied what is committed, their hashes are
 * equal and there is a proven backup; followers first, the leader last and only after it has handed its part over. A doubt that
 * no wait takes away ends it, with all members up that were.
 */
export function decideEtcdRoll(seen: EtcdObservation): EtcdDecision {
  const { groups, members, committed, backup } = seen;
  const absent = firstAbsent(groups);
  if (absent !== undefined) return { act: 'wait', reason: absent };
  if ('unreachable' in members) return { act: 'wait', reason: members.unreachable };
  const doubt = etcdDoubt(members, groups.length);
  if (doubt !== undefined) return { act: 'refuse', reason: doubt };
  const unsettled = etcdUnsettled(members, groups.length, committed);
  if (unsettled !== undefined) return { act: 'wait', reason: unsettled };
  const lost = backup === undefined ? undefined : lostData(members, backup);
  if (lost !== undefined) return lost;
  const seats = seatsOf(groups, members);
  if (typeof seats === 'string') return { act: 'refuse', reason: seats };
  const wrong = wrongVersion(seats, seen.wanted);
  if (wrong !== undefined) return { act: 'refuse', reason: wrong };
  const old = seats.filter(({ instance, current }) => instance.launchTemplateVersion !== current);
  return old.length === 0 ? decideEnd(seen, members, seats) : decideNext(seen, members, old);
}

/** The first instance that is missing or on its way; undefined when each seat has its one in service. */
function firstAbsent(groups: EtcdObservation['groups']): string | undefined {
  for (const { seat, group } of groups) {
    if (group === undefined) return `the member in ${seatText(seat)} has no Auto Scaling group yet`;
    const coming = group.instances.find((instance) => instance.lifecycleState !== 'InService');
    if (coming !== undefined) return `instance ${coming.id} is ${coming.lifecycleState}`;
    if (group.instances.length < group.desired)
      return `${group.instances.length} of ${group.desired} instances of etcd in ${seatText(seat)} are there`;
  }
  return undefined;
}

/** Instances with their members, or who has none. A member is named by its region and seat (user-data/etcd.yaml). */
function seatsOf(groups: EtcdObservation['groups'], members: readonly MemberStatus[]): Seat[] | string {
  const seats: Seat[] = [];
  for (const { seat, group } of groups) {
    for (const instance of group?.instances ?? []) {
      if (instance.zone.slice(-1) !== zoneOfSeat(seat))
        return `instance ${instance.id} of etcd-${seat} is in ${instance.zone}, not in ${seatText(seat)}`;
      const wanted = memberName(instance.zone.slice(0, -1), seat);
      const member = members.find(({ name }) => name === wanted);
      if (member === undefined) return `instance ${instance.id} is in ${instance.zone} and etcd lists no member ${wanted}`;
      seats.push({ instance, member, current: group?.launchTemplateVersion ?? '' });
    }
  }
  return seats;
}

/** A new instance runs what its launch template says, and an old one what can be left. */
function wrongVersion(seats: readonly Seat[], wanted: string): string | undefined {
  for (const { instance, member, current } of seats) {
    if (instance.launchTemplateVersion === current) {
      if (member.version === wanted) continue;
      return `${member.name} runs ${member.version} on ${instance.id}, whose launch template is the current one: ${wanted} is wanted`;
    }
    const problem = etcdStepProblem(member.version, wanted);
    if (problem !== undefined) return `${member.name}: ${problem}`;
  }
  return undefined;
}

function decideNext(seen: EtcdObservation, members: readonly MemberStatus[], old: readonly Seat[]): EtcdDecision {
  const { backup, wanted, clusterVersion } = seen;
  const [next] = [...old].sort(
    (left, right) => Number(left.member.leader) - Number(right.member.leader) || (left.member.name < right.member.name ? -1 : 1),
  );
  if (next === undefined) return { act: 'wait', reason: 'no member is old' };
  const { instance, member, current } = next;
  if (backup === undefined || !backup.proven)
    return { act: 'refuse', reason: `instance ${instance.id} must be replaced and there is no proven backup: run backup-etcd first` };
  const downgrade = downgradeDecision(members, wanted, clusterVersion);
  if (downgrade.act !== 'ready') return downgrade;
  const hashes = judgeHashes(seen.hashes);
  if (hashes !== undefined) return hashes;
  const to = member.leader ? successor(members, old) : undefined;
  if (to !== undefined) return { act: 'move-leader', from: member, to, reason: `${member.name} hands leadership to ${to.name}` };
  const change = `${instance.launchTemplateVersion} to ${current}`;
  return { act: 'terminate', instance, reason: `replaces ${instance.id} in ${instance.zone}, launch template version ${change}` };
}

function decideEnd(seen: EtcdObservation, members: readonly MemberStatus[], seats: readonly Seat[]): EtcdDecision {
  const downgrade = downgradeDecision(members, seen.wanted, seen.clusterVersion);
  if (downgrade.act !== 'ready') return downgrade;
  const target = members.find(({ downgradeTo }) => downgradeTo !== '')?.downgradeTo;
  if (target !== undefined) return { act: 'wait', reason: `etcd has not ended its downgrade to ${target} yet` };
  const hashes = seen.changed ? judgeHashes(seen.hashes) : undefined;
  if (hashes !== undefined) return hashes;
  const versions = [...new Set(seats.map(({ current }) => current))].join(', ');
  const equal = seen.hashes === undefined ? '' : `; ${seen.hashes.reason}`;
  return { act: 'done', reason: `${members.length} healthy with ${seen.wanted} at launch template version ${versions}${equal}` };
}

function downgradeDecision(members: readonly MemberStatus[], wanted: string, clusterVersion: string): DowngradeDecision {
  return concernsDowngrade(members, wanted) ? decideDowngrade(members, wanted, clusterVersion) : { act: 'ready' };
}

/** undefined when the hashes are equal. */
function judgeHashes(hashes: HashComparison | undefined): EtcdDecision | undefined {
  if (hashes === undefined) return { act: 'compare-hashes', reason: 'compares the key-value hashes' };
  if (hashes.state === 'equal') return undefined;
  if (hashes.state === 'unknown') return { act: 'wait', reason: hashes.reason };
  return { act: 'refuse', reason: `${hashes.reason}: one of them has lost or changed data. Find out which before anything is replaced` };
}

/** Who leads next: a follower that need not be replaced any more, if there is one. */
function successor(members: readonly MemberStatus[], old: readonly Seat[]): MemberStatus | undefined {
  const isOld = (member: MemberStatus): boolean => old.some((seat) => seat.member.memberId === member.memberId);
  return members
    .filter(({ leader }) => !leader)
    .sort((left, right) => Number(isOld(left)) - Number(isOld(right)) || (left.name < right.name ? -1 : 1))[0];
}

/** A member of another cluster, or all of them behind the backup: the data is lost. One behind the others catches up. */
function lostData(members: readonly MemberStatus[], backup: { id: string; clusterId: string; revision: number }): EtcdDecision | undefined {
  const stranger = members.find((member) => member.clusterId !== backup.clusterId);
  if (stranger !== undefined) {
    const reason = `${stranger.name} is of etcd cluster ${stranger.clusterId}, not ${backup.clusterId} as in backup ${backup.id}: restore that backup`;
    return { act: 'refuse', reason };
  }
  const behind = members.filter((member) => member.revision < backup.revision);
  const [first] = behind;
  if (first === undefined) return undefined;
  const words = `${first.name} is at revision ${first.revision}, behind ${backup.revision} of backup ${backup.id}`;
  if (behind.length === members.length) return { act: 'refuse', reason: `${words}: restore that backup` };
  return { act: 'wait', reason: `${words}, and catches up` };
}
