import { committedIndex } from '#domain/etcd-health.ts';
import { clusterAddresses, ETCD_PEER_PORT, etcdZones } from '#domain/network.ts';
import { ClusterUnreachableError } from '#model/errors.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { Etcd, MemberStatus } from '#ports/etcd.ts';
import type { InstanceGroup, Instances } from '#ports/instances.ts';

export interface ObservedMembers {
  /** Each member's group and where the others reach it, by the letter of its zone. */
  readonly seats: readonly { readonly zone: string; readonly peerUrl: string; readonly group: InstanceGroup | undefined }[];
  /** The members, or why none answers. */
  readonly members: readonly MemberStatus[] | { readonly unreachable: string };
  /** What was committed before `members` were asked: all must have applied that. */
  readonly committed: number;
}

/** The groups and members of a cluster's etcd. Members are asked twice: what one knew as committed first, all must have applied then. */
export async function observeMembers(cluster: ClusterRef, etcd: Etcd, instances: Instances): Promise<ObservedMembers> {
  const addresses = clusterAddresses(cluster.network).etcd;
  const [seats, { members, committed }] = await Promise.all([
    Promise.all(
      etcdZones(cluster.environment).map(async (zone, index) => ({
        zone,
        peerUrl: `https://${addresses[index] ?? ''}:${ETCD_PEER_PORT}`,
        group: await instances.group(cluster.name, `etcd-${zone}`),
      })),
    ),
    readMembers(etcd),
  ]);
  return { seats, members, committed };
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
