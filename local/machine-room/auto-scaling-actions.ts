import { randomUUID } from 'node:crypto';
import { ApiError, type Call, type GroupView } from './auto-scaling-model.ts';
import { describeGroups, describeInstances } from './auto-scaling-views.ts';
import { isLeaving } from './lifecycle.ts';
import { members, type QueryStructure } from './query-protocol.ts';
import type { Machine } from './types.ts';

type Action = (call: Call) => QueryStructure | undefined;

/** All processes of a group, as SuspendProcesses without a list means them. */
const PROCESSES = [
  'Launch',
  'Terminate',
  'AddToLoadBalancer',
  'AlarmNotification',
  'AZRebalance',
  'HealthCheck',
  'InstanceRefresh',
  'ReplaceUnhealthy',
  'ScheduledActions',
];

/** Actions that the room answers itself. */
export const ACTIONS: Readonly<Record<string, Action>> = {
  DescribeAutoScalingGroups: describeGroups,
  DescribeAutoScalingInstances: describeInstances,
  DescribeScalingActivities: describeActivities,
  SetDesiredCapacity: setDesiredCapacity,
  TerminateInstanceInAutoScalingGroup: terminateInstance,
  SuspendProcesses: (call) => suspend(call, true),
  ResumeProcesses: (call) => suspend(call, false),
  SetInstanceHealth: setInstanceHealth,
  CompleteLifecycleAction: completeAction,
  RecordLifecycleActionHeartbeat: heartbeat,
};

/** @throws ApiError for a parameter that the API's model requires */
function required(form: URLSearchParams, name: string): string {
  const value = form.get(name);
  if (value === null || value === '') throw new ApiError('ValidationError', `The request must contain the parameter ${name}`);
  return value;
}

function groupNamed({ form, groups }: Call): GroupView {
  const name = required(form, 'AutoScalingGroupName');
  const group = groups.find((candidate) => candidate.spec.name === name);
  if (group === undefined) throw new ApiError('ValidationError', `Group ${name} not found`);
  return group;
}

/** The room starts whatever it is asked for: it has no launch that failed, and keeps no list of those that went well. */
function describeActivities(call: Call): QueryStructure {
  groupNamed(call);
  return { Activities: [] };
}

function setDesiredCapacity(call: Call): undefined {
  const group = groupNamed(call);
  const text = required(call.form, 'DesiredCapacity');
  const { min, max } = group.spec;
  if (!/^\d+$/.test(text)) throw new ApiError('ValidationError', 'DesiredCapacity must be a whole number');
  if (Number(text) > max)
    throw new ApiError('ValidationError', `New SetDesiredCapacity value ${text} is above max value ${max} for the AutoScalingGroup.`);
  if (Number(text) < min)
    throw new ApiError('ValidationError', `New SetDesiredCapacity value ${text} is below min value ${min} for the AutoScalingGroup.`);
  call.control.setDesired(group, Number(text));
  return undefined;
}

/** @throws ApiError */
function instanceNamed({ groups }: Call, id: string): { group: GroupView; machine: Readonly<Machine> } {
  for (const group of groups) {
    const machine = group.machines.find((candidate) => candidate.id === id);
    if (machine !== undefined) return { group, machine };
  }
  throw new ApiError('ValidationError', `Instance Id not found - No managed instance found for instance ID: ${id}`);
}

function terminateInstance(call: Call): QueryStructure {
  const id = required(call.form, 'InstanceId');
  const decrement = required(call.form, 'ShouldDecrementDesiredCapacity') === 'true';
  const { group, machine } = instanceNamed(call, id);
  if (decrement && group.desired - 1 < group.spec.min)
    throw new ApiError(
      'ValidationError',
      `Currently, desiredSize equals minSize (${group.spec.min}). Terminating instance without replacement will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.`,
    );
  if (!isLeaving(machine.state)) call.control.terminate(group, id, decrement);
  return {
    Activity: {
      ActivityId: randomUUID(),
      AutoScalingGroupName: group.spec.name,
      Description: `Terminating EC2 instance: ${id}`,
      Cause: 'instance was taken out of service in response to a user request',
      StartTime: new Date(),
      StatusCode: 'InProgress',
      Progress: 0,
    },
  };
}

function setInstanceHealth(call: Call): undefined {
  const { group, machine } = instanceNamed(call, required(call.form, 'InstanceId'));
  const status = required(call.form, 'HealthStatus');
  if (status !== 'Healthy' && status !== 'Unhealthy')
    throw new ApiError('ValidationError', `HealthStatus ${status} is not valid; it must be Healthy or Unhealthy`);
  call.control.setHealth(group, machine.id, status === 'Healthy');
  return undefined;
}

function completeAction(call: Call): QueryStructure {
  const { hook, machine } = actionOf(call);
  const result = required(call.form, 'LifecycleActionResult');
  if (result !== 'CONTINUE' && result !== 'ABANDON')
    throw new ApiError('ValidationError', `LifecycleActionResult ${result} is not valid; it must be CONTINUE or ABANDON`);
  if (!call.control.completeAction(machine, hook, result)) throw noAction(machine);
  return {};
}

function heartbeat(call: Call): QueryStructure {
  const { hook, machine } = actionOf(call);
  if (!call.control.heartbeat(machine, hook)) throw noAction(machine);
  return {};
}

/** By its instance. On AWS also by a token, which only the notification of a hook carries; the room sends none. */
function actionOf(call: Call): { hook: string; machine: string } {
  const hook = required(call.form, 'LifecycleHookName');
  const group = groupNamed(call);
  const id = required(call.form, 'InstanceId');
  if (!group.machines.some((machine) => machine.id === id)) throw noAction(id);
  return { hook, machine: id };
}

function noAction(instance: string): ApiError {
  return new ApiError('ValidationError', `No active Lifecycle Action found with instance ID ${instance}`);
}

function suspend(call: Call, suspended: boolean): undefined {
  const asked = members(call.form, 'ScalingProcesses');
  const unknown = asked.filter((name) => !PROCESSES.includes(name));
  if (unknown.length > 0) throw new ApiError('ValidationError', `Unknown scaling process ${unknown.join(', ')}`);
  call.control.setSuspended(groupNamed(call), asked.length > 0 ? asked : PROCESSES, suspended);
  return undefined;
}
