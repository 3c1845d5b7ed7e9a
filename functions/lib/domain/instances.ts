import type { Instance, InstanceGroup } from '../ports/instances.ts';

/** Not on its way out. */
export function isLive(instance: Instance): boolean {
  return !/^(Terminat|Detach)/.test(instance.lifecycleState);
}

export function isInService(instance: Instance): boolean {
  return instance.lifecycleState === 'InService' && instance.healthStatus === 'Healthy';
}

/** Live instances by whether they are of the group's current launch template version. */
export function byGeneration(group: InstanceGroup): { old: Instance[]; fresh: Instance[] } {
  const live = group.instances.filter(isLive);
  return {
    old: live.filter(({ launchTemplateVersion }) => launchTemplateVersion !== group.launchTemplateVersion),
    fresh: live.filter(({ launchTemplateVersion }) => launchTemplateVersion === group.launchTemplateVersion),
  };
}

/** For people, for example `i-1 (Pending, Healthy)`. */
export function describe(instances: readonly Instance[]): string {
  return instances.map(({ id, lifecycleState, healthStatus }) => `${id} (${lifecycleState}, ${healthStatus})`).join(', ');
}

/** The id in a Node's providerID, `aws:///<zone>/<instance id>`. */
export function instanceOf(providerId: string): string {
  return providerId.split('/').at(-1) ?? '';
}
