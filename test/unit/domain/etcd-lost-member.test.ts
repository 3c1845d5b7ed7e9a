import { describe, expect, it } from 'vitest';
import { decideLostMember, type LostMemberObservation } from '#domain/etcd-lost-member.ts';
import type { MemberStatus } from '#ports/etcd.ts';
import type { DataVolume } from '#ports/volumes.ts';
import { memberStatus } from '../../support/fakes/etcd.ts';

const WELL = new Date('2026-03-01T12:00:00Z');
const AFTER = new Date('2026-03-01T12:00:01Z');

function seats(...zones: string[]): LostMemberObservation['seats'] {
  return zones.map((zone) => ({
    seat: zone,
    peerUrl: `https://${zone}.example:2380`,
    group: {
      name: `etcd-${zone}`,
      min: 1,
      max: 1,
      desired: 1,
      launchTemplateVersion: '1',
      instances: [{ id: `i-${zone}`, zone, lifecycleState: 'InService', healthStatus: 'Healthy', launchTemplateVersion: '1' }],
    },
  }));
}

function three(change: Readonly<Record<string, Partial<MemberStatus>>> = {}): MemberStatus[] {
  return ['a', 'b', 'c'].map((name) => memberStatus({ name, leader: name === 'a', ...change[name] }));
}

function volume(zone: string, change: Partial<DataVolume> = {}): DataVolume {
  return { id: `vol-${zone}`, zone, seat: zone, createdAt: new Date('2026-01-01T00:00:00Z'), instance: `i-${zone}`, ...change };
}

function decide(change: Partial<LostMemberObservation> = {}) {
  const volumes = ['a', 'b', 'c'].map((zone) => volume(zone));
  return decideLostMember({ seats: seats('a', 'b', 'c'), members: three(), committed: 100, volumes, wellAt: WELL, ...change });
}

const DEAD = { healthy: false, reason: 'refused' };
const NEW = [volume('a'), volume('b'), volume('c', { createdAt: AFTER })];

describe('a member that may have lost its data', () => {
  it('is none while every one is there', () => {
    expect(decide()).toEqual({ act: 'none', reason: 'every member is there' });
  });

  it('is taken out when its volume is newer than the time at which it was well', () => {
    expect(decide({ members: three({ c: DEAD }), volumes: NEW })).toEqual({
      act: 'remove',
      endpoint: 'https://a.example:2379',
      member: three({ c: DEAD })[2],
      reason:
        'takes c out, whose data volume vol-c is new: made 2026-03-01T12:00:01.000Z, after 2026-03-01T12:00:00.000Z, when it had its data',
    });
  });

  it.each<[string, Partial<LostMemberObservation>, string]>([
    ['it is alone', { seats: seats('a'), members: three().slice(0, 1) }, 'a member that is alone has nobody to learn from'],
    [
      'there is a doubt',
      { members: three({ b: { alarms: ['memberID:2 alarm:CORRUPT'] }, c: DEAD }) },
      'b tells memberID:2 alarm:CORRUPT: mend it and disarm it by etcdctl',
    ],
    [
      'the others have no leader',
      { members: three({ a: { leader: false }, c: DEAD }), volumes: NEW },
      'the members do not agree on a leader',
    ],
    ['two are down', { members: three({ b: DEAD, c: DEAD }), volumes: NEW }, '1 of 3 members are well: no quorum would be left'],
    ['two are not there', { members: three().slice(0, 1) }, '1 of 3 members are well: no quorum would be left'],
    ['all are down', { members: three({ a: DEAD, b: DEAD, c: DEAD }), volumes: NEW }, 'etcd lists no member'],
    [
      'nobody knows when it was well',
      { members: three({ c: DEAD }), volumes: NEW, wellAt: undefined },
      'c (refused) has the data volume that it had, vol-c of 2026-03-01T12:00:01.000Z',
    ],
    [
      'its volume is as old as that',
      { members: three({ c: DEAD }), volumes: [volume('c', { createdAt: WELL })] },
      'c (refused) has the data volume that it had, vol-c of 2026-03-01T12:00:00.000Z',
    ],
    [
      'its volume hangs on another instance',
      { members: three({ c: DEAD }), volumes: [volume('c', { createdAt: AFTER, instance: 'i-x' })] },
      'c (refused): vol-c is not attached to i-c',
    ],
    ['it has no volume', { members: three({ c: DEAD }), volumes: [volume('a'), volume('b')] }, 'c (refused): 0 data volumes in zone c'],
    [
      'it has two',
      { members: three({ c: DEAD }), volumes: [volume('c', { createdAt: AFTER }), volume('c', { id: 'vol-d', createdAt: AFTER })] },
      'c (refused): 2 data volumes in zone c',
    ],
    [
      'its seat has no group',
      { members: three({ c: DEAD }), volumes: NEW, seats: seats('a', 'b', 'c').map((seat) => ({ ...seat, group: undefined })) },
      'c (refused) has no instance',
    ],
    ['its instance is on its way out', { members: three({ c: DEAD }), volumes: NEW, seats: leaving() }, 'c (refused) has no instance'],
    [
      'it is at no seat',
      { members: three({ c: { healthy: false, peerUrls: ['https://x.example:2380'] } }), volumes: NEW },
      'c (not healthy) has no instance',
    ],
  ])('is left alone where %s', (_name, change, reason) => {
    expect(decide(change)).toEqual({ act: 'none', reason });
  });

  it('is known by its place, of whatever its instance’s state is', () => {
    const booting = seats('a', 'b', 'c').map(({ group, ...seat }) => ({
      ...seat,
      group: group && { ...group, instances: group.instances.map((instance) => ({ ...instance, lifecycleState: 'Pending:Wait' })) },
    }));

    expect(decide({ members: three({ c: DEAD }), volumes: NEW, seats: booting }).act).toBe('remove');
  });
});

function leaving(): LostMemberObservation['seats'] {
  return seats('a', 'b', 'c').map(({ group, ...seat }) => ({
    ...seat,
    group: group && { ...group, instances: group.instances.map((instance) => ({ ...instance, lifecycleState: 'Terminating' })) },
  }));
}

describe('a member that was taken out', () => {
  it('is let in anew, without a vote, at the seat that is free', () => {
    expect(decide({ members: three().filter(({ name }) => name !== 'b') })).toEqual({
      act: 'add-learner',
      endpoint: 'https://a.example:2379',
      peerUrl: 'https://b.example:2380',
      reason: 'lets the member of zone b in anew, as a learner',
    });
  });

  it('is not let in while one more is listed at no seat', () => {
    const stranger = three({ c: { peerUrls: ['https://x.example:2380'] } });

    expect(decide({ members: stranger })).toEqual({ act: 'none', reason: 'every member is there' });
  });
});

describe('a member that learns', () => {
  const learner = (change: Partial<MemberStatus> = {}) => three({ c: { learner: true, ...change } });

  it('gets its vote once it has applied what the others have', () => {
    expect(decide({ members: learner() })).toEqual({
      act: 'promote',
      endpoint: 'https://a.example:2379',
      member: learner()[2],
      reason: 'the learner of zone c has caught up and gets its vote',
    });
  });

  it.each<[string, Partial<MemberStatus>, object]>([
    ['it has not yet', { raftApplied: 99 }, { act: 'wait', reason: 'the learner of zone c has applied 99 of 100' }],
    ['it does not answer', { healthy: false, reason: 'refused' }, { act: 'wait', reason: 'the learner of zone c: refused' }],
    ['and does not say why', { healthy: false }, { act: 'wait', reason: 'the learner of zone c: not healthy' }],
    [
      'it is at no seat',
      { peerUrls: ['https://x.example:2380'] },
      { act: 'none', reason: 'the learner c is at no address of this cluster' },
    ],
  ])('does not while %s', (_name, change, decision) => {
    expect(decide({ members: learner(change) })).toEqual(decision);
  });

  it('comes before one that is dead', () => {
    expect(decide({ seats: seats('a', 'b', 'c', 'd'), members: [...learner(), memberStatus({ name: 'd', ...DEAD })] }).reason).toBe(
      '2 of 4 members are well: no quorum would be left',
    );
    const five = [...learner(), memberStatus({ name: 'd' }), memberStatus({ name: 'e', ...DEAD })];
    expect(decide({ seats: seats('a', 'b', 'c', 'd'), members: five.slice(0, 4) }).act).toBe('promote');
  });
});

describe('of five members', () => {
  const SEATS = ['a', 'b', 'c', 'd', 'e'];
  const zoneOf = (seat: string): string => 'abcab'.charAt(SEATS.indexOf(seat));
  const fiveSeats = seats(...SEATS).map(({ group, ...seat }) => ({
    ...seat,
    group: group && { ...group, instances: group.instances.map((instance) => ({ ...instance, zone: zoneOf(seat.seat) })) },
  }));
  const five = (change: Readonly<Record<string, Partial<MemberStatus>>> = {}): MemberStatus[] =>
    SEATS.map((name) => memberStatus({ name, leader: name === 'a', ...change[name] }));
  const volumes = (newer: readonly string[]): DataVolume[] =>
    SEATS.map((seat) => volume(seat, { zone: zoneOf(seat), ...(newer.includes(seat) ? { createdAt: AFTER } : {}) }));
  const decideFive = (change: Partial<LostMemberObservation>) =>
    decideLostMember({ seats: fiveSeats, members: five(), committed: 100, volumes: volumes([]), wellAt: WELL, ...change });

  it('one is taken out by the age of its own volume, whatever the other of its zone has', () => {
    expect(decideFive({ members: five({ d: DEAD }), volumes: volumes(['d']) })).toMatchObject({ act: 'remove', member: { name: 'd' } });
    expect(decideFive({ members: five({ d: DEAD }), volumes: volumes(['a']) })).toMatchObject({
      act: 'none',
      reason: expect.stringContaining('has the data volume that it had, vol-d'),
    });
  });

  it('two that have lost their volumes are taken out one after the other, then let in one after the other', () => {
    const both = { volumes: volumes(['d', 'e']) };
    const without = (...gone: string[]): MemberStatus[] => five({ e: DEAD }).filter(({ name }) => !gone.includes(name));

    expect(decideFive({ ...both, members: five({ d: DEAD, e: DEAD }) })).toMatchObject({ act: 'remove', member: { name: 'd' } });
    expect(decideFive({ ...both, members: without('d') })).toMatchObject({ act: 'remove', member: { name: 'e' } });
    expect(decideFive({ ...both, members: without('d', 'e') })).toMatchObject({
      act: 'add-learner',
      peerUrl: 'https://d.example:2380',
      reason: 'lets the member of zone a (etcd-d) in anew, as a learner',
    });
  });

  it.each<[string, string, readonly string[], readonly string[]]>([
    ['both may be merely down', 'd (refused) has the data volume that it had', ['d', 'e'], []],
    ['the first may be merely down', 'd (refused) has the data volume that it had', ['d', 'e'], ['e']],
    ['the second may be merely down', 'e (refused) has the data volume that it had', ['d', 'e'], ['d']],
    ['three are lost', '2 of 5 members are well: no quorum would be left', ['c', 'd', 'e'], ['c', 'd', 'e']],
  ])('none is taken out where %s', (_, reason, silent, newer) => {
    const members = five(Object.fromEntries(silent.map((seat) => [seat, DEAD])));

    expect(decideFive({ members, volumes: volumes(newer) })).toMatchObject({ act: 'none', reason: expect.stringContaining(reason) });
  });

  it('one is let in anew at its own seat, and promoted there', () => {
    expect(decideFive({ members: five().filter(({ name }) => name !== 'e') })).toMatchObject({
      act: 'add-learner',
      peerUrl: 'https://e.example:2380',
      reason: 'lets the member of zone b (etcd-e) in anew, as a learner',
    });
    expect(decideFive({ members: five({ e: { learner: true } }) })).toMatchObject({ act: 'promote', member: { name: 'e' } });
  });

  it('one that learns gets its vote though another is dead: three have confirmed what it has', () => {
    expect(decideFive({ members: five({ d: { learner: true }, e: DEAD }) })).toMatchObject({ act: 'promote', member: { name: 'd' } });
  });
});
