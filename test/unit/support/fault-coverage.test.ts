import { describe, expect, it } from 'vitest';
import { coverageOf, ENOUGH, type Played } from '../../support/faults/coverage.ts';

const PLACES = new Map([
  ['create', ['update-cluster/lock', 'update-cluster/render', 'update-cluster/render']],
  ['delete', ['delete-cluster/lock']],
]);

function runs(count: number, kind: string, place: string, struck = true): Played[] {
  return Array.from({ length: count }, () => ({ scenario: { kind, place }, struck }));
}

describe('which states of which change were struck', () => {
  it('is told by pairs; the same state of another change is another one', () => {
    const found = coverageOf(runs(1, 'create', 'update-cluster/lock'), PLACES);

    expect(found).toEqual({
      pairs: 3,
      struck: 1,
      never: ['create update-cluster/render', 'delete delete-cluster/lock'],
      holes: [],
    });
  });

  it('has a hole where the runs of a change were enough for each of its states, a fault that struck nothing being none', () => {
    const many = [...runs(2 * ENOUGH - 1, 'create', 'update-cluster/lock'), ...runs(ENOUGH, 'delete', 'delete-cluster/lock', false)];

    const before = coverageOf(many, PLACES);
    const after = coverageOf([...many, ...runs(1, 'create', 'update-cluster/render', false)], PLACES);

    expect(before.holes).toEqual(['delete delete-cluster/lock']);
    expect(after.holes).toEqual(['create update-cluster/render', 'delete delete-cluster/lock']);
  });
});
