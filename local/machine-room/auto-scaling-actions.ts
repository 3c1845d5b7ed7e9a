import { randomUUID } from 'node:crypto';
import { members, type QueryStructure, type QueryValue } from './query-protocol.ts';
import type { GroupSpec } from './scaling.ts';
import type { Machine } from './types.ts';

/** A group with what the room knows of it. */
export interface GroupView {
  readonly spec: GroupSpec;
  readonly desired: number;
  readonly suspended: ReadonlySet<string>;
  readonly machines: readonly Readonly<Machine>[];
}

/** What the API may do to the room. */
export interface ScalingControl {
  /** Groups of an account, freshly read. */
  groups(account: string): Promise<readonly GroupView[]>;
  setDesired(group: GroupView, desired: number): void;
  /** Ends an instance; with `decrement` the group shrinks by one and does not replace it. */
  terminate(group: GroupView, instance: string, decrement: boolean): void;
  setSuspended(group: GroupView, processes: readonly string[], suspended: boolean): void;
}

/** An error of the API: AWS' code and words. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Call {
  readonly form: URLSearchParams;
  readonly groups: readonly GroupView[];
  readonly control: ScalingControl;
}

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
  SetDesiredCapacity: setDesiredCapacity,
  TerminateInstanceInAutoScalingGroup: terminateInstance,
  SuspendProcesses: (call) => suspend(call, true),
  ResumeProcesses: (call) => suspend(call, false),
};

function describeGroups({ form, groups }: Call): QueryStructure {
  const names = members(form, 'AutoScalingGroupNames');
  const filters = tagFilters(form);
  const wanted = groups.filter(({ spec }) => (names.length === 0 || names.includes(spec.name)) && filters.every((filter) => filter(spec)));
  return { AutoScalingGroups: wanted.map(groupXml) };
}

/** `tag:<key>`, `tag-key` and `tag-value` filters. */
function tagFilters(form: URLSearchParams): ((spec: GroupSpec) => boolean)[] {
  const filters: ((spec: GroupSpec) => boolean)[] = [];
  for (let index = 1; ; index += 1) {
    const name = form.get(`Filters.member.${index}.Name`);
    if (name === null) return filters;
    const values = members(form, `Filters.member.${index}.Values`);
    if (name !== 'tag-key' && name !== 'tag-value' && !name.startsWith('tag:'))
      throw new ApiError('ValidationError', `Filter type ${name} is not correct. Allowed are tag-key, tag-value and tag:<key>`);
    filters.push((spec) =>
      spec.tags.some((tag) => {
        if (name === 'tag-key') return values.includes(tag.key);
        if (name === 'tag-value') return values.includes(tag.value);
        return tag.key === name.slice('tag:'.length) && values.includes(tag.value);
      }),
    );
  }
}

function groupXml({ spec, desired, suspended, machines }: GroupView): QueryStructure {
  return {
    AutoScalingGroupName: spec.name,
    AutoScalingGroupARN: spec.arn,
    LaunchTemplate: templateXml(spec.launchTemplate),
    MinSize: spec.min,
    MaxSize: spec.max,
    DesiredCapacity: desired,
    DefaultCooldown: 300,
    AvailabilityZones: [...new Set(spec.zones.map((zone) => zone.name))],
    LoadBalancerNames: [],
    TargetGroupARNs: [],
    HealthCheckType: 'EC2',
    HealthCheckGracePeriod: 0,
    Instances: machines.map((machine) => instanceXml(machine)),
    CreatedTime: spec.createdAt,
    SuspendedProcesses: [...suspended].map((name) => ({ ProcessName: name, SuspensionReason: 'User suspended' })),
    VPCZoneIdentifier: spec.subnetIds,
    EnabledMetrics: [],
    Tags: spec.tags.map((tag) => ({
      ResourceId: spec.name,
      ResourceType: 'auto-scaling-group',
      Key: tag.key,
      Value: tag.value,
      PropagateAtLaunch: tag.propagate,
    })),
    TerminationPolicies: ['Default'],
    NewInstancesProtectedFromScaleIn: false,
  };
}

function templateXml(template: { id: string; name: string; version: string }): QueryStructure {
  return { LaunchTemplateId: template.id, LaunchTemplateName: template.name, Version: template.version };
}

function instanceXml(machine: Readonly<Machine>): QueryStructure {
  return {
    InstanceId: machine.id,
    AvailabilityZone: machine.zone,
    LifecycleState: machine.state,
    HealthStatus: machine.health,
    LaunchTemplate: templateXml({ id: machine.launchTemplateId, name: machine.launchTemplateName, version: machine.launchTemplateVersion }),
    ProtectedFromScaleIn: false,
  };
}

function describeInstances({ form, groups }: Call): QueryStructure {
  const ids = members(form, 'InstanceIds');
  const machines = groups.flatMap((group) => group.machines).filter((machine) => ids.length === 0 || ids.includes(machine.id));
  const list: QueryValue = machines.map((machine) => ({
    ...instanceXml(machine),
    AutoScalingGroupName: machine.group,
    HealthStatus: machine.health.toUpperCase(),
  }));
  return { AutoScalingInstances: list };
}

function groupNamed({ form, groups }: Call): GroupView {
  const name = form.get('AutoScalingGroupName') ?? '';
  const group = groups.find((candidate) => candidate.spec.name === name);
  if (group === undefined) throw new ApiError('ValidationError', `Group ${name} not found`);
  return group;
}

function setDesiredCapacity(call: Call): undefined {
  const group = groupNamed(call);
  const text = call.form.get('DesiredCapacity') ?? '';
  const { min, max } = group.spec;
  if (!/^\d+$/.test(text)) throw new ApiError('ValidationError', 'DesiredCapacity must be a whole number');
  if (Number(text) > max)
    throw new ApiError('ValidationError', `New SetDesiredCapacity value ${text} is above max value ${max} for the AutoScalingGroup.`);
  if (Number(text) < min)
    throw new ApiError('ValidationError', `New SetDesiredCapacity value ${text} is below min value ${min} for the AutoScalingGroup.`);
  call.control.setDesired(group, Number(text));
  return undefined;
}

function terminateInstance({ form, groups, control }: Call): QueryStructure {
  const id = form.get('InstanceId') ?? '';
  const decrement = form.get('ShouldDecrementDesiredCapacity') === 'true';
  const group = groups.find((candidate) => candidate.machines.some((machine) => machine.id === id));
  const machine = group?.machines.find((candidate) => candidate.id === id);
  if (group === undefined || machine === undefined)
    throw new ApiError('ValidationError', `Instance Id not found - No managed instance found for instance ID: ${id}`);
  if (decrement && group.desired - 1 < group.spec.min)
    throw new ApiError(
      'ValidationError',
      `Currently, desiredSize equals minSize (${group.spec.min}). Terminating instance without replacement will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.`,
    );
  if (machine.state !== 'Terminating') control.terminate(group, id, decrement);
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

function suspend(call: Call, suspended: boolean): undefined {
  const asked = members(call.form, 'ScalingProcesses');
  const unknown = asked.filter((name) => !PROCESSES.includes(name));
  if (unknown.length > 0) throw new ApiError('ValidationError', `Unknown scaling process ${unknown.join(', ')}`);
  call.control.setSuspended(groupNamed(call), asked.length > 0 ? asked : PROCESSES, suspended);
  return undefined;
}
