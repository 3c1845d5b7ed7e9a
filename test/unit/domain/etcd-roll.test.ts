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
    ['one has no group yet', { groups: [...three('1', '1'), { seat: 'c', group: undefined }], members }],
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

  it.each<[string, Partial<EtcdObservation>, string]>([
    [
      'a group is not there',
      { groups: [...three('1', '1'), { seat: 'c', group: undefined }] },
      'the member in zone c has no Auto Scaling group yet',
    ],
    [
      'an instance comes',
      { groups: zones(group([instance('i-0')]), group([{ ...instance('i-1'), lifecycleState: 'Pending:Wait' }])) },
      'instance i-1 is Pending:Wait',
    ],
    ['an instance is missing', { groups: zones({ ...group([]), desired: 1 }) }, '0 of 1 instances of etcd in zone a are there'],
    ['nobody answers', { members: { unreachable: 'no etcd member answers' } }, 'no etcd member answers'],
    ['one has not applied all', { committed: 101 }, 'etcd-a has applied 100, etcd-b has applied 100, etcd-c has applied 100 of 101'],
    [
      'one is behind the backup and catches up',
      { members: members.map((one) => (one.name === 'etcd-c' ? { ...one, revision: 80 } : one)) },
      'etcd-c is at revision 80, behind 90 of backup b1, and catches up',
    ],
    ['hashes could not be compared', { groups: three('1', '2', '2'), hashes: { state: 'unknown', reason: 'compacted' } }, 'compacted'],
    [
      'a downgrade that all have followed is not ended',
      { members: members.map((one) => ({ ...one, downgradeTo: '3.6.0' })) },
      'etcd has not ended its downgrade to 3.6.0 yet',
    ],
  ])('says why it waits: %s', (_, change, reason) => {
    expect(decideEtcdRoll(observed({ groups: three('2', '2', '2'), members, ...change }))).toEqual({ act: 'wait', reason });
  });

  it.each<[string, Partial<EtcdObservation>, string]>([
    [
      'a doubt',
      { members: members.map((one) => ({ ...one, alarms: one.name === 'etcd-b' ? ['memberID:2 alarm:NOSPACE'] : [] })) },
      'etcd-b tells memberID:2 alarm:NOSPACE: mend it and disarm it by etcdctl',
    ],
    [
      'an instance in the zone of another',
      { groups: zones(...['a', 'b', 'd'].map((zone) => group([instance(`i-${zone}`, '2', zone)]))) },
      'instance i-d of etcd-c is in d, not in zone c',
    ],
    [
      'a member that etcd does not list by its name',
      { members: members.map((one) => (one.name === 'etcd-c' ? { ...one, name: 'etcd-x' } : one)) },
      'instance i-2 is in c and etcd lists no member etcd-c',
    ],
    [
      'a new member of another version',
      { wanted: '3.6.17' },
      'etcd-a runs 3.6.16 on i-0, whose launch template is the current one: 3.6.17 is wanted',
    ],
    [
      'an old member that is too far away',
      { groups: three('1', '2', '2'), wanted: '3.8.0' },
      "etcd-a: etcd can't go from 3.6.16 to 3.8.0 at once. Go one minor at a time.",
    ],
    [
      'no backup',
      { groups: three('1', '2', '2'), backup: undefined },
      'instance i-0 must be replaced and there is no proven backup: run backup-etcd first',
    ],
    [
      'hashes that differ, before one is replaced',
      { groups: three('1', '2', '2'), hashes: { state: 'different', reason: 'b 1, c 2' } },
      'b 1, c 2: one of them has lost or changed data. Find out which before anything is replaced',
    ],
    [
      'hashes that differ, at the end',
      { changed: true, hashes: { state: 'different', reason: 'b 1, c 2' } },
      'b 1, c 2: one of them has lost or changed data. Find out which before anything is replaced',
    ],
    [
      'another cluster',
      { members: members.map((one) => ({ ...one, clusterId: 'c2' })) },
      'etcd-a is of etcd cluster c2, not c1 as in backup b1: restore that backup',
    ],
    [
      'data that is lost',
      { members: members.map((one) => ({ ...one, revision: 80 })) },
      'etcd-a is at revision 80, behind 90 of backup b1: restore that backup',
    ],
  ])('says what it refuses: %s', (_, change, reason) => {
    expect(decideEtcdRoll(observed({ groups: three('2', '2', '2'), members, ...change }))).toEqual({ act: 'refuse', reason });
  });

  it('says what it does', () => {
    const said = (change: Partial<EtcdObservation>): object => decideEtcdRoll(observed({ members, ...change }));

    expect(said({ groups: three('1', '1', '1') })).toEqual({
      act: 'terminate',
      instance: instance('i-1', '1', 'b'),
      reason: 'replaces i-1 in b, launch template version 1 to 2',
    });
    expect(said({ groups: three('1', '2', '2') })).toEqual({
      act: 'move-leader',
      from: members[0],
      to: members[1],
      reason: 'etcd-a hands leadership to etcd-b',
    });
    expect(said({ groups: three('1', '2', '2'), hashes: undefined })).toEqual({
      act: 'compare-hashes',
      reason: 'compares the key-value hashes',
    });
    expect(said({ groups: three('2', '2', '2') })).toEqual({
      act: 'done',
      reason: '3 healthy with 3.6.16 at launch template version 2; equal',
    });
    expect(said({ groups: three('2', '2', '2'), hashes: undefined })).toMatchObject({
      reason: '3 healthy with 3.6.16 at launch template version 2',
    });
    expect(said({ groups: three('2', '2', '2'), hashes: { state: 'different', reason: 'old' } })).toMatchObject({ act: 'done' });
  });

  it('tells each launch template version once', () => {
    const groups = zones(group([instance('i-0', '2', 'a')]), group([instance('i-1', '2', 'b')]), {
      ...group([instance('i-2', '5', 'c')]),
      launchTemplateVersion: '5',
    });

    expect(decideEtcdRoll(observed({ groups, members })).reason).toBe('3 healthy with 3.6.16 at launch template version 2, 5; equal');
  });

  it('prepares the data before the first member of a lower minor comes, and waits until that has ended', () => {
    const newer = members.map((one) => ({ ...one, version: '3.7.3', storageVersion: '3.7.0' }));
    const down = { members: newer, wanted: '3.6.16', clusterVersion: '3.7.0' };

    expect(decideEtcdRoll(observed({ ...down, groups: three('1', '1', '1') }))).toMatchObject({ act: 'begin-downgrade', version: '3.6.0' });
    expect(decideEtcdRoll(observed({ ...down, groups: three('1', '1', '1'), backup: undefined }))).toMatchObject({ act: 'refuse' });
  });

  it('ends a downgrade of an earlier update before it is done', () => {
    const down = members.map((one) => ({ ...one, version: '3.7.3', storageVersion: '3.7.0', downgradeTo: '3.6.0' }));

    expect(
      decideEtcdRoll(observed({ groups: three('2', '2', '2'), members: down, wanted: '3.7.3', clusterVersion: '3.7.0' })),
    ).toMatchObject({
      act: 'end-downgrade',
      version: '3.6.0',
    });
  });

  it('takes followers by name, and hands leadership to the first that need not be replaced', () => {
    const shuffled = [...members].reverse();
    const led = members.map((one) => ({ ...one, leader: one.name === 'etcd-b', leaderId: 'id-etcd-b' }));

    expect(decideEtcdRoll(observed({ groups: [...three('1', '1', '1')].reverse(), members: shuffled }))).toMatchObject({
      instance: { id: 'i-1' },
    });
    expect(decideEtcdRoll(observed({ groups: three('2', '1', '2'), members: [...led].reverse() }))).toMatchObject({
      to: { name: 'etcd-a' },
    });
  });

  it('is alone without anybody to hand leadership to', () => {
    expect(decideEtcdRoll(observed({ groups: zones(group([instance('i-0', '1')])) }))).toMatchObject({ act: 'terminate' });
  });

  it('goes no further when another cluster came up, or all are behind the backup', () => {
    const strangers = members.map((member) => ({ ...member, clusterId: 'c2' }));
    const old = members.map((member) => ({ ...member, revision: 80 }));

    for (const wrong of [strangers, old])
      expect(decideEtcdRoll(observed({ groups: three('1', '1', '1'), members: wrong }))).toMatchObject({ act: 'refuse' });
  });
});

describe('rolling five members', () => {
  const SEATS = ['a', 'b', 'c', 'd', 'e'];
  const members = SEATS.map((seat) => member({ name: `etcd-eu-1${seat}`, leader: seat === 'a', leaderId: 'id-etcd-eu-1a' }));
  const five = (...versions: string[]): EtcdObservation['groups'] =>
    versions.map((version, index) => ({
      seat: SEATS[index] ?? '',
      group: group([instance(`i-${SEATS[index]}`, version, `eu-1${'abcab'.charAt(index)}`)]),
    }));
  const but = (fields: Partial<MemberStatus>, ...seats: string[]): MemberStatus[] =>
    members.map((one) => (seats.includes(one.name.slice(-1)) ? { ...one, ...fields } : one));

  it.each([
    ['followers first', ['1', '1', '1', '1', '1'], 'i-b'],
    ['the second one of a zone by its seat', ['1', '2', '2', '1', '1'], 'i-d'],
    ['the last follower', ['1', '2', '2', '2', '1'], 'i-e'],
  ])('takes %s', (_, versions, id) => {
    expect(decideEtcdRoll(observed({ groups: five(...versions), members }))).toMatchObject({ act: 'terminate', instance: { id } });
  });

  it('takes the leader last, after it has handed leadership over', () => {
    expect(decideEtcdRoll(observed({ groups: five('1', '2', '2', '2', '2'), members }))).toMatchObject({
      act: 'move-leader',
      from: { name: 'etcd-eu-1a' },
      to: { name: 'etcd-eu-1b' },
    });
  });

  it.each<[string, MemberStatus[]]>([
    ['one of five is not well, though a quorum has one to spare', but({ healthy: false, reason: 'refused' }, 'e')],
    ['two of five are not well', but({ healthy: false, reason: 'refused' }, 'd', 'e')],
    ['three of five are not well', but({ healthy: false, reason: 'refused' }, 'c', 'd', 'e')],
    ['one of five is not listed', members.slice(0, 4)],
    ['one of five learns', but({ learner: true }, 'd')],
    ['one of five has not applied all', but({ raftApplied: 99 }, 'd')],
  ])('ends none while %s', (_, seen) => {
    expect(decideEtcdRoll(observed({ groups: five('1', '1', '1', '1', '1'), members: seen }))).toMatchObject({ act: 'wait' });
  });

  it('ends none while the second one of a zone is on its way, and names it', () => {
    const groups = five('1', '1', '1', '1', '1').map((each) => (each.seat === 'd' ? { ...each, group: undefined } : each));

    expect(decideEtcdRoll(observed({ groups, members }))).toEqual({
      act: 'wait',
      reason: 'the member in zone a (etcd-d) has no Auto Scaling group yet',
    });
  });

  it('is no member of a cluster of three', () => {
    expect(decideEtcdRoll(observed({ groups: five('1', '1', '1'), members })).reason).toContain('etcd lists 5 members');
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
  return groups.map((entry, index) => ({ seat: 'abc'.charAt(index), group: entry }));
}

function group(instances: Instance[]): InstanceGroup {
  return { name: 'etcd', min: 1, max: 1, desired: instances.length, launchTemplateVersion: '2', instances };
}

function instance(id: string, launchTemplateVersion = '2', zone = 'a'): Instance {
  return { id, zone, lifecycleState: 'InService', healthStatus: 'Healthy', launchTemplateVersion };
}
