import { decideLostMember, type LostMemberObservation } from '#domain/etcd-lost-member.ts';
import { ConflictError } from '#model/errors.ts';
import type { Etcd } from '#ports/etcd.ts';
import type { EtcdVolumes } from '#ports/volumes.ts';

export type Members = Omit<LostMemberObservation, 'volumes'>;

/**
 * One step on the way of a member that lost its data back into its cluster; answers what was done or is awaited, undefined when
 * there is nothing to do.
 */
export async function mendLostMember(cluster: string, seen: Members, etcd: Etcd, volumesOf: EtcdVolumes): Promise<string | undefined> {
  if (!isMaimed(seen)) return undefined;
  const decision = decideLostMember({ ...seen, volumes: await volumesOf(cluster) });
  try {
    switch (decision.act) {
      case 'none':
        return undefined;
      case 'wait':
        break;
      case 'remove':
        await etcd.removeMember(decision.endpoint, decision.member.memberId);
        break;
      case 'add-learner':
        await etcd.addLearner(decision.endpoint, decision.peerUrl);
        break;
      case 'promote':
        await etcd.promote(decision.endpoint, decision.member.memberId);
        break;
    }
  } catch (error) {
    // Its members are not all connected yet, or a call before did it already: the next look decides anew.
    if (!(error instanceof ConflictError)) throw error;
    return `${decision.reason}: ${error.message}`;
  }
  return decision.reason;
}

/** Someone is missing, learns or does not answer. */
function isMaimed({ seats, members }: Members): boolean {
  return seats.length > 1 && (members.length !== seats.length || members.some(({ healthy, learner }) => learner || !healthy));
}
