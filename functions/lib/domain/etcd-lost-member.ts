import type { MemberStatus } from '../ports/etcd.ts';
import type { InstanceGroup } from '../ports/instances.ts';
import type { DataVolume } from '../ports/volumes.ts';
import { etcdDoubt, etcdUnsettled } from './etcd-health.ts';
import { isLive } from './instances.ts';
import { seatText } from './network.ts';

/** What is true of members while one of them may have lost its data. */
export interface LostMemberObservation {
  /** Each member's group, and where the member of that seat is reached by the others. */
  readonly seats: readonly { readonly seat: string; readonly peerUrl: string; readonly group: InstanceGroup | undefined }[];
  readonly members: readonly MemberStatus[];
  /** The highest index that a member knew as committed a moment before. */
  readonly committed: number;
  readonly volumes: readonly DataVolume[];
  /** When all members were known to be well, each with its data; undefined when nobody knows. */
  readonly wellAt: Date | undefined;
}

export type LostMemberDecision =
  /** Nothing that membership could mend. */
  | { readonly act: 'none'; readonly reason: string }
  | { readonly act: 'wait'; readonly reason: string }
  | { readonly act: 'remove'; readonly endpoint: string; readonly member: MemberStatus; readonly reason: string }
  | { readonly act: 'add-learner'; readonly endpoint: string; readonly peerUrl: string; readonly reason: string }
  | { readonly act: 'promote'; readonly endpoint: string; readonly member: MemberStatus; readonly reason: string };

/**
 * A member whose volume is gone can't come back as who it was: etcd counts on what it had confirmed. So it is taken out and let
 * in anew without a vote, and gets its vote once it has applied what the others have. One step at a time, only while a quorum of
 * all seats is well, and only when the volume of each that does not answer is younger than the time at which the member was known
 * to have its data: one that is merely down is left alone. Of five two may be lost so: both are taken out before the first comes
 * back, for etcd lets nobody in while one of its voters is silent.
 */
export function decideLostMember(seen: LostMemberObservation): LostMemberDecision {
  const { seats, members } = seen;
  if (seats.length < 2) return none('a member that is alone has nobody to learn from');
  const doubt = etcdDoubt(members, seats.length);
  if (doubt !== undefined) return none(doubt);
  const learner = members.find((member) => member.learner);
  const dead = members.filter((member) => !member.learner && !member.healthy);
  const others = members.filter((member) => !member.learner && member.healthy);
  const unsettled = etcdUnsettled(others, 0, 0);
  if (unsettled !== undefined) return none(unsettled);
  const [asked] = others;
  if (asked === undefined || others.length < quorumOf(seats.length))
    return none(`${others.length} of ${seats.length} members are well: no quorum would be left`);
  if (learner !== undefined) return decideLearner(seen, asked.endpoint, learner);
  const taken = dead.map((member) => decideDead(seen, asked.endpoint, member));
  const [first] = taken;
  if (first !== undefined) return taken.find(({ act }) => act === 'none') ?? first;
  const vacant = seats.filter(({ peerUrl }) => !members.some(({ peerUrls }) => peerUrls.includes(peerUrl)));
  const [next] = vacant;
  if (next === undefined || members.length + vacant.length !== seats.length) return none('every member is there');
  const reason = `lets the member of ${seatText(next.seat)} in anew, as a learner`;
  return { act: 'add-learner', endpoint: asked.endpoint, peerUrl: next.peerUrl, reason };
}

/** So many of a number of members confirm a write. */
function quorumOf(members: number): number {
  return Math.floor(members / 2) + 1;
}

function decideLearner({ seats, committed }: LostMemberObservation, endpoint: string, learner: MemberStatus): LostMemberDecision {
  const seat = seats.find(({ peerUrl }) => learner.peerUrls.includes(peerUrl));
  if (seat === undefined) return none(`the learner ${learner.name} is at no address of this cluster`);
  const who = `the learner of ${seatText(seat.seat)}`;
  if (!learner.healthy) return { act: 'wait', reason: `${who}: ${learner.reason ?? 'not healthy'}` };
  if (learner.raftApplied < committed) return { act: 'wait', reason: `${who} has applied ${learner.raftApplied} of ${committed}` };
  return { act: 'promote', endpoint, member: learner, reason: `${who} has caught up and gets its vote` };
}

function decideDead({ seats, volumes, wellAt }: LostMemberObservation, endpoint: string, member: MemberStatus): LostMemberDecision {
  const why = member.reason ?? 'not healthy';
  const seat = seats.find(({ peerUrl }) => member.peerUrls.includes(peerUrl));
  // It may not count as in service yet: it waits to be let in. That the new volume is attached to it says enough.
  const instance = seat?.group?.instances.find(isLive);
  if (seat === undefined || instance === undefined) return none(`${member.name} (${why}) has no instance`);
  const own = volumes.filter((volume) => volume.seat === seat.seat);
  const [volume] = own;
  if (volume === undefined || own.length > 1) return none(`${member.name} (${why}): ${own.length} data volumes in ${seatText(seat.seat)}`);
  if (volume.instance !== instance.id) return none(`${member.name} (${why}): ${volume.id} is not attached to ${instance.id}`);
  if (wellAt === undefined || volume.createdAt <= wellAt)
    return none(`${member.name} (${why}) has the data volume that it had, ${volume.id} of ${volume.createdAt.toISOString()}`);
  const since = `made ${volume.createdAt.toISOString()}, after ${wellAt.toISOString()}, when it had its data`;
  return { act: 'remove', endpoint, member, reason: `takes ${member.name} out, whose data volume ${volume.id} is new: ${since}` };
}

function none(reason: string): LostMemberDecision {
  return { act: 'none', reason };
}
