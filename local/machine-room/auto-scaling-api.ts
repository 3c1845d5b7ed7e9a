import { randomUUID } from 'node:crypto';
import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { accessKeyOf, answerXml, errorXml, members, type QueryStructure, type QueryValue } from './query-protocol.ts';
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
  terminate(group: GroupView, instance: string, reason: string): void;
  setSuspended(group: GroupView, processes: readonly string[], suspended: boolean): void;
}

export interface ScalingApi {
  readonly url: string;
  close(): Promise<void>;
}

/** An error of the API: AWS' code and words. */
class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

interface Call {
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

const ACTIONS: Readonly<Record<string, Action>> = {
  DescribeAutoScalingGroups: describeGroups,
  DescribeAutoScalingInstances: describeInstances,
  SetDesiredCapacity: setDesiredCapacity,
  TerminateInstanceInAutoScalingGroup: terminateInstance,
  SuspendProcesses: (call) => suspend(call, true),
  ResumeProcesses: (call) => suspend(call, false),
};

/**
 * The Auto Scaling API on a free port of 127.0.0.1. Actions that change or show machines are answered here; every other
 * one goes unchanged to the emulator at `upstream`.
 */
export async function startAutoScalingApi(
  upstream: string,
  control: ScalingControl,
  accountOf: (accessKey: string) => Promise<string>,
): Promise<ScalingApi> {
  const server = createServer((request, response) => {
    handle(upstream, control, accountOf, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else send(response, 500, errorXml('InternalFailure', error instanceof Error ? error.message : String(error), randomUUID()));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  // Bound to a TCP port, so address() is an AddressInfo.
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => closeServer(server) };
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

async function handle(
  upstream: string,
  control: ScalingControl,
  accountOf: (accessKey: string) => Promise<string>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = Buffer.concat(await request.toArray());
  const form = new URLSearchParams(body.length > 0 ? body.toString('utf8') : (request.url ?? '').split('?')[1]);
  const name = form.get('Action') ?? '';
  const action = ACTIONS[name];
  if (action === undefined) return forward(upstream, request, body, response);
  const accessKey = accessKeyOf(request.headers.authorization);
  const requestId = randomUUID();
  if (accessKey === undefined)
    return send(response, 403, errorXml('MissingAuthenticationToken', 'Request is missing Authentication Token', requestId));
  try {
    const groups = await control.groups(await accountOf(accessKey));
    send(response, 200, answerXml(name, requestId, action({ form, groups, control })));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    send(response, 400, errorXml(error.code, error.message, requestId));
  }
}

function send(response: ServerResponse, status: number, xml: string): void {
  response.writeHead(status, { 'content-type': 'text/xml', 'content-length': Buffer.byteLength(xml) }).end(xml);
}

function forward(upstream: string, request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
  const { hostname, port } = new URL(upstream);
  return new Promise((resolve, reject) => {
    httpRequest({ hostname, port, method: request.method, path: request.url, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response).on('finish', resolve).on('error', reject);
    })
      .on('error', reject)
      .end(body);
  });
}

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
  if (decrement && machine.state !== 'Terminating') control.setDesired(group, group.desired - 1);
  control.terminate(group, id, 'terminated by a user request');
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
