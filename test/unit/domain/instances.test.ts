import { describe, expect, it } from 'vitest';
import { byGeneration, instanceOf, describe as inWords, isInService, isLive } from '#domain/instances.ts';
import type { Instance } from '#ports/instances.ts';

function instance(lifecycleState: string, change: Partial<Instance> = {}): Instance {
  return { id: 'i-1', zone: 'a', lifecycleState, healthStatus: 'Healthy', launchTemplateVersion: '1', ...change };
}

describe('an instance', () => {
  // The states of AWS, "Amazon EC2 Auto Scaling instance lifecycle".
  it.each([
    ['Pending', true, false],
    ['Pending:Wait', true, false],
    ['Pending:Proceed', true, false],
    ['InService', true, true],
    ['EnteringStandby', true, false],
    ['Standby', true, false],
    ['Terminating', false, false],
    ['Terminating:Wait', false, false],
    ['Terminating:Proceed', false, false],
    ['Terminated', false, false],
    ['Detaching', false, false],
    ['Detached', false, false],
    ['Warmed:Terminating', true, false],
  ])('%s: is live %s, in service %s', (state, live, serves) => {
    expect([isLive(instance(state)), isInService(instance(state))]).toEqual([live, serves]);
  });

  it('that its group calls unhealthy is not in service', () => {
    expect(isInService(instance('InService', { healthStatus: 'Unhealthy' }))).toBe(false);
  });

  it('is told with its state', () => {
    expect(inWords([instance('Pending'), instance('InService', { id: 'i-2', healthStatus: 'Unhealthy' })])).toBe(
      'i-1 (Pending, Healthy), i-2 (InService, Unhealthy)',
    );
    expect(inWords([])).toBe('');
  });

  it.each([
    ['aws:///eu-central-1a/i-0abc', 'i-0abc'],
    ['i-0abc', 'i-0abc'],
    ['', ''],
  ])('is named by its node: %s', (providerId, id) => {
    expect(instanceOf(providerId)).toBe(id);
  });
});

describe('generations of a group', () => {
  it('are the live instances that are of its current version, and those that are not', () => {
    const instances = [
      instance('InService', { id: 'old' }),
      instance('Pending', { id: 'new', launchTemplateVersion: '2' }),
      instance('Terminating', { id: 'old-leaving' }),
      instance('Terminating', { id: 'new-leaving', launchTemplateVersion: '2' }),
      instance('InService', { id: 'newer', launchTemplateVersion: '3' }),
    ];
    const { old, fresh } = byGeneration({ name: 'g', min: 0, max: 9, desired: 3, launchTemplateVersion: '2', instances });

    expect([old.map(({ id }) => id), fresh.map(({ id }) => id)]).toEqual([['old', 'newer'], ['new']]);
  });
});
