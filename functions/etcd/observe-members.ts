import { committedIndex, comparedMembers, compareHashes, type HashComparison } from '#domain/etcd-health.ts';
import { ETCD_PEER_PORT, etcdSeatsOf } from '#domain/network.ts';
import { ClusterUnreachableError } from '#model/errors.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { Etcd, MemberStatus } from '#ports/etcd.ts';
import type { InstanceGroup, Instances } from '#ports/instances.ts';

export interface ObservedMembers {
  /** Each member's group and where the others reach it, by its seat. */
  readonly seats: readonly { readonly seat: string; readonly peerUrl: string; readonly group: InstanceGroup | undefined }[];
  /** The members, or why none answers. */
  readonly members: readonly MemberStatus[] | { readonly unreachable: string };
  /** What was committed before `members` were asked: all must have applied that. */
  readonly committed: number;
}

/** The groups and members of a cluster's etcd. Members are asked twice: what one knew as committed first, all must have applied then. */
export async function observeMembers(cluster: ClusterRef, etcd: Etcd, instances: Instances): Promise<ObservedMembers> {
  const [seats, { members, committed }] = await Promise.all([observeSeats(cluster, instances), readMembers(etcd)]);
  return { seats, members, committed };
}

/** Each member's group, without a word to etcd. */
export function observeSeats(cluster: ClusterRef, instances: Instances): Promise<ObservedMembers['seats']> {
  return Promise.all(
    etcdSeatsOf(cluster).map(async ({ seat, address }) => ({
      seat,
      peerUrl: `https://${address}:${ETCD_PEER_PORT}`,
      group: await instances.group(cluster.name, `etcd-${seat}`),
    })),
  );
}

/** Asks the followers for their hash at a revision that all of them have. */
export async function compareMembers(etcd: Etcd, members: ObservedMembers['members']): Promise<HashComparison> {
  if ('unreachable' in members) return { state: 'unknown', reason: members.unreachable };
  const asked = comparedMembers(members);
  const revision = Math.min(...asked.map((member) => member.revision));
  if (asked.length < 2) return compareHashes([], revision);
  try {
    const told = await Promise.all(asked.map(async ({ name, endpoint }) => ({ name, ...(await etcd.keyValueHash(endpoint, revision)) })));
    return compareHashes(told, revision);
  } catch (error) {
    // It does not have that revision any more, or does not answer: the next look asks for a newer one.
    if (error instanceof ClusterUnreachableError) return { state: 'unknown', reason: error.message };
    throw error;
  }
}

async function readMembers(etcd: Etcd): Promise<Pick<ObservedMembers, 'members' | 'committed'>> {
  try {
    const committed = committedIndex(await etcd.status());
    return { members: await etcd.status(), committed };
  } catch (error) {
    // While an instance is replaced nobody may answer.
    if (error instanceof ClusterUnreachableError) return { members: { unreachable: error.message }, committed: 0 };
    throw error;
  }
}
