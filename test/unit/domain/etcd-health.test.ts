import { describe, expect, it } from 'vitest';
import { concernsDowngrade, decideDowngrade } from '#domain/etcd-downgrade.ts';
import { committedIndex, comparedMembers, compareHashes, etcdDoubt, etcdUnsettled } from '#domain/etcd-health.ts';
import { etcdStepProblem, minorOf, minorSteps, tooFar } from '#domain/version-steps.ts';
import type { MemberStatus } from '#ports/etcd.ts';
import { memberStatus } from '../../support/fakes/etcd.ts';

/** `a` leads. */
function three(change: Readonly<Record<string, Partial<MemberStatus>>> = {}): MemberStatus[] {
  return ['a', 'b', 'c'].map((name) => memberStatus({ name, leader: name === 'a', ...change[name] }));
}

describe('what forbids every change of etcd', () => {
  it.each<[string, MemberStatus[], number, string | undefined]>([
    ['nothing', three(), 3, undefined],
    ['fewer members than there should be: a wait may mend that', three().slice(1), 3, undefined],
    [
      'alarms of members',
      three({ a: { alarms: ['memberID:1 alarm:NOSPACE '] }, c: { alarms: ['memberID:3 alarm:CORRUPT'] } }),
      3,
      'a tells memberID:1 alarm:NOSPACE; c tells memberID:3 alarm:CORRUPT: mend it and disarm it by etcdctl',
    ],
    ['what is told in the same list and passes', three({ b: { alarms: ['etcdserver: no leader'] } }), 3, undefined],
    ['two clusters', three({ b: { clusterId: 'c2' } }), 3, 'the members belong to 2 different etcd clusters'],
    ['a member that tells no cluster is of no other', three({ b: { clusterId: '' } }), 3, undefined],
    ['one too many', three(), 2, 'etcd lists 3 members (a, b, c), 2 belong to the cluster: remove who does not'],
  ])('%s', (_name, members, expected, doubt) => {
    expect(etcdDoubt(members, expected)).toBe(doubt);
  });
});

describe('why etcd’s members are not all well', () => {
  it.each<[string, MemberStatus[], number, number, string | undefined]>([
    ['they are', three(), 3, 100, undefined],
    [
      'some do not answer',
      three({ b: { healthy: false, reason: 'refused' }, c: { healthy: false, endpoint: '' } }),
      3,
      0,
      'b (https://b.example:2379): refused; c (no address): not healthy',
    ],
    ['one is missing', three().slice(0, 2), 3, 0, 'etcd lists 2 of 3 members'],
    ['one learns', three({ c: { learner: true } }), 3, 0, 'c is a learner'],
    ['they name two leaders', three({ c: { leaderId: 'id-b' } }), 3, 0, 'the members do not agree on a leader'],
    ['whom they name does not lead', three({ a: { leader: false } }), 3, 0, 'the members do not agree on a leader'],
    [
      'two have not applied what was committed',
      three({ b: { raftApplied: 99 }, c: { raftApplied: 7 } }),
      3,
      100,
      'b has applied 99, c has applied 7 of 100',
    ],
    ['more was applied meanwhile', three({ b: { raftApplied: 101 } }), 3, 100, undefined],
  ])('%s', (_name, members, expected, committed, unsettled) => {
    expect(etcdUnsettled(members, expected, committed)).toBe(unsettled);
  });

  it('is told by the highest index that one of them knows', () => {
    expect([committedIndex(three({ b: { raftIndex: 120 } })), committedIndex([])]).toEqual([120, 0]);
  });
});

describe('hashes of members', () => {
  it('are those of followers that are well', () => {
    const members = [...three({ b: { healthy: false } }), memberStatus({ name: 'd', learner: true }), memberStatus({ name: 'e' })];

    expect(comparedMembers(members).map(({ name }) => name)).toEqual(['c', 'e']);
  });

  const told = (name: string, hash: number, compactRevision = 5) => ({ name, hash, compactRevision });
  it.each([
    ['there is one', [told('b', 1)], 'equal', 'there is no second follower to compare with'],
    ['there is none', [], 'equal', 'there is no second follower to compare with'],
    ['they are the same', [told('b', 1), told('c', 1)], 'equal', 'b, c have the same key-value hash at revision 9'],
    ['they differ', [told('b', 1), told('c', 2)], 'different', 'the key-value hashes at revision 9 differ: b 1, c 2'],
    ['one was compacted', [told('b', 1, 5), told('c', 2, 6)], 'unknown', "b, c were compacted meanwhile: their hashes can't be compared"],
  ])('%s', (_name, hashes, state, reason) => {
    expect(compareHashes(hashes, 9)).toEqual({ state, reason });
  });
});

describe('a downgrade', () => {
  const at = (version: string, storageVersion = `${minorOf(version)}.0`, downgradeTo = '') => ({ version, storageVersion, downgradeTo });
  const all = (version: string, change: Partial<MemberStatus> = {}): MemberStatus[] =>
    three(Object.fromEntries(['a', 'b', 'c'].map((name) => [name, { ...at(version), ...change }])));

  it.each<[string, MemberStatus[], string, boolean]>([
    ['members of the wanted minor', all('3.6.16'), '3.6.11', false],
    ['members of a lower one', all('3.6.16'), '3.7.3', false],
    ['members of a newer one', all('3.7.3'), '3.6.16', true],
    ['one member of a newer one', three({ b: at('3.7.3') }), '3.6.16', true],
    ['one on its way down', three({ c: at('3.6.16', '3.6.0', '3.6.0') }), '3.6.16', true],
  ])('concerns: %s', (_name, members, wanted, concerned) => {
    expect(concernsDowngrade(members, wanted)).toBe(concerned);
  });

  it.each<[string, MemberStatus[], string, string, object]>([
    ['nobody is listed', [], '3.6.16', '3.7.0', { act: 'wait', reason: 'etcd lists no member' }],
    [
      'it is not begun',
      all('3.7.3'),
      '3.6.16',
      '3.7.0',
      {
        act: 'begin-downgrade',
        endpoint: 'https://a.example:2379',
        version: '3.6.0',
        reason: 'prepares the data for 3.6, from cluster version 3.7.0',
      },
    ],
    [
      'it is under way',
      all('3.7.3', { downgradeTo: '3.6.0' }),
      '3.6.16',
      '3.7.0',
      {
        act: 'wait',
        reason: 'etcd prepares its data for 3.6: the cluster version is 3.7.0, a stores 3.7.0, b stores 3.7.0, c stores 3.7.0',
      },
    ],
    [
      'data of some is not ready',
      three({ a: at('3.7.3', '3.6.0', '3.6.0'), b: at('3.7.3', '3.7.0', '3.6.0'), c: at('3.7.3', '', '3.6.0') }),
      '3.6.16',
      '3.6.0',
      { act: 'wait', reason: 'etcd prepares its data for 3.6: b stores 3.7.0' },
    ],
    [
      'only what they agreed on is not',
      three({ a: at('3.7.3', '3.6.0', '3.6.0'), b: at('3.7.3', '3.6.0', '3.6.0'), c: at('3.7.3', '3.6.0', '3.6.0') }),
      '3.6.16',
      '3.7.0',
      { act: 'wait', reason: 'etcd prepares its data for 3.6: the cluster version is 3.7.0' },
    ],
    ['all is ready', all('3.7.3', { storageVersion: '3.6.0', downgradeTo: '3.6.0' }), '3.6.16', '3.6.0', { act: 'ready' }],
    [
      'an earlier one goes further down than is wanted',
      three({ b: at('3.7.3', '3.7.0', '3.6.0') }),
      '3.7.3',
      '3.7.0',
      {
        act: 'end-downgrade',
        endpoint: 'https://a.example:2379',
        version: '3.6.0',
        reason: 'ends the downgrade to 3.6.0 that an earlier update began',
      },
    ],
    ['nothing goes down', all('3.7.3'), '3.7.4', '3.7.0', { act: 'ready' }],
  ])('%s', (_name, members, wanted, clusterVersion, decision) => {
    expect(decideDowngrade(members, wanted, clusterVersion)).toEqual(decision);
  });
});

describe('steps between versions', () => {
  it.each([
    ['3.6.16', '3.6.11', 0],
    ['3.6.16', '3.7.3', 1],
    ['3.7.3', '3.6.16', -1],
    ['3.6.16', '4.0.0', 94],
    ['4.1.0', '3.6.0', -95],
    ['1', '1.2', 2],
    ['', '1.2', 102],
  ])('from %s to %s: %i', (from, to, steps) => {
    expect(minorSteps(from, to)).toBe(steps);
  });

  it('are of a minor', () => {
    expect([minorOf('3.6.16'), minorOf('1.36')]).toEqual(['3.6', '1.36']);
    expect(tooFar('kubernetes', '1.34.1', '1.36.0')).toBe("kubernetes can't go from 1.34.1 to 1.36.0 at once. Go one minor at a time.");
  });

  it.each<[string, string, string | undefined]>([
    ['3.6.0', '3.6.16', undefined],
    ['3.5.32', '3.6.0', undefined],
    ['3.5.31', '3.6.0', "etcd can't go from 3.5.31 to 3.6.0: go to 3.5.32 or later first, whose data the next minor can read."],
    ['3.6.11', '3.7.0', undefined],
    ['3.6', '3.7.0', "etcd can't go from 3.6 to 3.7.0: go to 3.6.11 or later first, whose data the next minor can read."],
    ['3.7.0', '3.8.0', undefined],
    ['3.7.3', '3.6.11', undefined],
    ['3.7.3', '3.6.10', "etcd can't go from 3.7.3 to 3.6.10: go to 3.6.11 or later, which can run beside the newer one."],
    ['3.8.0', '3.7.3', "etcd can't go back from 3.8.0 to 3.7.3: a downgrade from 3.8 was never tried."],
    ['3.8.0', '3.6.16', "etcd can't go from 3.8.0 to 3.6.16 at once. Go one minor at a time."],
    ['3.5.40', '3.7.0', "etcd can't go from 3.5.40 to 3.7.0 at once. Go one minor at a time."],
  ])('of etcd from %s to %s', (from, to, problem) => {
    expect(etcdStepProblem(from, to)).toBe(problem);
  });
});
