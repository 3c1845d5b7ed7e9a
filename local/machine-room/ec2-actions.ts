import { randomUUID } from 'node:crypto';
import type { GroupView } from './auto-scaling-model.ts';
import { isLeaving } from './lifecycle.ts';
import type { Machine } from './types.ts';

/** An answer of EC2, status and XML. */
export interface Ec2Answer {
  readonly status: number;
  readonly xml: string;
}

/** DescribeInstances by instance ids, with the fields that Sluice reads. The machines of Auto Scaling groups are all that there are. */
export function describeInstances(form: URLSearchParams, groups: readonly GroupView[]): Ec2Answer {
  const machines = groups.flatMap((group) => group.machines);
  const ids: string[] = [];
  for (let index = 1; ; index += 1) {
    const id = form.get(`InstanceId.${index}`);
    if (id === null) break;
    ids.push(id);
  }
  const unknown = ids.filter((id) => !machines.some((machine) => machine.id === id));
  if (unknown.length > 0) {
    const message = `The instance ID '${unknown.join(', ')}' does not exist`;
    return {
      status: 400,
      xml: `<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code><Message>${message}</Message></Error></Errors><RequestID>${randomUUID()}</RequestID></Response>`,
    };
  }
  const wanted = ids.length === 0 ? machines : machines.filter((machine) => ids.includes(machine.id));
  const reservations = wanted.map((machine) => `<item><instancesSet><item>${instanceXml(machine)}</item></instancesSet></item>`).join('');
  return { status: 200, xml: ec2Xml('DescribeInstances', `<reservationSet>${reservations}</reservationSet>`) };
}

/** An answer of EC2 with what it found. */
export function ec2Xml(action: string, found: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>${randomUUID()}</requestId>${found}</${action}Response>`;
}

/** All of these values are ids, addresses and names of AWS, without a character that XML would mind. */
function instanceXml(machine: Readonly<Machine>): string {
  const state = isLeaving(machine.state) ? { code: 32, name: 'shutting-down' } : { code: 16, name: 'running' };
  const address = machine.privateAddress ?? machine.address;
  return [
    `<instanceId>${machine.id}</instanceId>`,
    `<instanceState><code>${state.code}</code><name>${state.name}</name></instanceState>`,
    address === undefined ? '' : `<privateIpAddress>${address}</privateIpAddress>`,
    machine.profileArn === undefined ? '' : `<iamInstanceProfile><arn>${machine.profileArn}</arn></iamInstanceProfile>`,
    `<placement><availabilityZone>${machine.zone}</availabilityZone></placement>`,
  ].join('');
}

/** DescribeVolumes by tags: the data volumes of machines that have one. No other volume is known here. */
export function describeVolumes(form: URLSearchParams, groups: readonly GroupView[]): Ec2Answer {
  const wanted = tagFilters(form);
  const found = groups
    .flatMap((group) => group.machines)
    .flatMap((machine) => {
      const tags = tagsOfVolume(machine);
      const matches = wanted.every(({ key, values }) => values.includes(tags[key] ?? ''));
      return machine.volume === undefined || isLeaving(machine.state) || !matches ? [] : [volumeXml(machine, machine.volume, tags)];
    });
  return {
    status: 200,
    xml: ec2Xml('DescribeVolumes', `<volumeSet>${found.map((volume) => `<item>${volume}</item>`).join('')}</volumeSet>`),
  };
}

/** As the instance's own script makes them: a zone's second member has its seat in the tag's value. */
function tagsOfVolume({ cluster, role }: Readonly<Machine>): Readonly<Record<string, string>> {
  return { 'sluice:cluster': cluster, 'sluice:volume': role.replace(/-[abc]$/, '') };
}

function tagFilters(form: URLSearchParams): { key: string; values: string[] }[] {
  const filters: { key: string; values: string[] }[] = [];
  for (let index = 1; ; index += 1) {
    const name = form.get(`Filter.${index}.Name`);
    if (name === null) return filters;
    const values: string[] = [];
    for (let value = 1; form.has(`Filter.${index}.Value.${value}`); value += 1)
      values.push(form.get(`Filter.${index}.Value.${value}`) ?? '');
    filters.push({ key: name.replace(/^tag:/, ''), values });
  }
}

function volumeXml(
  machine: Readonly<Machine>,
  { id, createdAt }: NonNullable<Machine['volume']>,
  tags: Readonly<Record<string, string>>,
): string {
  const items = Object.entries(tags).map(([key, value]) => `<item><key>${key}</key><value>${value}</value></item>`);
  return [
    `<volumeId>${id}</volumeId>`,
    `<availabilityZone>${machine.zone}</availabilityZone>`,
    `<createTime>${createdAt.toISOString()}</createTime>`,
    `<attachmentSet><item><instanceId>${machine.id}</instanceId><status>attached</status></item></attachmentSet>`,
    `<tagSet>${items.join('')}</tagSet>`,
  ].join('');
}
