import {
  type AutoScalingClient,
  CompleteLifecycleActionCommand,
  DescribeAutoScalingGroupsCommand,
  DescribeAutoScalingInstancesCommand,
  DescribeScalingActivitiesCommand,
  RecordLifecycleActionHeartbeatCommand,
  ResumeProcessesCommand,
  SetDesiredCapacityCommand,
  SetInstanceHealthCommand,
  SuspendProcessesCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ACTIONS } from '../../../../local/machine-room/auto-scaling-actions.ts';
import { parseXml, unlikeModel, type XmlElement } from '../../../support/machine-room/scaling-model.ts';
import { GROUP, type ScalingWorld, startScalingWorld } from '../../../support/machine-room/scaling-world.ts';

let world: ScalingWorld;
let client: AutoScalingClient;

beforeEach(async () => {
  world = await startScalingWorld();
  client = world.client();
});

afterEach(() => world.close());

const action = { LifecycleHookName: 'hook', AutoScalingGroupName: GROUP, InstanceId: 'i-1' };
const processes = { AutoScalingGroupName: GROUP, ScalingProcesses: ['Launch'] };
/** Each action that the room answers, with a request that it answers well. */
const REQUESTS: Readonly<Record<string, () => Promise<unknown>>> = {
  DescribeAutoScalingGroups: () => client.send(new DescribeAutoScalingGroupsCommand({ MaxRecords: 1 })),
  DescribeScalingActivities: () => client.send(new DescribeScalingActivitiesCommand({ AutoScalingGroupName: GROUP })),
  DescribeAutoScalingInstances: () => client.send(new DescribeAutoScalingInstancesCommand({})),
  SetDesiredCapacity: () => client.send(new SetDesiredCapacityCommand({ AutoScalingGroupName: GROUP, DesiredCapacity: 2 })),
  TerminateInstanceInAutoScalingGroup: () =>
    client.send(new TerminateInstanceInAutoScalingGroupCommand({ InstanceId: 'i-1', ShouldDecrementDesiredCapacity: false })),
  SuspendProcesses: () => client.send(new SuspendProcessesCommand(processes)),
  ResumeProcesses: () => client.send(new ResumeProcessesCommand(processes)),
  SetInstanceHealth: () => client.send(new SetInstanceHealthCommand({ InstanceId: 'i-1', HealthStatus: 'Unhealthy' })),
  CompleteLifecycleAction: () => client.send(new CompleteLifecycleActionCommand({ ...action, LifecycleActionResult: 'CONTINUE' })),
  RecordLifecycleActionHeartbeat: () => client.send(new RecordLifecycleActionHeartbeatCommand(action)),
};

/** The result element of the answer that was sent last. */
function lastResult(name: string): XmlElement {
  const root = parseXml(world.answers.at(-1) ?? '');
  const [[rootName, children]] = root as [[string, readonly (readonly [string, XmlElement])[]]];
  expect(rootName).toBe(`${name}Response`);
  expect(children.map(([child]) => child)).toContain('ResponseMetadata');
  return children.find(([child]) => child === `${name}Result`)?.[1] ?? '';
}

describe("the room's answers and AWS' model of them", () => {
  it('has a request for each action that the room answers', () => {
    expect(Object.keys(REQUESTS).toSorted()).toEqual(Object.keys(ACTIONS).toSorted());
  });

  it.each(Object.keys(REQUESTS))('%s answers what the model knows, and all that it requires', async (name) => {
    const request = REQUESTS[name];
    if (request === undefined) throw new Error(name);

    await request();

    expect(unlikeModel(name, lastResult(name))).toEqual([]);
  });

  it('finds what the model does not know, what is missing and what is of another type', () => {
    const instance = (children: XmlElement): XmlElement => [['AutoScalingInstances', [['member', children]]]];

    const found = unlikeModel(
      'DescribeAutoScalingInstances',
      instance([
        ['InstanceId', 'i-1'],
        ['Nonsense', '1'],
        ['ProtectedFromScaleIn', 'no'],
      ]),
    );

    expect(found).toContain('DescribeAutoScalingInstances.AutoScalingInstances[0].Nonsense is unknown');
    expect(found).toContain('DescribeAutoScalingInstances.AutoScalingInstances[0].AutoScalingGroupName is missing');
    expect(found).toContain('DescribeAutoScalingInstances.AutoScalingInstances[0].ProtectedFromScaleIn is "no", which is not of type 2');
  });
});
