import { describe, expect, it } from 'vitest';
import { countOf, roomOf } from '#domain/drain/counts.ts';
import { noteOf, rollingOf } from '#domain/drain/rolling.ts';
import { type PoolView, without } from '#domain/drain/view.ts';
import { group, instance, NOW, node } from '../../../support/drain.ts';
import { drained, MARKED, note, pool, type Setting, seen } from '../../../support/roll.ts';

function view(setting: Setting): PoolView {
  const [only] = seen([pool(setting)]);
  if (only === undefined) throw new Error('no pool');
  return only;
}

describe('what a roll remembers', () => {
  const ROLLING = { base: 12, surge: 34, rebalances: false, since: NOW };

  it('is read as it was written', () => {
    expect(noteOf(ROLLING)).toBe('12 34 as-it-was 2026-03-01T12:00:00.000Z');
    expect(noteOf({ ...ROLLING, rebalances: true })).toBe('12 34 rebalances 2026-03-01T12:00:00.000Z');
    for (const rebalances of [true, false]) expect(rollingOf(noteOf({ ...ROLLING, rebalances }))).toEqual({ ...ROLLING, rebalances });
  });

  it.each([
    undefined,
    '',
    'Stryker was here!',
    'x 12 34 rebalances 2026-03-01T12:00:00.000Z',
    '12 34 rebalances 2026-03-01T12:00:00.000Z and more',
    '12 34 balances 2026-03-01T12:00:00.000Z',
    '12 rebalances 2026-03-01T12:00:00.000Z',
    '12 34 rebalances yesterday',
  ])('is nothing in a note of another shape: %s', (text) => {
    expect(rollingOf(text)).toBeUndefined();
  });
});

describe('what is counted', () => {
  it('are instances of all groups, by whether they are current, but not those on their way out', () => {
    const groups = [
      group([instance('a1'), instance('b1'), instance('a2*')]),
      group([instance('c1', { lifecycleState: 'Terminating:Wait' }), instance('c2*')]),
    ];

    expect(countOf(groups)).toEqual({ rolled: 2, remaining: 2 });
    expect(countOf([])).toEqual({ rolled: 0, remaining: 0 });
  });

  it.each<[string, number | undefined, (string | undefined)[], number | undefined]>([
    ['nobody knows how many are free', undefined, ['10'], undefined],
    ['a node takes one and one for each pod', 33, ['10'], 3],
    ['what is not enough for a whole node is none', 32, ['10'], 2],
    ['the largest node decides', 33, ['10', '32', '5'], 1],
    ['nodes that do not say do not count', 33, [undefined, '10', 'many', '0', '-3'], 3],
    ['110 pods where none says', 222, [undefined, 'many', '0'], 2],
    ['there is no node yet', 221, [], 1],
    ['none is free', 0, ['10'], 0],
  ])('addresses suffice for so many nodes: %s', (_name, addresses, pods, room) => {
    const nodes = pods.map((count, index) => node(`n${index}`, count === undefined ? {} : { pods: count }));

    expect(roomOf(addresses === undefined ? undefined : new Map([['s1', addresses]]), [{ subnets: ['s1'] }], nodes)).toBe(room);
  });
});

describe('a pool as its roll sees it', () => {
  const ids = (members: readonly { instance: { id: string } }[]): string[] => members.map(({ instance: { id } }) => id);

  it('has members, those that never joined and those that come', () => {
    const one = view({
      instances: 'a1 b1 c1 a2* b2* c2* a3*',
      nodes: { b1: null, b2: null, c2: { ready: false } },
      states: { a3: { healthStatus: 'Unhealthy' } },
    });

    expect(ids(one.members)).toEqual(['a1', 'c1', 'a2', 'c2', 'a3']);
    expect(one.members.map(({ old }) => old)).toEqual([true, true, false, false, false]);
    expect(one.unjoined.map(({ id }) => id)).toEqual(['b1']);
    expect(one.booting.map(({ id }) => id)).toEqual(['b2', 'c2', 'a3']);
    expect([ids(one.leaving), one.remaining]).toEqual([['a1', 'c1'], 3]);
    expect([...one.zones]).toEqual([
      ['a', 3],
      ['b', 2],
      ['c', 2],
    ]);
  });

  it('counts zones of the group that are empty, and others where something stands', () => {
    expect([...view({ instances: 'a1 d1', change: { zones: ['a', 'b'] } }).zones]).toEqual([
      ['a', 1],
      ['b', 0],
      ['d', 1],
    ]);
  });

  it.each<[string, Setting, ReadonlySet<string>, boolean]>([
    ['it is stateful', { instances: 'a1', pool: { stateful: true } }, new Set(), true],
    ['an old node has a volume', { instances: 'a1 b2*' }, new Set(['a1']), true],
    ['a new one has', { instances: 'a1 b2*' }, new Set(['b2']), false],
    ['none has', { instances: 'a1 b2*' }, new Set(), false],
  ])('matches nodes by zone: %s', (_name, setting, attached, matched) => {
    expect(seen([pool(setting)], { attached })[0]?.matched).toBe(matched);
  });

  it('has nothing to end where nothing is old and its size is its own', () => {
    const over = view({ instances: 'a2* b2* c2*' });

    expect([over.rolling?.base, over.leaving, over.remaining]).toEqual([3, [], 0]);
    expect(view({ instances: 'a2* b2* c2*', change: { note: undefined } }).rolling).toBeUndefined();
  });

  it.each<[string, Setting, string]>([
    ['in the zone that has most', { instances: 'a2* b2* b3* c2*', change: { desired: 4 } }, 'b2'],
    ['by name among those', { instances: 'b3* b2* a2* c2*', change: { desired: 4 } }, 'b2'],
    ['one that was marked for it', { instances: 'a2* b2* b3* c2*', change: { desired: 4 }, nodes: { c2: MARKED } }, 'c2'],
    ['one that is being drained', { instances: 'a2* b2* b3* c2*', change: { desired: 4 }, nodes: { a2: drained() } }, 'a2'],
    ['one at a time', { instances: 'a2* b2* b3* c2* c3*', change: { desired: 5 } }, 'b2'],
  ])('ends what is too many: %s', (_name, setting, id) => {
    expect(ids(view(setting).leaving)).toEqual([id]);
    expect(view(setting).remaining).toBe(1);
  });

  it.each<[string, object, { base: number; surge: number }]>([
    ['as noted', { desired: 4 }, { base: 3, surge: 2 }],
    ['at the largest size that it makes itself', { desired: 5 }, { base: 3, surge: 2 }],
    ['one above that', { desired: 6 }, { base: 4, surge: 2 }],
    ['below the size before', { desired: 2 }, { base: 2, surge: 2 }],
    ['below the minimum', { desired: 1, min: 2 }, { base: 2, surge: 2 }],
    ['above the maximum', { desired: 9, max: 6 }, { base: 6, surge: 0 }],
    ['with less than the surge to the maximum', { desired: 4, max: 4 }, { base: 3, surge: 1 }],
  ])('goes on from the size that it finds: %s', (_name, change, rolling) => {
    expect(view({ instances: 'a1 b1 c1', change: { note: note(3, 2), ...change } }).rolling).toMatchObject(rolling);
  });

  it('begins with the size that it finds, within the group’s bounds', () => {
    const rolling = (change: object) => view({ instances: 'a1 b1 c1', change: { note: undefined, ...change } }).rolling;

    expect(rolling({ rebalances: true })).toEqual({ base: 3, surge: 1, rebalances: true, since: NOW });
    expect([rolling({ min: 4 })?.base, rolling({ max: 2 })?.base]).toEqual([4, 2]);
  });
});

describe('a pool once a member is ended', () => {
  const before = view({ instances: 'a1 b1 a2*' });
  const [first, second] = before.members;

  it.each([true, false])('has one less of everything; its size only if the group shrinks: %s', (decrement) => {
    if (first === undefined || second === undefined) throw new Error('no members');

    const after = without(before, first, decrement);

    expect(after.members.map(({ instance: { id } }) => id)).toEqual(['b1', 'a2']);
    expect(after.leaving).toEqual([second]);
    expect(after.remaining).toBe(1);
    expect(after.group).toEqual({ ...before.group, desired: decrement ? 2 : 3 });
    expect([...after.zones]).toEqual([
      ['a', 1],
      ['b', 1],
      ['c', 0],
    ]);
  });
});
