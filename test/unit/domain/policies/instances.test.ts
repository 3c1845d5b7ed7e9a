import { describe, expect, it } from 'vitest';
import {
  addressSpace,
  burstableControlPlane,
  burstablePool,
  controlPlaneInstances,
  etcdMembers,
  surgeRoom,
  zones,
} from '#domain/policies/instances.ts';
import { policySubject } from '#domain/policies/subject.ts';
import { configurationWith, expectFound, expectInEdited, NOW } from '../../../support/policies.ts';
import { referenceSnapshot } from '../../../support/reference-fleet.ts';

function pools(...texts: string[]): string {
  return `pools:\n${texts.map((text) => `  - ${text}\n`).join('')}`;
}

describe('burstable-control-plane', () => {
  it('passes the reference fleet', () => expectInEdited(burstableControlPlane, 'etcd.yaml', 'm6i.large', 'm6i.large'));

  it.each(['t2.medium', 't3a.large', 't4g.small'])('is found at %s', (type) => {
    expectInEdited(burstableControlPlane, 'etcd.yaml', 'InstanceType: m6i.large', `▸InstanceType: ${type}`, [
      `etcd LaunchTemplate: ${type} has only a share of a CPU. Take an m, c or r instance.`,
    ]);
    expectInEdited(burstableControlPlane, 'control-plane.yaml', 'InstanceType: m6i.large', `▸InstanceType: ${type}`, [
      `control-plane LaunchTemplate: ${type} has only a share of a CPU. Take an m, c or r instance.`,
    ]);
  });

  it('passes credits without limit', () =>
    expectInEdited(
      burstableControlPlane,
      'etcd.yaml',
      'InstanceType: m6i.large',
      'InstanceType: t3.large\n        CreditSpecification: { CpuCredits: unlimited }',
    ));

  it('does not take trn1 or a reference for a t instance', () => {
    expectInEdited(burstableControlPlane, 'etcd.yaml', 'm6i.large', 'trn1.2xlarge');
    expectInEdited(burstableControlPlane, 'etcd.yaml', 'InstanceType: m6i.large', 'InstanceType: !Ref OsImage');
  });
});

describe('burstable-pool', () => {
  it('is found at the type of the pool', () =>
    expectFound(
      burstablePool,
      'pools.yaml',
      pools('{ name: a, instanceType: m6i.large, size: 3, maxSize: 6 }', '{ name: b, ▸instanceType: t3.large, size: 3, maxSize: 6 }'),
      ['pool b: t3.large has only a share of a CPU. Take an m, c or r instance.'],
    ));
});

describe('etcd-members', () => {
  const member = (id: string, size: string): string =>
    `  ${id}:\n    Type: AWS::AutoScaling::AutoScalingGroup\n    Properties: { MinSize: '${size}' }\n`;

  it.each([[['1', '1', '1']], [['1', '1', '1', '1', '1']], [['3']]])('passes %j', (sizes) =>
    expectFound(etcdMembers, 'etcd.yaml', `Resources:\n${sizes.map((size, index) => member(`M${index}`, size)).join('')}`),
  );

  it('finds a single member at its group', () =>
    expectFound(etcdMembers, 'etcd.yaml', `Resources:\n${member('M0', '1').replace('M0', '▸M0')}`, [
      'etcd: etcd has 1 member. Three or five survive the loss of a zone.',
    ]));

  it('finds an even number', () =>
    expectFound(etcdMembers, 'etcd.yaml', `Resources:\n${member('▸M0', '2')}${member('M1', '2')}`, [
      'etcd: etcd has 4 members. Three or five survive the loss of a zone.',
    ]));

  it('passes the reference fleet', () => expectInEdited(etcdMembers, 'etcd.yaml', 'm6i.large', 'm6i.large'));

  it('leaves out what production does not get', () => {
    const conditions = "Parameters: { EtcdMembers: { Type: String } }\nConditions: { Five: !Equals [!Ref EtcdMembers, '5'] }\n";
    const more = ['M1', 'M2'].map((id) => member(id, '1').replace('Properties', 'Condition: Five\n    Properties')).join('');

    expectFound(etcdMembers, 'etcd.yaml', `${conditions}Resources:\n${member('▸M0', '1')}${more}`, [
      'etcd: etcd has 1 member. Three or five survive the loss of a zone.',
    ]);
  });

  it('counts a group without a size as one', () =>
    expectFound(
      etcdMembers,
      'etcd.yaml',
      `Resources:\n${['A', 'B', 'C'].map((id) => `  ${id}: { Type: AWS::AutoScaling::AutoScalingGroup }\n`).join('')}`,
    ));
});

/** The size of the reference control plane, by environment. */
const LEAST = "MinSize: !If [Production, '2', '1']";
const MOST = "MaxSize: !If [Production, '3', '2']";

describe('control-plane-instances', () => {
  it("is found at the group's size", () =>
    expectInEdited(controlPlaneInstances, 'control-plane.yaml', LEAST, "▸MinSize: '1'", [
      'control-plane Group: the group keeps 1 API server. Keep two or more, over several zones.',
    ]));

  it.each(["MinSize: !If [Production, '1', '2']", "MinSize: !If [Production, !If [Production, '1', '3'], '2']"])(
    'is found at what production gets of %s',
    (text) =>
      expectInEdited(controlPlaneInstances, 'control-plane.yaml', LEAST, `▸${text}`, [
        'control-plane Group: the group keeps 1 API server. Keep two or more, over several zones.',
      ]),
  );

  it.each(["MinSize: '2'", 'MinSize: !Ref OsImage', LEAST])('passes %s', (text) =>
    expectInEdited(controlPlaneInstances, 'control-plane.yaml', LEAST, text),
  );
});

describe('surge-room', () => {
  it.each(["MaxSize: '2'", 'MaxSize: !Ref OsImage', MOST])('passes %s', (text) =>
    expectInEdited(surgeRoom, 'control-plane.yaml', `${LEAST}\n      ${MOST}`, `MinSize: '1'\n      ${text}`),
  );

  it('is found where the group is full', () =>
    expectInEdited(surgeRoom, 'control-plane.yaml', `${LEAST}\n      ${MOST}`, "MinSize: '1'\n      ▸MaxSize: '1'", [
      'control-plane Group: MaxSize 1 leaves no room beside 1. Raise it: a new instance is started before an old one goes.',
    ]));

  it('leaves a group alone whose least is not written out', () =>
    expectInEdited(surgeRoom, 'control-plane.yaml', `${LEAST}\n      ${MOST}`, "MinSize: !Ref OsImage\n      MaxSize: '1'"));
});

describe('several-zones', () => {
  it('passes the reference fleet', () => expectInEdited(zones, 'node-pool.yaml', '!Ref SubnetIds', '!Ref SubnetIds'));

  it.each(['control-plane', 'node-pool'])('finds the group of %s in one zone', (name) =>
    expectInEdited(zones, `${name}.yaml`, 'VPCZoneIdentifier: !Ref SubnetIds', '▸VPCZoneIdentifier: [!Ref SubnetIds]', [
      `${name} Group: all instances stand in one zone. Name the subnets of all zones.`,
    ]),
  );

  it('passes a list of several', () =>
    expectInEdited(zones, 'node-pool.yaml', 'VPCZoneIdentifier: !Ref SubnetIds', 'VPCZoneIdentifier: [!Ref SubnetIds, !Ref SubnetIds]'));

  it('finds a pool with fewer nodes than zones', () =>
    expectFound(
      zones,
      'pools.yaml',
      pools('{ name: a, instanceType: m6i.large, size: 3, maxSize: 6 }', '{ name: b, instanceType: m6i.large, ▸size: 2, maxSize: 6 }'),
      ['pool b: 2 nodes do not fill 3 zones.'],
    ));

  it('goes by the zones that a pool names, which must be more than one', () =>
    expectFound(
      zones,
      'pools.yaml',
      pools(
        '{ name: a, instanceType: m6i.large, size: 2, maxSize: 6, zones: [a, c] }',
        '{ name: b, instanceType: m6i.large, size: 3, maxSize: 6, ▸zones: [b] }',
      ),
      ['pool b: all its nodes stand in one zone. Name more, or none for all.'],
    ));
});

describe('address-space', () => {
  it('passes the largest that fits', () =>
    expectFound(addressSpace, 'pools.yaml', pools('{ name: a, instanceType: m6i.large, size: 3, maxSize: 110 }')));

  it('is found when all pools together do not fit', () => {
    const text = pools(
      '{ name: a, instanceType: m6i.large, size: 3, maxSize: 100 }',
      '{ name: b, instanceType: m6i.large, size: 3, maxSize: 11 }',
    );

    expectFound(addressSpace, 'pools.yaml', `▸${text}`, [
      "pools: 111 nodes with 110 pods each want 12321 addresses; a cluster's network has 12273.",
    ]);
  });
});

it('finds without the files too, at the first line', () => {
  const configuration = configurationWith({ 'pools.yaml': pools('{ name: a, instanceType: t3.large, size: 3, maxSize: 6 }') });
  const files = referenceSnapshot().files.filter(({ path }) => path !== 'pools.yaml');

  expect(burstablePool.check(policySubject(configuration, files, NOW))).toMatchObject([{ place: { line: 1, column: 1 } }]);
});
