import { describe, expect, it } from 'vitest';
import { decideRestore, decimalId, type RestoreObservation, restoreProblems } from '#domain/restore.ts';
import type { MemberStatus } from '#ports/etcd.ts';
import type { InstanceGroup } from '#ports/instances.ts';
import { memberStatus } from '../../support/fakes/etcd.ts';

const ORDER = {
  ...{ id: 'r1', state: 'ordered' as const, key: 'k', sha256: 'a'.repeat(64), revision: 500, token: 't', bump: 1_000_000_000 },
  ...{ old: [decimalId('c0ffee')], fenced: ['i-old-a', 'i-old-cp'], execution: 'restore-a', fence: 1, orderedAt: '2026-01-05T08:00:00Z' },
};
const LEAST = 1_000_000_500;

function group(id: string, change: { lifecycleState?: string; desired?: number; none?: boolean } = {}): InstanceGroup {
  const { lifecycleState = 'InService', desired = 1, none = false } = change;
  const instance = { id, zone: 'eu-central-1a', lifecycleState, healthStatus: 'Healthy', launchTemplateVersion: '1' };
  return { name: id, min: 1, max: 1, desired, launchTemplateVersion: '1', instances: none ? [] : [instance] };
}

function member(change: Partial<MemberStatus> = {}): MemberStatus {
  return memberStatus({ name: 'a', leader: true, leaderId: 'm1', memberId: 'm1', clusterId: 'bee', revision: LEAST, ...change });
}

function seen(change: Partial<RestoreObservation> = {}): RestoreObservation {
  return {
    order: ORDER,
    groups: [{ seat: 'a', group: group('i-new-a') }],
    controlPlane: group('i-new-cp'),
    members: [member()],
    committed: 0,
    hashes: { state: 'equal', reason: 'equal' },
    ...change,
  };
}

describe('a restore', () => {
  it('ends everybody of before at once, members and control planes', () => {
    const decision = decideRestore(seen({ groups: [{ seat: 'a', group: group('i-old-a') }], controlPlane: group('i-old-cp') }));

    expect(decision).toMatchObject({ act: 'terminate', instances: [{ id: 'i-old-a' }, { id: 'i-old-cp' }] });
  });

  it('ends nobody who came after the order', () => {
    expect(decideRestore(seen({ order: { ...ORDER, fenced: ['i-other'] } }))).toMatchObject({ act: 'done' });
  });

  it.each([
    ['is on its way out', { controlPlane: group('i-old-cp', { lifecycleState: 'Terminating' }) }, /i-old-cp of before end/],
    ['is booting', { groups: [{ seat: 'a', group: group('i-new-a', { lifecycleState: 'Pending' }) }] }, /i-new-a is Pending/],
    ['is not there yet', { groups: [{ seat: 'a', group: group('i-new-a', { none: true }) }] }, /zone a is not there yet/],
    ['does not answer', { members: { unreachable: 'no answer' } }, /do not answer yet: no answer/],
    ['is not healthy', { members: [member({ healthy: false, reason: 'no leader' })] }, /no leader/],
    ['can not be compared', { hashes: { state: 'unknown' as const, reason: 'compacted' } }, /compacted/],
  ])('waits while somebody %s', (_, change, reason) => {
    expect(decideRestore(seen(change))).toMatchObject({ act: 'wait', reason: expect.stringMatching(reason) });
  });

  it.each([
    ['a group is missing', { groups: [{ seat: 'a', group: undefined }] }, /has no Auto Scaling group/],
    ['a member answers for the cluster of before', { members: [member({ clusterId: 'c0ffee' })] }, /etcd cluster of before/],
    ['the revision was not raised', { members: [member({ revision: LEAST - 1 })] }, /has at least 1000000500/],
    ['members restored different things', { hashes: { state: 'different' as const, reason: 'a 1, b 2' } }, /did not restore the same/],
    ['an alarm is raised', { members: [member({ alarms: ['alarm:CORRUPT'] })] }, /CORRUPT/],
  ])('refuses when %s', (_, change, reason) => {
    expect(decideRestore(seen(change))).toMatchObject({ act: 'refuse', reason: expect.stringMatching(reason) });
  });

  it('compares hashes before it is done', () => {
    expect(decideRestore(seen({ hashes: undefined }))).toMatchObject({ act: 'compare-hashes' });
    expect(decideRestore(seen())).toMatchObject({
      act: 'done',
      reason: expect.stringContaining('etcd cluster bee from revision 1000000500 on'),
    });
  });

  it('writes ids as etcd’s gateway does', () => {
    expect(decimalId('ffffffffffffffff')).toBe('18446744073709551615');
  });
});

describe('a backup that is to be restored', () => {
  const facts = { cluster: 'alpha-1', account: '1', kubernetes: '1.36.3', etcd: '3.6.16', now: new Date('2026-01-05T08:00:00Z') };
  const manifest = {
    ...{ id: 'b', cluster: 'alpha-1', account: '1', takenAt: '2026-01-05T07:00:00Z' },
    ...{ etcd: { version: '3.6.15' }, kubernetes: '1.35.4' },
  };

  it('fits what runs, and newer patches of it', () => {
    expect(restoreProblems(manifest, facts)).toEqual([]);
    expect(restoreProblems({ ...manifest, kubernetes: '1.36.9', etcd: { version: '3.6.99' } }, facts)).toEqual([]);
    expect(restoreProblems({ ...manifest, kubernetes: null }, facts)).toEqual([]);
  });

  it.each([
    ['of another cluster', { cluster: 'beta-1' }, /it is of beta-1/],
    ['of another account', { account: '2' }, /in 2, not of alpha-1 in 1/],
    ['of a newer Kubernetes', { kubernetes: '1.37.0' }, /Kubernetes 1.37.0 wrote it and 1.36.3 runs/],
    ['of a newer etcd', { etcd: { version: '3.7.0' } }, /etcd 3.7.0 wrote it and 3.6.16 runs/],
    ['of a time to come', { takenAt: '2026-01-05T08:06:00Z' }, /yet to come/],
  ])('is refused when it is %s', (_, change, reason) => {
    expect(restoreProblems({ ...manifest, ...change }, facts)).toEqual([expect.stringMatching(reason)]);
  });
});
