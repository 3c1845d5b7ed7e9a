import type { MemberStatus } from '../ports/etcd.ts';
import type { Instance, InstanceGroup } from '../ports/instances.ts';
import { chooseMember } from './backup.ts';

/** What is true of a cluster's etcd now. */
export interface EtcdObservation {
  /** Each member's group, by the letter of its zone; undefined while there is none. */
  readonly groups: readonly { readonly zone: string; readonly group: InstanceGroup | undefined }[];
  /** The members, or why none answers. */
  readonly members: readonly MemberStatus[] | { readonly unreachable: string };
  /** What the data must not fall behind: that of the proven backup; undefined on creation. */
  readonly backup: { readonly id: string; readonly proven: boolean; readonly clusterId: string; readonly revision: number } | undefined;
}

export type EtcdDecision =
  | { readonly act: 'done'; readonly reason: string }
  | { readonly act: 'wait'; readonly reason: string }
  | { readonly act: 'terminate'; readonly instance: Instance; readonly reason: string }
  | { readonly act: 'refuse'; readonly reason: string };

/**
 * What to do for etcd's members: one at a time, never while another is missing, followers first and the leader last, only
 * with a proven backup, and never on when the data is not what it was.
 */
export function decideEtcdRoll({ groups, members, backup }: EtcdObservation): EtcdDecision {
  const present: { zone: string; group: InstanceGroup }[] = [];
  for (const { zone, group } of groups) {
    if (group === undefined) return { act: 'wait', reason: `the member in zone ${zone} has no Auto Scaling group yet` };
    const coming = group.instances.find((instance) => instance.lifecycleState !== 'InService');
    if (coming !== undefined) return { act: 'wait', reason: `instance ${coming.id} is ${coming.lifecycleState}` };
    if (group.instances.length < group.desired) {
      return { act: 'wait', reason: `${group.instances.length} of ${group.desired} instances of etcd in zone ${zone} are there` };
    }
    present.push({ zone, group });
  }
  if ('unreachable' in members) return { act: 'wait', reason: members.unreachable };
  const { problems } = chooseMember(members);
  if (problems.length > 0) return { act: 'wait', reason: problems.join('; ') };
  if (members.length < groups.length) return { act: 'wait', reason: `etcd lists ${members.length} of ${groups.length} members` };
  const lost = backup === undefined ? undefined : lostData(members, backup);
  if (lost !== undefined) return lost;
  return decideNext(present, members, backup);
}

function decideNext(
  groups: readonly { readonly zone: string; readonly group: InstanceGroup }[],
  members: readonly MemberStatus[],
  backup: EtcdObservation['backup'],
): EtcdDecision {
  const old = groups.flatMap(({ group }) =>
    group.instances
      .filter((instance) => instance.launchTemplateVersion !== group.launchTemplateVersion)
      .map((instance) => ({ instance, wanted: group.launchTemplateVersion })),
  );
  // A member is named by its zone (user-data/etcd.yaml). The leader hands its part over when it ends, which costs a moment.
  const leads = (zone: string): boolean => members.some((member) => member.leader && member.name === `etcd-${zone}`);
  const [next] = old.sort(
    (left, right) =>
      Number(leads(left.instance.zone)) - Number(leads(right.instance.zone)) || (left.instance.zone < right.instance.zone ? -1 : 1),
  );
  if (next === undefined) {
    const versions = [...new Set(groups.map(({ group }) => group.launchTemplateVersion))].join(', ');
    return { act: 'done', reason: `${members.length} healthy at launch template version ${versions}` };
  }
  const { instance, wanted } = next;
  if (backup === undefined || !backup.proven) {
    return { act: 'refuse', reason: `instance ${instance.id} must be replaced and there is no proven backup: run backup-etcd first` };
  }
  const change = `${instance.launchTemplateVersion} to ${wanted}`;
  return { act: 'terminate', instance, reason: `replaces ${instance.id} in ${instance.zone}, launch template version ${change}` };
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
