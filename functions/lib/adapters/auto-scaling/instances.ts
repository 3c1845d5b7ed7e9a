import {
  AutoScalingClient,
  type AutoScalingClientConfig,
  type AutoScalingGroup,
  CreateOrUpdateTagsCommand,
  DeleteTagsCommand,
  DescribeAutoScalingGroupsCommand,
  ResumeProcessesCommand,
  SetDesiredCapacityCommand,
  SuspendProcessesCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import { RefusedError } from '#model/errors.ts';
import type { Instances, ZonedGroup } from '#ports/instances.ts';
import { mapAwsError } from '../aws/errors.ts';
import { createFreeAddresses } from './addresses.ts';
import { createLaunchFailure } from './launch-failure.ts';

const NOTE_TAG = 'sluice:rolling';

/** Auto Scaling groups of the function's own account. */
export function createInstances(config: AutoScalingClientConfig = {}): Instances {
  const client = new AutoScalingClient(config);
  return {
    async group(cluster, role) {
      const wanted = { 'sluice:cluster': cluster, 'sluice:role': role };
      const found = await findGroups(client, wanted);
      if (found.length > 1)
        throw new RefusedError(
          `${found.length} groups are tagged ${cluster} and ${role}: ${found.map((group) => group.AutoScalingGroupName).join(', ')}`,
        );
      return found[0] === undefined ? undefined : toGroup(found[0]);
    },
    async setDesiredCapacity(group, desired) {
      const command = new SetDesiredCapacityCommand({ AutoScalingGroupName: group, DesiredCapacity: desired, HonorCooldown: false });
      await client.send(command).catch((error: unknown) => {
        throw mapAwsError(error, `set the desired capacity of ${group} to ${desired}`);
      });
    },
    async setNote(group, note) {
      const tag = { ResourceId: group, ResourceType: 'auto-scaling-group', Key: NOTE_TAG };
      const sent =
        note === undefined
          ? client.send(new DeleteTagsCommand({ Tags: [tag] }))
          : client.send(new CreateOrUpdateTagsCommand({ Tags: [{ ...tag, Value: note, PropagateAtLaunch: false }] }));
      await sent.catch((error: unknown) => {
        throw mapAwsError(error, `note the roll of ${group}`);
      });
    },
    async setRebalance(group, on) {
      const processes = { AutoScalingGroupName: group, ScalingProcesses: ['AZRebalance'] };
      const sent = on ? client.send(new ResumeProcessesCommand(processes)) : client.send(new SuspendProcessesCommand(processes));
      await sent.catch((error: unknown) => {
        throw mapAwsError(error, `${on ? 'resume' : 'suspend'} AZRebalance of ${group}`);
      });
    },
    freeAddresses: createFreeAddresses(config),
    launchFailure: createLaunchFailure(client),
    async terminate(instance, decrement) {
      const command = new TerminateInstanceInAutoScalingGroupCommand({ InstanceId: instance, ShouldDecrementDesiredCapacity: decrement });
      await client.send(command).catch((error: unknown) => {
        throw mapAwsError(error, `terminate ${instance}`);
      });
    },
  };
}

async function findGroups(client: AutoScalingClient, tags: Readonly<Record<string, string>>): Promise<AutoScalingGroup[]> {
  const Filters = Object.entries(tags).map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] }));
  const found: AutoScalingGroup[] = [];
  let token: string | undefined;
  do {
    const command = new DescribeAutoScalingGroupsCommand({
      Filters,
      MaxRecords: 100,
      ...(token === undefined ? {} : { NextToken: token }),
    });
    const page = await client.send(command).catch((error: unknown) => {
      throw mapAwsError(error, 'list Auto Scaling groups');
    });
    // Filters match keys and values apart from each other's group on some endpoints: what is acted on is checked again.
    for (const group of page.AutoScalingGroups ?? []) if (group.Status === undefined && hasTags(group, tags)) found.push(group);
    token = page.NextToken;
  } while (token !== undefined && token !== '');
  return found;
}

function hasTags(group: AutoScalingGroup, tags: Readonly<Record<string, string>>): boolean {
  return Object.entries(tags).every(([key, value]) => group.Tags?.some((tag) => tag.Key === key && tag.Value === value));
}

function toGroup(group: AutoScalingGroup): ZonedGroup {
  const template = group.LaunchTemplate ?? group.MixedInstancesPolicy?.LaunchTemplate?.LaunchTemplateSpecification;
  const version = template?.Version;
  if (version === undefined || version.startsWith('$'))
    throw new RefusedError(
      `${group.AutoScalingGroupName} names no fixed launch template version: use !GetAtt LaunchTemplate.LatestVersionNumber`,
    );
  return {
    name: group.AutoScalingGroupName ?? '',
    min: group.MinSize ?? 0,
    max: group.MaxSize ?? 0,
    desired: group.DesiredCapacity ?? 0,
    launchTemplateVersion: version,
    zones: group.AvailabilityZones ?? [],
    subnets: (group.VPCZoneIdentifier ?? '').split(',').filter((id) => id !== ''),
    note: group.Tags?.find(({ Key }) => Key === NOTE_TAG)?.Value,
    rebalances: !(group.SuspendedProcesses ?? []).some(({ ProcessName }) => ProcessName === 'AZRebalance'),
    instances: (group.Instances ?? []).map((instance) => ({
      id: instance.InstanceId ?? '',
      zone: instance.AvailabilityZone ?? '',
      lifecycleState: instance.LifecycleState ?? '',
      healthStatus: instance.HealthStatus ?? '',
      launchTemplateVersion: instance.LaunchTemplate?.Version ?? '',
    })),
  };
}
