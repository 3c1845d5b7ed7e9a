import { describe, expect, it } from 'vitest';
import { decideEtcdRoll, type EtcdObservation } from '#domain/etcd-roll.ts';
import type { MemberStatus } from '#ports/etcd.ts';
import type { Instance, InstanceGroup } from '#ports/instances.ts';
import { memberStatus } from '../../support/fakes/etcd.ts';

const BACKUP = { id: 'b1', proven: true, clusterId: 'c1', revision: 90 };

describe('rolling the members of etcd', () => {
  it('is done when every instance is of the current version and every member healthy', () => {
    expect(decideEtcdRoll(observed())).toMatchObject({ act: 'done' });
  });

  it('is done on creation too, when there is no backup and nothing to replace', () => {
    expect(decideEtcdRoll(observed({ backup: undefined }))).toMatchObject({ act: 'done' });
  });

  it('replaces one old instance, with a proven backup', () => {
    const decision = decideEtcdRoll(observed({ groups: zones(group([instance('i-1', '1', 'a')])) }));

    expect(decision).toMatchObject({ act: 'terminate', instance: { id: 'i-1' } });
  });

  it.each([
    ['there is none', undefined],
    ['it is not proven', { ...BACKUP, proven: false }],
  ])('refuses to replace when of the backup %s', (_, backup) => {
    expect(decideEtcdRoll(observed({ groups: zones(group([instance('i-1', '1')])), backup }))).toMatchObject({ act: 'refuse' });
  });

  it.each([
    ['the group is not there', { groups: zones(undefined) }],
    ['an instance is on its way', { groups: zones(group([{ ...instance('i-1'), lifecycleState: 'Pending' }])) }],
    ['an instance is on its way out', { groups: zones(group([{ ...instance('i-1', '1'), lifecycleState: 'Terminating' }])) }],
    ['an instance is missing', { groups: zones({ ...group([instance('i-1', '1')]), desired: 2 }) }],
    ['nobody answers', { groups: zones(group([instance('i-1', '1')])), members: { unreachable: 'no etcd member answers' } }],
    ['a member is not healthy', { groups: zones(group([instance('i-1', '1')])), members: [member({ healthy: false })] }],
  ])('waits while %s', (_, change) => {
    expect(decideEtcdRoll(observed(change))).toMatchObject({ act: 'wait' });
  });

  it.each([
    ['another cluster came up', member({ clusterId: 'c2' }), 'c2'],
    ['the data is older than the backup', member({ revision: 89 }), 'behind 90'],
  ])('goes no further when %s', (_, wrong, text) => {
    const decision = decideEtcdRoll(observed({ members: [wrong] }));

    expect(decision.act).toBe('refuse');
    expect(decision.reason).toContain(text);
    expect(decision.reason).toContain('restore');
  });
});

describe('rolling three members', () => {
  const members = ['a', 'b', 'c'].map((zone) => member({ name: `etcd-${zone}`, leader: zone === 'a' }));
  const three = (...versions: string[]) =>
    zones(...versions.map((version, index) => group([instance(`i-${index}`, version, 'abc'.charAt(index))])));

  it.each([
    ['followers first', ['1', '1', '1'], 'i-1'],
    ['then the other follower', ['1', '2', '1'], 'i-2'],
  ])('takes %s', (_, versions, id) => {
    expect(decideEtcdRoll(observed({ groups: three(...versions), members }))).toMatchObject({ act: 'terminate', instance: { id } });
  });

  it('takes the leader last, after it has handed leadership to one that stays', () => {
    const groups = three('1', '2', '2');
    const handed = members.map((member) => ({ ...member, leader: member.name === 'etcd-b', leaderId: 'id-etcd-b' }));

    expect(decideEtcdRoll(observed({ groups, members }))).toMatchObject({
      act: 'move-leader',
      from: { name: 'etcd-a' },
      to: { name: 'etcd-b' },
    });
    expect(decideEtcdRoll(observed({ groups, members: handed }))).toMatchObject({ act: 'terminate', instance: { id: 'i-0' } });
  });

  it('hands leadership to an old member only while there is no other', () => {
    const led = members.map((member) => ({ ...member, leader: member.name === 'etcd-a' }));

    expect(decideEtcdRoll(observed({ groups: three('1', '1', '2'), members: led }))).toMatchObject({
      act: 'terminate',
      instance: { id: 'i-1' },
    });
    expect(decideEtcdRoll(observed({ groups: three('1', '2', '2'), members: led }))).toMatchObject({ to: { name: 'etcd-b' } });
  });

  it('compares hashes before it replaces one, and at the end of an update that did', () => {
    const undone = { groups: three('1', '1', '1'), members, hashes: undefined };
    const ended = { groups: three('2', '2', '2'), members, hashes: undefined };

    expect(decideEtcdRoll(observed(undone))).toMatchObject({ act: 'compare-hashes' });
    expect(decideEtcdRoll(observed({ ...ended, changed: true }))).toMatchObject({ act: 'compare-hashes' });
    expect(decideEtcdRoll(observed({ ...ended, changed: false }))).toMatchObject({ act: 'done' });
  });

  it.each([
    ['one has no group yet', { groups: [...three('1', '1'), { zone: 'c', group: undefined }], members }],
    [
      'one is on its way',
      { groups: zones(group([instance('i-0', '1')]), group([{ ...instance('i-1'), lifecycleState: 'Pending' }])), members },
    ],
    ['etcd lists fewer', { groups: three('1', '1', '1'), members: members.slice(0, 2) }],
    [
      'one is not healthy',
      { groups: three('1', '2', '1'), members: [...members.slice(0, 2), member({ name: 'etcd-c', leader: false, healthy: false })] },
    ],
    [
      'one catches up',
      { groups: three('1', '2', '1'), members: [...members.slice(0, 2), member({ name: 'etcd-c', leader: false, revision: 80 })] },
    ],
  ])('waits while %s', (_, change) => {
    expect(decideEtcdRoll(observed(change))).toMatchObject({ act: 'wait' });
  });

  it('goes no further when another cluster came up, or all are behind the backup', () => {
    const strangers = members.map((member) => ({ ...member, clusterId: 'c2' }));
    const old = members.map((member) => ({ ...member, revision: 80 }));

    for (const wrong of [strangers, old])
      expect(decideEtcdRoll(observed({ groups: three('1', '1', '1'), members: wrong }))).toMatchObject({ act: 'refuse' });
  });
});

function observed(change: Partial<EtcdObservation> = {}): EtcdObservation {
  return {
    groups: zones(group([instance('i-1')])),
    members: [member()],
    committed: 100,
    wanted: '3.6.16',
    clusterVersion: '3.6.0',
    hashes: { state: 'equal', reason: 'equal' },
    changed: false,
    backup: BACKUP,
    ...change,
  };
}

/** Alone it leads; of three, the first does. */
function member(fields: Partial<MemberStatus> = {}): MemberStatus {
  return memberStatus({ name: 'etcd-a', leader: true, leaderId: 'id-etcd-a', ...fields });
}

function zones(...groups: (InstanceGroup | undefined)[]): EtcdObservation['groups'] {
  return groups.map((entry, index) => ({ zone: 'abc'.charAt(index), group: entry }));
}

function group(instances: Instance[]): InstanceGroup {
  return { name: 'etcd', min: 1, max: 1, desired: instances.length, launchTemplateVersion: '2', instances };
}

function instance(id: string, launchTemplateVersion = '2', zone = 'a'): Instance {
  return { id, zone, lifecycleState: 'InService', healthStatus: 'Healthy', launchTemplateVersion };
}
