import type { MemberStatus } from '../ports/etcd.ts';
import type { Instance, InstanceGroup } from '../ports/instances.ts';
import { chooseMember } from './backup.ts';

/** What is true of a cluster's etcd now. */
export interface EtcdObservation {
  readonly group: InstanceGroup | undefined;
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
 * What to do for etcd's members: one at a time, never while another is missing, only with a proven backup, and never on
 * when the data is not what it was.
 */
export function decideEtcdRoll({ group, members, backup }: EtcdObservation): EtcdDecision {
  if (group === undefined) return { act: 'wait', reason: 'etcd has no Auto Scaling group yet' };
  const coming = group.instances.filter((instance) => instance.lifecycleState !== 'InService');
  const [first] = coming;
  if (first !== undefined) return { act: 'wait', reason: `instance ${first.id} is ${first.lifecycleState}` };
  if (group.instances.length < group.desired) {
    return { act: 'wait', reason: `${group.instances.length} of ${group.desired} instances of etcd are there` };
  }
  if ('unreachable' in members) return { act: 'wait', reason: members.unreachable };
  const { problems } = chooseMember(members);
  if (problems.length > 0) return { act: 'wait', reason: problems.join('; ') };
  const lost = backup === undefined ? undefined : lostData(members, backup);
  if (lost !== undefined) return { act: 'refuse', reason: lost };
  return decideNext(group, backup);
}

function decideNext(group: InstanceGroup, backup: EtcdObservation['backup']): EtcdDecision {
  const old = group.instances.filter((instance) => instance.launchTemplateVersion !== group.launchTemplateVersion);
  const [next] = [...old].sort((left, right) => (left.zone < right.zone ? -1 : 1));
  if (next === undefined) {
    return { act: 'done', reason: `${group.instances.length} healthy at launch template version ${group.launchTemplateVersion}` };
  }
  if (backup === undefined || !backup.proven) {
    return { act: 'refuse', reason: `instance ${next.id} must be replaced and there is no proven backup: run backup-etcd first` };
  }
  const change = `${next.launchTemplateVersion} to ${group.launchTemplateVersion}`;
  return { act: 'terminate', instance: next, reason: `replaces ${next.id} in ${next.zone}, launch template version ${change}` };
}

function lostData(members: readonly MemberStatus[], backup: { id: string; clusterId: string; revision: number }): string | undefined {
  const stranger = members.find((member) => member.clusterId !== backup.clusterId);
  if (stranger !== undefined) {
    return `${stranger.name} is of etcd cluster ${stranger.clusterId}, not ${backup.clusterId} as in backup ${backup.id}: restore that backup`;
  }
  const behind = members.find((member) => member.revision < backup.revision);
  if (behind === undefined) return undefined;
  return `${behind.name} is at revision ${behind.revision}, behind ${backup.revision} of backup ${backup.id}: restore that backup`;
}
