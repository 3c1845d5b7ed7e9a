import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideScaling, type GroupSpec, isUnbalanced, nextDesired, type ScalingSituation } from '../../../../local/machine-room/scaling.ts';
import type { Machine } from '../../../../local/machine-room/types.ts';

function group(changes: Partial<GroupSpec> = {}): GroupSpec {
  return {
    account: '111111111111',
    name: 'g',
    arn: 'arn',
    cluster: 'c',
    role: 'pool-x',
    min: 3,
    max: 6,
    declaredDesired: 3,
    zones: ['a', 'b', 'c'].map((name) => ({ name })),
    launchTemplate: { id: 'lt', name: 'lt', version: '2' },
    tags: [],
    createdAt: new Date(0),
    subnetIds: '',
    ...changes,
  };
}

function machine(id: string, zone: string, changes: Partial<Machine> = {}): Machine {
  return {
    id,
    account: '111111111111',
    cluster: 'c',
    role: 'pool-x',
    group: 'g',
    zone,
    launchTemplateId: 'lt',
    launchTemplateName: 'lt',
    launchTemplateVersion: '2',
    sequence: Number(id.slice(1)),
    launchedAt: 0,
    state: 'InService',
    health: 'Healthy',
    power: 'on',
    reason: '',
    ...changes,
  };
}

function situation(changes: Partial<ScalingSituation> = {}): ScalingSituation {
  return { suspended: new Set(), down: () => false, balances: false, ...changes };
}

describe('decideScaling', () => {
  it('spreads launches over the zones with the fewest machines', () => {
    const { launch } = decideScaling(group(), 4, [machine('i1', 'a')], situation());

    expect(launch.map((zone) => zone.name).toSorted()).toEqual(['a', 'b', 'c']);
  });

  it('keeps old versions when the launch template changed', () => {
    const old = ['a', 'b', 'c'].map((zone, index) => machine(`i${index}`, zone, { launchTemplateVersion: '1' }));

    expect(decideScaling(group(), 3, old, situation())).toEqual({ launch: [], terminate: [] });
  });

  it('replaces terminating and unhealthy machines', () => {
    const machines = [machine('i1', 'a', { state: 'Terminating' }), machine('i2', 'b', { health: 'Unhealthy' }), machine('i3', 'c')];

    const { launch, terminate } = decideScaling(group(), 3, machines, situation());

    expect(launch.map((zone) => zone.name)).toEqual(['a', 'b']);
    expect(terminate.map(({ id }) => id)).toEqual(['i2']);
  });

  it('scales in from the fullest zone, the oldest version first, then the oldest machine', () => {
    const machines = [machine('i1', 'a'), machine('i2', 'a', { launchTemplateVersion: '1' }), machine('i3', 'a'), machine('i4', 'b')];

    expect(decideScaling(group(), 3, machines, situation()).terminate.map(({ id }) => id)).toEqual(['i2']);
    expect(decideScaling(group(), 2, machines, situation()).terminate.map(({ id }) => id)).toEqual(['i2', 'i1']);
  });

  it('does nothing of a suspended process', () => {
    const machines = [machine('i1', 'a', { health: 'Unhealthy' }), machine('i2', 'b')];

    expect(decideScaling(group(), 3, machines, situation({ suspended: new Set(['Launch']) })).launch).toEqual([]);
    expect(decideScaling(group(), 1, machines, situation({ suspended: new Set(['Terminate']) })).terminate).toEqual([]);
    expect(decideScaling(group(), 2, machines, situation({ suspended: new Set(['ReplaceUnhealthy']) }))).toEqual({
      launch: [],
      terminate: [],
    });
  });

  it('starts nothing in a zone that is down', () => {
    const down = (zone: string): boolean => zone === 'a';

    const { launch } = decideScaling(group(), 3, [machine('i1', 'a', { health: 'Unhealthy' })], situation({ down }));

    expect(launch.map((zone) => zone.name).toSorted()).toEqual(['b', 'b', 'c']);
  });

  it('balances its zones by one machine more in the emptiest, and then one less in the fullest', () => {
    const before = [machine('i1', 'a'), machine('i2', 'a'), machine('i3', 'b')];
    const coming = machine('i4', 'c', { state: 'Pending', rebalances: true });

    const first = decideScaling(group(), 3, before, situation({ balances: true }));
    const meanwhile = decideScaling(group(), 3, [...before, coming], situation({ balances: true }));
    const then = decideScaling(group(), 3, [...before, { ...coming, state: 'InService' }], situation({ balances: true }));

    expect(first).toEqual({ launch: [], rebalance: { name: 'c' }, terminate: [] });
    expect(meanwhile).toEqual({ launch: [], terminate: [] });
    expect(then).toEqual({ launch: [], terminate: [{ id: 'i1', reason: 'group shrinks to 3' }] });
  });

  it.each(['AZRebalance', 'Launch', 'Terminate'])('balances nothing while %s is suspended', (name) => {
    const before = [machine('i1', 'a'), machine('i2', 'a'), machine('i3', 'b')];

    const { rebalance } = decideScaling(group(), 3, before, situation({ balances: true, suspended: new Set([name]) }));

    expect(rebalance).toBeUndefined();
  });

  it.each([
    ['a machine is coming', [machine('i1', 'a'), machine('i2', 'a'), machine('i3', 'b', { state: 'Pending' as const })]],
    ['one is missing', [machine('i1', 'a'), machine('i2', 'a')]],
    ['one is unhealthy', [machine('i1', 'a'), machine('i2', 'a'), machine('i3', 'b', { health: 'Unhealthy' as const })]],
    ['the difference is one', [machine('i1', 'a'), machine('i2', 'b'), machine('i3', 'c')]],
  ])('balances nothing while %s', (_why, machines) => {
    expect(decideScaling(group(), 3, machines, situation({ balances: true })).rebalance).toBeUndefined();
  });

  it('always ends with the desired number of live machines', () => {
    const zone = fc.constantFrom('a', 'b', 'c');
    fc.assert(
      fc.property(fc.array(zone, { maxLength: 9 }), fc.integer({ min: 0, max: 9 }), (zones, desired) => {
        const machines = zones.map((name, index) => machine(`i${index}`, name));

        const { launch, terminate } = decideScaling(group(), desired, machines, situation());

        expect(machines.length + launch.length - terminate.length).toBe(desired);
      }),
    );
  });
});

describe('isUnbalanced', () => {
  it('counts live machines by zone', () => {
    const zones = group().zones;
    const leaving = machine('i3', 'a', { state: 'Terminating:Wait' });

    expect(isUnbalanced(zones, [machine('i1', 'a'), machine('i2', 'a')])).toBe(true);
    expect(isUnbalanced(zones, [machine('i1', 'a'), leaving])).toBe(false);
    expect(isUnbalanced(zones.slice(0, 1), [machine('i1', 'a'), machine('i2', 'a')])).toBe(false);
    expect(isUnbalanced([], [])).toBe(false);
  });
});

describe('nextDesired', () => {
  it('begins with what the group declares', () => {
    expect(nextDesired(undefined, undefined, group({ declaredDesired: 4 }))).toBe(4);
  });

  it('keeps a desired capacity over an update that does not set it', () => {
    expect(nextDesired(5, group(), group())).toBe(5);
  });

  it('is pushed into new bounds', () => {
    expect(nextDesired(3, group(), group({ min: 4, declaredDesired: 4 }))).toBe(4);
    expect(nextDesired(6, group(), group({ max: 5 }))).toBe(5);
  });

  it('follows a desired capacity that an update sets', () => {
    expect(nextDesired(3, group(), group({ declaredDesired: 5 }))).toBe(5);
  });
});
