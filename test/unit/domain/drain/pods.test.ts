import { describe, expect, it } from 'vitest';
import { rollPace } from '#domain/drain/pace.ts';
import { controllerOf, isOverdue, isPodReady, namesOf } from '#domain/drain/pods.ts';
import { heldForOperator } from '#domain/drain/postgres.ts';
import { ago, NOW, type PodShape, pod } from '../../../support/drain.ts';

describe('pods', () => {
  it.each([
    [1, 'shop/web-0'],
    [3, 'shop/web-0, shop/web-1, shop/web-2'],
    [4, 'shop/web-0, shop/web-1, shop/web-2 and 1 more'],
    [9, 'shop/web-0, shop/web-1, shop/web-2 and 6 more'],
  ])('are named: %i', (count, names) => {
    expect(namesOf(Array.from({ length: count }, (_, index) => pod({ name: `web-${index}` })))).toBe(names);
  });

  it.each([
    [[{ type: 'Ready', status: 'True' }], true],
    [
      [
        { type: 'Initialized', status: 'True' },
        { type: 'Ready', status: 'True' },
      ],
      true,
    ],
    [
      [
        { type: 'Initialized', status: 'True' },
        { type: 'Ready', status: 'False' },
      ],
      false,
    ],
    [[{ type: 'Initialized', status: 'True' }], false],
    [[], false],
  ])('are Ready by their own condition: %j', (conditions, ready) => {
    const one = pod();

    expect(isPodReady({ ...one, status: { ...one.status, conditions } })).toBe(ready);
  });

  it('belong to the owner that controls them', () => {
    const one = pod();
    const owned = (controller?: boolean) =>
      controllerOf({
        ...one,
        metadata: {
          ...one.metadata,
          ownerReferences: [{ kind: 'Node', name: 'n', uid: 'n', ...(controller === undefined ? {} : { controller }) }],
        },
      });

    expect([owned(true)?.uid, owned(false), owned()]).toEqual(['n', undefined, undefined]);
  });

  it('that are deleted at no time are not overdue', () => {
    const one = pod();

    expect(isOverdue({ ...one, metadata: { ...one.metadata, deletionTimestamp: 'soon' } }, NOW)).toBe(false);
    expect(isOverdue(one, new Date(8.64e15))).toBe(false);
  });
});

describe('what is held for postgres-operator', () => {
  const spilo = (name: string, role: string, more: PodShape = {}): PodShape => ({
    name,
    labels: { application: 'spilo', ...(role === '' ? {} : { 'spilo-role': role }) },
    ...more,
  });

  it.each<[string, PodShape[], number, string[]]>([
    ['its whole kind, while a primary is there', [spilo('a', 'master'), spilo('b', 'replica'), spilo('c', ''), {}], 1199, ['a', 'b', 'c']],
    ['also by its newer name', [spilo('a', 'primary')], 0, ['a']],
    ['nothing where only replicas are', [spilo('b', 'replica')], 0, []],
    ['nothing once the primary is ending', [spilo('a', 'master', { ending: -10 }), spilo('b', 'replica')], 0, []],
    ['nothing after its time', [spilo('a', 'master')], 1200, []],
    ['nothing of others with that role', [{ labels: { 'spilo-role': 'master' } }], 0, []],
  ])('%s', (_name, shapes, seconds, held) => {
    expect(heldForOperator(shapes.map(pod), ago(seconds), NOW).map(({ metadata }) => metadata.name)).toEqual(held);
  });
});

describe('seconds until the next look', () => {
  it.each<[string, (number | undefined)[], number, number]>([
    ['by what began last', [3000, 700, 900], 5000, 35],
    ['by what tells when it began', [undefined, 700], 5000, 35],
    ['by the roll where nothing tells', [undefined], 900, 45],
    ['by the roll where nothing is waited for', [], 900, 45],
    ['a second at least', [1], 5000, 1],
    ['one in the first minute', [30], 5000, 1],
    ['two in the first ten', [300], 5000, 2],
    ['a minute at most', [3000], 0, 60],
  ])('%s', (_name, begun, since, pace) => {
    const waits = begun.map((seconds) => ({ reason: 'x', ...(seconds === undefined ? {} : { since: ago(seconds) }) }));

    expect(rollPace(waits, ago(since), NOW)).toBe(pace);
  });
});
