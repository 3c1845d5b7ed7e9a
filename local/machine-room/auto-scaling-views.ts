import { ApiError, type Call, type GroupView } from './auto-scaling-model.ts';
import { members, type QueryStructure, type QueryValue } from './query-protocol.ts';
import type { GroupSpec } from './scaling.ts';
import type { Machine } from './types.ts';

/** Members of a page when the caller names no number, and at most, by the API's reference. */
const PAGE = 50;
const LARGEST_PAGE = 100;

export function describeGroups({ form, groups }: Call): QueryStructure {
  const names = members(form, 'AutoScalingGroupNames');
  const filters = tagFilters(form);
  const wanted = groups.filter(({ spec }) => (names.length === 0 || names.includes(spec.name)) && filters.every((filter) => filter(spec)));
  const { page, next } = pageOf(form, wanted);
  return { AutoScalingGroups: page.map(groupXml), NextToken: next };
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

export function describeInstances({ form, groups }: Call): QueryStructure {
  const ids = members(form, 'InstanceIds');
  const machines = groups.flatMap((group) => group.machines).filter((machine) => ids.length === 0 || ids.includes(machine.id));
  const { page, next } = pageOf(form, machines);
  const list: QueryValue = page.map((machine) => ({
    ...instanceXml(machine),
    AutoScalingGroupName: machine.group,
    HealthStatus: machine.health.toUpperCase(),
  }));
  return { AutoScalingInstances: list, NextToken: next };
}

/** A token is the number of entries before its page. @throws ApiError */
function pageOf<T>(form: URLSearchParams, all: readonly T[]): { page: readonly T[]; next: string | undefined } {
  const token = form.get('NextToken');
  const size = Number(form.get('MaxRecords') ?? PAGE);
  if (!Number.isInteger(size) || size < 1 || size > LARGEST_PAGE)
    throw new ApiError('ValidationError', `MaxRecords must be between 1 and ${LARGEST_PAGE}`);
  if (token !== null && !/^\d+$/.test(token)) throw new ApiError('InvalidNextToken', `The token ${token} is not valid`);
  const from = Number(token ?? 0);
  return { page: all.slice(from, from + size), next: from + size < all.length ? String(from + size) : undefined };
}
