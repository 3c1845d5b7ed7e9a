import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  AutoScalingClient,
  DescribeAutoScalingGroupsCommand,
  DescribeAutoScalingInstancesCommand,
  DescribePoliciesCommand,
  ResumeProcessesCommand,
  SetDesiredCapacityCommand,
  SuspendProcessesCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GroupView, type ScalingApi, startAutoScalingApi } from '../../../../local/machine-room/auto-scaling-api.ts';
import type { Machine } from '../../../../local/machine-room/types.ts';

const ACCOUNT = '111111111111';
let upstream: Server;
let forwarded: string[];
let calls: string[];
let api: ScalingApi;
let client: AutoScalingClient;

const machine: Machine = {
  id: 'i-1',
  account: ACCOUNT,
  cluster: 'c',
  role: 'pool-x',
  group: 'g & co',
  zone: 'eu-central-1a',
  launchTemplateId: 'lt-1',
  launchTemplateName: 'template',
  launchTemplateVersion: '3',
  sequence: 1,
  launchedAt: 0,
  state: 'InService',
  health: 'Healthy',
  reason: '',
};

const group: GroupView = {
  spec: {
    account: ACCOUNT,
    name: 'g & co',
    arn: 'arn:g',
    cluster: 'c',
    role: 'pool-x',
    min: 1,
    max: 2,
    declaredDesired: 1,
    zones: [{ name: 'eu-central-1a' }],
    launchTemplate: { id: 'lt-1', name: 'template', version: '4' },
    tags: [{ key: 'sluice:role', value: 'pool-x', propagate: true }],
    createdAt: new Date('2026-01-01T00:00:00Z'),
    subnetIds: 'subnet-1',
  },
  desired: 1,
  suspended: new Set(['AZRebalance']),
  machines: [machine],
};

beforeEach(async () => {
  forwarded = [];
  calls = [];
  upstream = createServer(async (request, response) => {
    forwarded.push(Buffer.concat(await request.toArray()).toString());
    response.end(
      '<DescribePoliciesResponse><DescribePoliciesResult><ScalingPolicies/></DescribePoliciesResult></DescribePoliciesResponse>',
    );
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const control = {
    groups: async (account: string) => (account === ACCOUNT ? [group] : []),
    setDesired: (_group: GroupView, desired: number) => void calls.push(`desired ${desired}`),
    terminate: (_group: GroupView, id: string, decrement: boolean) => void calls.push(`terminate ${id} ${decrement}`),
    setSuspended: (_group: GroupView, names: readonly string[], on: boolean) =>
      void calls.push(`${on ? 'suspend' : 'resume'} ${names.join()}`),
  };
  const accountOf = async (key: string): Promise<string> => (key === 'ASIASESSION' ? ACCOUNT : key);
  api = await startAutoScalingApi(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`, control, accountOf);
  client = clientOf(ACCOUNT);
});

afterEach(async () => {
  await api.close();
  upstream.closeAllConnections();
  upstream.close();
});

function clientOf(accessKeyId: string): AutoScalingClient {
  return new AutoScalingClient({
    endpoint: api.url,
    region: 'eu-central-1',
    credentials: { accessKeyId, secretAccessKey: 'x' },
    maxAttempts: 1,
  });
}

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
    const stranger = await clientOf('222222222222').send(new DescribeAutoScalingInstancesCommand({}));
    const session = await clientOf('ASIASESSION').send(new DescribeAutoScalingInstancesCommand({ InstanceIds: ['i-1'] }));

    expect(stranger.AutoScalingInstances).toEqual([]);
    expect(session.AutoScalingInstances).toMatchObject([{ InstanceId: 'i-1', AutoScalingGroupName: 'g & co' }]);
  });

  it('refuses a desired capacity outside the bounds', async () => {
    const above = client.send(new SetDesiredCapacityCommand({ AutoScalingGroupName: 'g & co', DesiredCapacity: 3 }));
    const below = client.send(new SetDesiredCapacityCommand({ AutoScalingGroupName: 'g & co', DesiredCapacity: 0 }));

    await expect(above).rejects.toMatchObject({ name: 'ValidationError', message: expect.stringContaining('above max value 2') });
    await expect(below).rejects.toMatchObject({ name: 'ValidationError', message: expect.stringContaining('below min value 1') });
    expect(calls).toEqual([]);
  });

  it('sets the desired capacity within the bounds', async () => {
    await client.send(new SetDesiredCapacityCommand({ AutoScalingGroupName: 'g & co', DesiredCapacity: 2 }));

    expect(calls).toEqual(['desired 2']);
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
    expect(calls).toEqual(['terminate i-1 false']);
  });

  it('suspends and resumes processes', async () => {
    await client.send(new SuspendProcessesCommand({ AutoScalingGroupName: 'g & co', ScalingProcesses: ['AZRebalance'] }));
    await client.send(new ResumeProcessesCommand({ AutoScalingGroupName: 'g & co', ScalingProcesses: ['AZRebalance'] }));
    const unknown = client.send(new SuspendProcessesCommand({ AutoScalingGroupName: 'g & co', ScalingProcesses: ['Nonsense'] }));

    await expect(unknown).rejects.toMatchObject({ name: 'ValidationError' });
    expect(calls).toEqual(['suspend AZRebalance', 'resume AZRebalance']);
  });

  it('sends every other action on unchanged', async () => {
    const answer = await client.send(new DescribePoliciesCommand({ AutoScalingGroupName: 'g & co' }));

    expect(answer.ScalingPolicies).toEqual([]);
    expect(forwarded).toEqual([expect.stringContaining('Action=DescribePolicies')]);
  });
});
