import { describe, expect, it } from 'vitest';
import { decideEtcdRoll, type EtcdObservation } from '#domain/etcd-roll.ts';
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
    const decision = decideEtcdRoll(observed({ group: group([instance('i-2', '1', 'b'), instance('i-1', '1', 'a')]) }));

    expect(decision).toMatchObject({ act: 'terminate', instance: { id: 'i-1' } });
  });

  it.each([
    ['there is none', undefined],
    ['it is not proven', { ...BACKUP, proven: false }],
  ])('refuses to replace when of the backup %s', (_, backup) => {
    expect(decideEtcdRoll(observed({ group: group([instance('i-1', '1')]), backup }))).toMatchObject({ act: 'refuse' });
  });

  it.each([
    ['the group is not there', { group: undefined }],
    ['an instance is on its way', { group: group([{ ...instance('i-1'), lifecycleState: 'Pending' }]) }],
    ['an instance is on its way out', { group: group([{ ...instance('i-1', '1'), lifecycleState: 'Terminating' }]) }],
    ['an instance is missing', { group: { ...group([instance('i-1', '1')]), desired: 2 } }],
    ['nobody answers', { group: group([instance('i-1', '1')]), members: { unreachable: 'no etcd member answers' } }],
    ['a member is not healthy', { group: group([instance('i-1', '1')]), members: [memberStatus({ healthy: false })] }],
  ])('waits while %s', (_, change) => {
    expect(decideEtcdRoll(observed(change))).toMatchObject({ act: 'wait' });
  });

  it.each([
    ['another cluster came up', memberStatus({ clusterId: 'c2' }), 'c2'],
    ['the data is older than the backup', memberStatus({ revision: 89 }), 'behind 90'],
  ])('goes no further when %s', (_, member, text) => {
    const decision = decideEtcdRoll(observed({ members: [member] }));

    expect(decision.act).toBe('refuse');
    expect(decision.reason).toContain(text);
    expect(decision.reason).toContain('restore');
  });
});

function observed(change: Partial<EtcdObservation> = {}): EtcdObservation {
  return { group: group([instance('i-1')]), members: [memberStatus()], backup: BACKUP, ...change };
}

function group(instances: Instance[]): InstanceGroup {
  return { name: 'etcd', min: 1, max: 1, desired: instances.length, launchTemplateVersion: '2', instances };
}

function instance(id: string, launchTemplateVersion = '2', zone = 'a'): Instance {
  return { id, zone, lifecycleState: 'InService', healthStatus: 'Healthy', launchTemplateVersion };
}
