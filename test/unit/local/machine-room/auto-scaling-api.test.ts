import {
  type AutoScalingClient,
  CompleteLifecycleActionCommand,
  DescribeAutoScalingGroupsCommand,
  DescribeAutoScalingInstancesCommand,
  DescribePoliciesCommand,
  paginateDescribeAutoScalingGroups,
  RecordLifecycleActionHeartbeatCommand,
  ResumeProcessesCommand,
  SetDesiredCapacityCommand,
  SetInstanceHealthCommand,
  SuspendProcessesCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { groupView, type ScalingWorld, startScalingWorld } from '../../../support/machine-room/scaling-world.ts';

let world: ScalingWorld;
let client: AutoScalingClient;

beforeEach(async () => {
  world = await startScalingWorld();
  client = world.client();
});

afterEach(() => world.close());

describe('the Auto Scaling API', () => {
  it('shows a group with its instances as the SDK reads them', async () => {
    const { AutoScalingGroups } = await client.send(new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: ['g & co'] }));

    expect(AutoScalingGroups).toMatchObject([
      {
        AutoScalingGroupName: 'g & co',
        MinSize: 1,
        MaxSize: 2,
        DesiredCapacity: 1,
        AvailabilityZones: ['eu-central-1a'],
        LaunchTemplate: { LaunchTemplateId: 'lt-1', Version: '4' },
        CreatedTime: new Date('2026-01-01T00:00:00Z'),
        SuspendedProcesses: [{ ProcessName: 'AZRebalance' }],
        Tags: [{ Key: 'sluice:role', Value: 'pool-x', PropagateAtLaunch: true }],
        Instances: [
          {
            InstanceId: 'i-1',
            AvailabilityZone: 'eu-central-1a',
            LifecycleState: 'InService',
            HealthStatus: 'Healthy',
            LaunchTemplate: { LaunchTemplateId: 'lt-1', Version: '3' },
            ProtectedFromScaleIn: false,
          },
        ],
      },
    ]);
  });

  it('filters groups by name and tags', async () => {
    const byName = await client.send(new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: ['other'] }));
    const byTag = await client.send(new DescribeAutoScalingGroupsCommand({ Filters: [{ Name: 'tag:sluice:role', Values: ['pool-x'] }] }));
    const byOther = await client.send(new DescribeAutoScalingGroupsCommand({ Filters: [{ Name: 'tag:sluice:role', Values: ['etcd'] }] }));

    expect([byName, byTag, byOther].map((answer) => answer.AutoScalingGroups?.length)).toEqual([0, 1, 0]);
  });

  it('knows the account by the access key, also of a session', async () => {
    const stranger = await world.client('222222222222').send(new DescribeAutoScalingInstancesCommand({}));
    const session = await world.client('ASIASESSION').send(new DescribeAutoScalingInstancesCommand({ InstanceIds: ['i-1'] }));

    expect(stranger.AutoScalingInstances).toEqual([]);
    expect(session.AutoScalingInstances).toMatchObject([{ InstanceId: 'i-1', AutoScalingGroupName: 'g & co' }]);
  });

  it('refuses a desired capacity outside the bounds', async () => {
    const above = client.send(new SetDesiredCapacityCommand({ AutoScalingGroupName: 'g & co', DesiredCapacity: 3 }));
    const below = client.send(new SetDesiredCapacityCommand({ AutoScalingGroupName: 'g & co', DesiredCapacity: 0 }));

    await expect(above).rejects.toMatchObject({ name: 'ValidationError', message: expect.stringContaining('above max value 2') });
    await expect(below).rejects.toMatchObject({ name: 'ValidationError', message: expect.stringContaining('below min value 1') });
    expect(world.calls).toEqual([]);
  });

  it('sets the desired capacity within the bounds', async () => {
    await client.send(new SetDesiredCapacityCommand({ AutoScalingGroupName: 'g & co', DesiredCapacity: 2 }));

    expect(world.calls).toEqual(['desired 2']);
  });

  it('terminates an instance, and not below the minimum when the group shall shrink', async () => {
    const { Activity } = await client.send(
      new TerminateInstanceInAutoScalingGroupCommand({ InstanceId: 'i-1', ShouldDecrementDesiredCapacity: false }),
    );
    const shrink = client.send(new TerminateInstanceInAutoScalingGroupCommand({ InstanceId: 'i-1', ShouldDecrementDesiredCapacity: true }));
    const unknown = client.send(
      new TerminateInstanceInAutoScalingGroupCommand({ InstanceId: 'i-2', ShouldDecrementDesiredCapacity: false }),
    );

    await expect(shrink).rejects.toMatchObject({ name: 'ValidationError' });
    await expect(unknown).rejects.toMatchObject({ message: expect.stringContaining('i-2') });
    expect(Activity?.StatusCode).toBe('InProgress');
    expect(world.calls).toEqual(['terminate i-1 false']);
  });

  it('suspends and resumes processes', async () => {
    await client.send(new SuspendProcessesCommand({ AutoScalingGroupName: 'g & co', ScalingProcesses: ['AZRebalance'] }));
    await client.send(new ResumeProcessesCommand({ AutoScalingGroupName: 'g & co', ScalingProcesses: ['AZRebalance'] }));
    const unknown = client.send(new SuspendProcessesCommand({ AutoScalingGroupName: 'g & co', ScalingProcesses: ['Nonsense'] }));

    await expect(unknown).rejects.toMatchObject({ name: 'ValidationError' });
    expect(world.calls).toEqual(['suspend AZRebalance', 'resume AZRebalance']);
  });

  it('gives groups in pages', async () => {
    for (const name of ['two', 'three', 'four', 'five']) world.groups.push(groupView({ name }));
    const sizes: number[] = [];
    const names: (string | undefined)[] = [];

    for await (const page of paginateDescribeAutoScalingGroups({ client, pageSize: 2 }, {})) {
      sizes.push(page.AutoScalingGroups?.length ?? 0);
      names.push(...(page.AutoScalingGroups ?? []).map((group) => group.AutoScalingGroupName));
    }
    const tooMany = client.send(new DescribeAutoScalingGroupsCommand({ MaxRecords: 101 }));

    expect(sizes).toEqual([2, 2, 1]);
    expect(names).toEqual(['g & co', 'two', 'three', 'four', 'five']);
    await expect(tooMany).rejects.toMatchObject({ name: 'ValidationError' });
  });

  it('sets the health of an instance', async () => {
    await client.send(new SetInstanceHealthCommand({ InstanceId: 'i-1', HealthStatus: 'Unhealthy' }));
    const nonsense = client.send(new SetInstanceHealthCommand({ InstanceId: 'i-1', HealthStatus: 'Ill' }));

    await expect(nonsense).rejects.toMatchObject({ name: 'ValidationError' });
    expect(world.calls).toEqual(['health i-1 false']);
  });

  it('completes a lifecycle action once, and keeps one alive', async () => {
    const hook = { LifecycleHookName: 'hook', AutoScalingGroupName: 'g & co', InstanceId: 'i-1' };

    await client.send(new RecordLifecycleActionHeartbeatCommand(hook));
    await client.send(new CompleteLifecycleActionCommand({ ...hook, LifecycleActionResult: 'CONTINUE' }));
    const again = client.send(new CompleteLifecycleActionCommand({ ...hook, LifecycleActionResult: 'CONTINUE' }));
    const late = client.send(new RecordLifecycleActionHeartbeatCommand(hook));
    const nonsense = client.send(new CompleteLifecycleActionCommand({ ...hook, LifecycleActionResult: 'MAYBE' }));

    await expect(again).rejects.toMatchObject({ message: 'No active Lifecycle Action found with instance ID i-1' });
    await expect(late).rejects.toMatchObject({ message: 'No active Lifecycle Action found with instance ID i-1' });
    await expect(nonsense).rejects.toMatchObject({ message: expect.stringContaining('MAYBE') });
    expect(world.calls).toEqual(['heartbeat i-1 hook', 'complete i-1 hook CONTINUE']);
  });

  it('sends every other action on unchanged', async () => {
    const answer = await client.send(new DescribePoliciesCommand({ AutoScalingGroupName: 'g & co' }));

    expect(answer.ScalingPolicies).toEqual([]);
    expect(world.forwarded).toEqual([expect.stringContaining('Action=DescribePolicies')]);
  });
});
