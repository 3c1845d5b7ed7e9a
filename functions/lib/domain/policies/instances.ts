import type { Pool } from '#model/configuration.ts';
import { zonesOfPool } from '../pool-zones.ts';
import type { Template } from '../template.ts';
import type { ValuePath } from '../yaml-source.ts';
import { holdsInProduction, inProduction } from './conditions.ts';
import { FAILS_IN_PRODUCTION, type Policy, WARNS, WARNS_IN_PRODUCTION } from './policy.ts';
import type { PolicySubject } from './subject.ts';
import { entriesAt, numberAt, textAt, valueAt } from './values.ts';

/** Families whose CPU is a share of a core, above which credits are spent. */
const BURSTABLE = /^t\d[a-z]*\./;

const DATA: ValuePath = ['Properties', 'LaunchTemplateData'];

export const burstableControlPlane: Policy = {
  id: 'burstable-control-plane',
  title: 'etcd and control plane run on instances with a whole CPU',
  why: 'a t instance out of CPU credits is slow for hours: etcd loses its leader and the API server its answers, just under load.',
  fix: 'take an m, c or r instance in `etcd.yaml` and `control-plane.yaml`, or set `CreditSpecification: { CpuCredits: unlimited }`.',
  levels: FAILS_IN_PRODUCTION,
  check: (subject) =>
    (['etcd', 'control-plane'] as const).flatMap((name) => {
      const template = subject.template(name);
      if (template === undefined) return [];
      return resources(template, 'AWS::EC2::LaunchTemplate').flatMap(({ id, body }) => {
        const type = textAt(body, [...DATA, 'InstanceType']) ?? '';
        if (!BURSTABLE.test(type) || textAt(body, [...DATA, 'CreditSpecification', 'CpuCredits']) === 'unlimited') return [];
        const path = ['Resources', id, ...DATA, 'InstanceType'];
        return [subject.inTemplate(template, path, `${name} ${id}`, `${type} has only a share of a CPU. Take an m, c or r instance.`)];
      });
    }),
};

export const burstablePool: Policy = {
  id: 'burstable-pool',
  title: 'Node pools have instances with a whole CPU',
  why: 'pods are placed by the CPU that a node claims to have; a t instance out of credits has a fraction of it.',
  fix: 'take an m, c or r instance in `pools.yaml`.',
  levels: WARNS_IN_PRODUCTION,
  check: (subject) =>
    subject.pools.flatMap((pool, index) =>
      BURSTABLE.test(pool.instanceType)
        ? [poolViolation(subject, index, 'instanceType', `${pool.instanceType} has only a share of a CPU. Take an m, c or r instance.`)]
        : [],
    ),
};

export const etcdMembers: Policy = {
  id: 'etcd-members',
  title: 'etcd has an odd number of members, at least three',
  why: 'one member is one zone: while it is replaced or lost nothing can be changed. Of an even number one more may not fail.',
  fix: 'give `etcd.yaml` one group a member in each zone: three, or five in production.',
  levels: FAILS_IN_PRODUCTION,
  check: (subject) => {
    const template = subject.template('etcd');
    // A group whose type is misspelt is no missing member.
    if (template === undefined || !subject.isSound(template.path)) return [];
    const groups = resources(template, 'AWS::AutoScaling::AutoScalingGroup');
    const made = groups.filter(({ body }) => holdsInProduction(template, textAt(body, ['Condition']) ?? '') !== false);
    const members = made.reduce((sum, { body }) => sum + (leastInProduction(template, body) ?? 1), 0);
    if (members >= 3 && members % 2 === 1) return [];
    const message = `etcd has ${members} ${members === 1 ? 'member' : 'members'}. Three or five survive the loss of a zone.`;
    return [subject.inTemplate(template, ['Resources', groups[0]?.id ?? ''], 'etcd', message)];
  },
};

export const controlPlaneInstances: Policy = {
  id: 'control-plane-instances',
  title: 'Two API servers or more',
  why: 'with one API server every loss of its instance or zone is an outage of the API until the next has booted.',
  fix: "set `MinSize: '2'` or more in the group of `control-plane.yaml`.",
  levels: FAILS_IN_PRODUCTION,
  check: (subject) =>
    groupsOf(subject, 'control-plane').flatMap(({ template, id, body }) => {
      const least = leastInProduction(template, body);
      if (least === undefined || least >= 2) return [];
      const message = `the group keeps ${least} API server. Keep two or more, over several zones.`;
      return [subject.inTemplate(template, ['Resources', id, 'Properties', 'MinSize'], `control-plane ${id}`, message)];
    }),
};

export const surgeRoom: Policy = {
  id: 'surge-room',
  title: 'The control plane has room for one more instance',
  why: 'an API server is replaced by starting the new one first; a group that is full could only take one away.',
  fix: 'set `MaxSize` above `MinSize` in the group of `control-plane.yaml`.',
  levels: FAILS_IN_PRODUCTION,
  check: (subject) =>
    groupsOf(subject, 'control-plane').flatMap(({ template, id, body }) => {
      const least = numberAt(body, ['Properties', 'MinSize']);
      const most = numberAt(body, ['Properties', 'MaxSize']);
      if (least === undefined || most === undefined || most > least) return [];
      const message = `MaxSize ${most} leaves no room beside ${least}. Raise it: a new instance is started before an old one goes.`;
      return [subject.inTemplate(template, ['Resources', id, 'Properties', 'MaxSize'], `control-plane ${id}`, message)];
    }),
};

export const zones: Policy = {
  id: 'several-zones',
  title: 'Control plane and nodes stand in several zones',
  why: 'what stands in one zone is gone with it.',
  fix: 'give `VPCZoneIdentifier` all subnets (`!Ref SubnetIds`), and a pool at least three nodes.',
  levels: FAILS_IN_PRODUCTION,
  check: (subject) => [
    ...(['control-plane', 'node-pool'] as const).flatMap((name) =>
      groupsOf(subject, name).flatMap(({ template, id, body }) => {
        const subnets = valueAt(body, ['Properties', 'VPCZoneIdentifier']);
        if (!Array.isArray(subnets) || subnets.length > 1) return [];
        const path = ['Resources', id, 'Properties', 'VPCZoneIdentifier'];
        return [subject.inTemplate(template, path, `${name} ${id}`, 'all instances stand in one zone. Name the subnets of all zones.')];
      }),
    ),
    ...subject.pools.flatMap((pool, index) =>
      poolZoneProblems(pool).map(([field, message]) => poolViolation(subject, index, field, message)),
    ),
  ],
};

/** By the zones that a pool names, or all. */
function poolZoneProblems(pool: Pool): ['zones' | 'size', string][] {
  const zones = zonesOfPool(pool).length;
  if (zones === 1) return [['zones', 'all its nodes stand in one zone. Name more, or none for all.']];
  return pool.size < zones ? [['size', `${pool.size} nodes do not fill ${zones} zones.`]] : [];
}

/** Zones that domain/network.ts divides a cluster's network over, and the addresses of one /20 that AWS leaves free. */
const ZONES = 3;
const ADDRESSES_A_ZONE = 2 ** 12 - 5;
/** The kubelet's own default. */
const PODS_A_NODE = 110;

export const addressSpace: Policy = {
  id: 'address-space',
  title: "All pools at their largest fit into the cluster's network",
  why: 'pods have addresses of the network; when it is full new pods wait for one, at the worst time.',
  fix: 'lower `maxSize` of pools, or `maxPods` of the kubelet.',
  levels: WARNS,
  check: (subject) => {
    const { pools } = subject;
    const nodes = pools.reduce((sum, pool) => sum + pool.maxSize, 0);
    const wanted = nodes * (PODS_A_NODE + 1);
    const room = ZONES * ADDRESSES_A_ZONE;
    if (wanted <= room) return [];
    const message = `${nodes} nodes with ${PODS_A_NODE} pods each want ${wanted} addresses; a cluster's network has ${room}.`;
    return [subject.inFile('pools.yaml', ['pools'], 'pools', message)];
  },
};

/** Resources of one type, each with its id. */
export function resources(template: Template, type: string): { id: string; body: unknown }[] {
  return entriesAt(template.body, ['Resources'])
    .filter(([, body]) => textAt(body, ['Type']) === type)
    .map(([id, body]) => ({ id, body }));
}

/** MinSize of a group, as production clusters have it; undefined where that can't be told. */
function leastInProduction(template: Template, group: unknown): number | undefined {
  return numberAt({ size: inProduction(template, valueAt(group, ['Properties', 'MinSize'])) }, ['size']);
}

function groupsOf(subject: PolicySubject, name: 'control-plane' | 'node-pool'): { template: Template; id: string; body: unknown }[] {
  const template = subject.template(name);
  if (template === undefined) return [];
  return resources(template, 'AWS::AutoScaling::AutoScalingGroup').map((group) => ({ ...group, template }));
}

function poolViolation(subject: PolicySubject, index: number, field: string, message: string) {
  const name = subject.pools[index]?.name ?? '';
  return subject.inFile('pools.yaml', ['pools', index, field], `pool ${name}`, message);
}
