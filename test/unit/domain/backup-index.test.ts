import { describe, expect, it } from 'vitest';
import { emptyIndex, historyOf, takenAtOf, withFailure, withProven } from '#domain/backup-index.ts';

const at = (minute: number): Date => new Date(Date.UTC(2026, 0, 5, 8, minute));
const proven = (minute: number, drilled = false) => ({ id: `b${minute}`, takenAt: at(minute), drilled, bytes: minute, seconds: 3 });
const failure = (minute: number, execution = `scheduled-${minute}`) => ({ at: at(minute).toISOString(), execution, reason: 'down' });
const EMPTY = emptyIndex('alpha-1');

describe('when a backup was taken', () => {
  it('is in its id', () => {
    expect(takenAtOf('20260131T030059Z-422a689b6051')?.toISOString()).toBe('2026-01-31T03:00:59.000Z');
  });

  it.each(['', 'b1', '20260131T030059Z', '20261331T030059Z-422a689b6051', '20260131T030059Z-422a689b605'])('is not in %j', (id) => {
    expect(takenAtOf(id)).toBeUndefined();
  });
});

describe('an index of backups', () => {
  it('has the newest that is proven, and ends the count of failures', () => {
    const index = withProven(withFailure(withFailure(EMPTY, failure(1), at(1)), failure(2), at(2)), proven(3));

    expect(index).toEqual({
      cluster: 'alpha-1',
      newestProven: { id: 'b3', takenAt: at(3).toISOString() },
      newestDrilled: null,
      bytes: 3,
      seconds: 3,
      failures: 0,
      lastFailure: failure(2),
    });
  });

  it('takes nothing newer away when one comes late, or again', () => {
    const index = withProven(EMPTY, proven(5, true));

    expect(withProven(index, proven(4, true))).toEqual(index);
    expect(withProven(index, proven(5, true))).toEqual(index);
    expect(withProven(withFailure(index, failure(6), at(6)), proven(4))).toMatchObject({ failures: 1 });
  });

  it('keeps the newest drilled one apart', () => {
    const index = withProven(withProven(EMPTY, proven(1, true)), proven(2));

    expect(index).toMatchObject({ newestProven: { id: 'b2' }, newestDrilled: { id: 'b1' } });
    expect(withProven(withProven(EMPTY, proven(5)), proven(3, true))).toMatchObject({
      newestProven: { id: 'b5' },
      newestDrilled: { id: 'b3' },
    });
  });

  it('counts a failure once', () => {
    const once = withFailure(EMPTY, failure(1), at(1));

    expect(withFailure(once, failure(1), at(1))).toEqual(once);
    expect(withFailure(once, failure(2), at(2))).toMatchObject({ failures: 2, lastFailure: failure(2) });
  });

  it('does not count a failure that began before the newest proven backup was taken', () => {
    const index = withProven(EMPTY, proven(5));

    expect(withFailure(index, failure(9), at(4))).toEqual(index);
    expect(withFailure(index, failure(9), at(5))).toEqual(index);
    expect(withFailure(index, failure(9), at(6))).toMatchObject({ failures: 1 });
  });

  it('tells the schedule what it needs', () => {
    expect(historyOf(undefined)).toEqual({ newestProven: undefined, newestDrilled: undefined, failures: 0, lastFailure: undefined });
    expect(historyOf(EMPTY)).toEqual(historyOf(undefined));
    expect(historyOf(withFailure(withProven(EMPTY, proven(1, true)), failure(2), at(2)))).toEqual({
      newestProven: at(1),
      newestDrilled: at(1),
      failures: 1,
      lastFailure: at(2),
    });
  });
});
