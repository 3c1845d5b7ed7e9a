import { describe, expect, it } from 'vitest';
import { raiseTo, shrinksBy, surgeOf } from '#domain/drain/surge.ts';
import type { PoolView } from '#domain/drain/view.ts';
import { note, pool, type Setting, seen } from '../../../support/roll.ts';

function view(setting: Setting): PoolView {
  const [only] = seen([pool(setting)]);
  if (only === undefined) throw new Error('no pool');
  return only;
}

describe('what a roll may add', () => {
  const POOL = { name: 'general', surgePercent: 34, stateful: false };

  it.each([
    ['its percentage, rounded up', 3, { max: 10, zones: ['a'] }, false, 2],
    ['within the maximum', 3, { max: 4, zones: ['a'] }, false, 1],
    ['nothing where the group is full', 3, { max: 3, zones: ['a'] }, false, 0],
    ['nothing where it is more than full', 5, { max: 3, zones: ['a'] }, false, 0],
    ['as many in each zone where nodes are matched', 3, { max: 10, zones: ['a', 'b', 'c'] }, true, 3],
    ['the next multiple of the zones', 12, { max: 30, zones: ['a', 'b', 'c'] }, true, 6],
    ['no multiple where they are not', 12, { max: 30, zones: ['a', 'b', 'c'] }, false, 5],
    ['its own number where no zone is known', 3, { max: 10, zones: [] }, true, 2],
  ])('%s', (_name, base, of, matched, surge) => {
    expect(surgeOf(POOL, base, of, matched)).toBe(surge);
  });
});

describe('how many a group is raised to', () => {
  const ROOMY = { change: { note: note(3, 3), max: 9 } };

  it.each<[string, Setting, boolean, number | undefined, number | undefined]>([
    ['all that it may', { instances: 'a1 b1 c1', ...ROOMY }, false, 100, 6],
    ['as there are addresses for', { instances: 'a1 b1 c1', ...ROOMY }, false, 2, 5],
    ['not at all without addresses', { instances: 'a1 b1 c1', ...ROOMY }, false, 0, undefined],
    ['by one where nobody knows', { instances: 'a1 b1 c1', ...ROOMY }, false, undefined, 4],
    [
      'not yet where nobody knows and one has not joined',
      { instances: 'a1 b1 c1 a2*', nodes: { a2: null }, ...ROOMY },
      false,
      undefined,
      undefined,
    ],
    [
      'not yet where nobody knows and one is on its way',
      { instances: 'a1 b1 c1', change: { ...ROOMY.change, desired: 4 } },
      false,
      undefined,
      undefined,
    ],
    ['by as many as are left', { instances: 'a1 b2* c2*', ...ROOMY }, false, 100, 4],
    ['by the share of zones that still need one', { instances: 'a1 b1 c1 a2*', ...ROOMY }, false, 100, 5],
    ['by all where a node waits for a match', { instances: 'a1 b1 c1 a2*', ...ROOMY }, true, 100, 6],
    ['not once it has all', { instances: 'a1 b1 c1 a2* b2* c2*', ...ROOMY }, true, 100, undefined],
    ['not where nothing is left', { instances: 'a2* b2* c2*', ...ROOMY }, true, 100, undefined],
    ['not where nothing is rolled', { instances: 'a2* b2* c2*', change: { note: undefined } }, true, 100, undefined],
    [
      'not for a zone whose old ones are as many as what is too many there',
      { instances: 'a1 a3 b1 b3 a2* b2*', change: { note: note(4, 4), max: 9 } },
      false,
      100,
      undefined,
    ],
    [
      'not for a zone that has as many in addition as it loses',
      { instances: 'a1 b1 a2* c2*', change: { note: note(3, 3), max: 9 } },
      false,
      100,
      undefined,
    ],
  ])('%s', (_name, setting, unmatched, room, desired) => {
    expect(raiseTo(view(setting), unmatched, room)).toBe(desired);
  });
});

describe('whether a group shrinks with an instance that ends', () => {
  it.each<[string, Setting, string, boolean]>([
    ['its zone has one in addition', { instances: 'a1 b2* c2* a2*' }, 'a', true],
    ['another zone has', { instances: 'a1 b1 c2* a2*' }, 'b', false],
    ['it has the size to end with', { instances: 'a1 b2* c2*', change: { desired: 3 } }, 'a', false],
    ['one more than that', { instances: 'a1 b2* c2* a2*', change: { desired: 4, min: 3 } }, 'a', true],
    ['it is at its minimum', { instances: 'a1 b2* c2* a2*', change: { desired: 4, min: 4, note: note(3, 1) } }, 'a', false],
    ['nothing is rolled', { instances: 'a2* b2* c2*', change: { note: undefined, min: 0 } }, 'a', false],
    ['only what is too many is left', { instances: 'a2* b2* c2* c3*', change: { desired: 4 } }, 'c', true],
    ['its zone still has another old one', { instances: 'a1 a3 b2* c2* a2*', change: { note: note(4, 1) } }, 'a', false],
    [
      'an old one there that never joined counts',
      { instances: 'a1 a3 b2* c2* a2*', nodes: { a3: null }, change: { note: note(4, 1) } },
      'a',
      false,
    ],
    ['one elsewhere does not', { instances: 'a1 b3 a2* c2*', nodes: { b3: null } }, 'a', true],
    ['the odd one is left where most are', { instances: 'a1 a2* a3* b2* c2*', change: { note: note(4, 1) } }, 'a', true],
    ['the odd one is left in the zone that is done', { instances: 'a1 a2* b2* b3* c2*', change: { note: note(4, 1) } }, 'a', true],
    ['and not where one is still to go', { instances: 'a1 a2* b2* b3* c2*', change: { note: note(4, 1) } }, 'b', true],
    ['by name where nothing else tells them apart', { instances: 'a1 a2* b1 b2* c2*', change: { note: note(4, 1) } }, 'a', false],
    ['the other of those', { instances: 'a1 a2* b1 b2* c2*', change: { note: note(4, 1) } }, 'b', true],
    ['a zone that nobody is in', { instances: 'a1 b2* c2* a2*' }, 'd', true],
  ])('%s', (_name, setting, zone, shrinks) => {
    expect(shrinksBy(view(setting), zone)).toBe(shrinks);
  });
});
