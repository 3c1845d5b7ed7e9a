import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLASSES, type KeptBackup, planRetention, type RetentionDays } from '#domain/backup-retention.ts';

const DAY = 24 * 3600 * 1000;
const NOW = new Date('2026-06-15T12:00:00Z');

function backup(daysAgo: number, over: Partial<KeptBackup> = {}): KeptBackup {
  const takenAt = new Date(NOW.getTime() - daysAgo * DAY);
  return { id: `b-${daysAgo}`, takenAt, storedAt: takenAt, proven: true, restored: false, suspicious: false, hold: undefined, ...over };
}

function reasonsOf(backups: readonly KeptBackup[], days: RetentionDays = CLASSES, complete = true): Record<string, string> {
  const { keep, remove } = planRetention(backups, NOW, complete, days);
  return Object.fromEntries([
    ...keep.map(({ id, reason }) => [id, `keep: ${reason}`]),
    ...remove.map(({ id, reason }) => [id, `remove: ${reason}`]),
  ]);
}

describe('what stays', () => {
  it('is the newest that is proven, whatever its age', () => {
    expect(reasonsOf([backup(4000), backup(3000)])['b-3000']).toBe('keep: the newest that is proven');
    expect(reasonsOf([backup(4000), backup(3000, { proven: false })])).toEqual({
      'b-4000': 'keep: the newest that is proven',
      'b-3000': 'remove: hourly, and 3000 days old',
    });
    expect(reasonsOf([backup(4000), backup(3000, { suspicious: true })])['b-4000']).toBe('keep: the newest that is proven');
  });

  it.each([
    [6.9, 'keep: hourly, for 7 days'],
    [7.1, 'keep: daily, for 35 days'],
    [34.9, 'keep: daily, for 35 days'],
    [35.1, 'keep: weekly, for 366 days'],
    [365.9, 'keep: weekly, for 366 days'],
    [366.1, 'remove: monthly, and 366 days old'],
  ])('is the first of its hour, day and week, %d days ago: %s', (daysAgo, reason) => {
    expect(reasonsOf([backup(daysAgo), backup(0)])[`b-${daysAgo}`]).toBe(reason);
  });

  it('is no second one of a day', () => {
    const [first, second] = [backup(10.4, { id: 'first' }), backup(10.3, { id: 'second' })];

    expect(reasonsOf([first, second, backup(0)])).toMatchObject({
      first: 'keep: daily, for 35 days',
      second: 'remove: hourly, and 10 days old',
    });
  });

  it('is the first proven one of a day, not one before it that is not', () => {
    const [first, second] = [backup(10.4, { id: 'first', proven: false }), backup(10.3, { id: 'second' })];

    expect(reasonsOf([first, second, backup(0)])).toMatchObject({
      first: 'remove: hourly, and 10 days old',
      second: 'keep: daily, for 35 days',
    });
  });

  it('are months, where they are asked for', () => {
    expect(reasonsOf([backup(500), backup(0)], { ...CLASSES, monthly: 1000 })['b-500']).toBe('keep: monthly, for 1000 days');
  });

  it('is what is held, until its end', () => {
    const held = (hold: KeptBackup['hold']) => reasonsOf([backup(3000, { hold }), backup(0)])['b-3000'];

    expect(held('open')).toBe('keep: held by a change that has not ended');
    expect(held(new Date(NOW.getTime() + 1))).toMatch(/^keep: held until 2026/);
    expect(held(NOW)).toMatch(/^remove/);
  });

  it('is what lies in the future, and everything while the list is not whole or nothing is proven', () => {
    expect(reasonsOf([backup(-1), backup(0, { id: 'now' }), backup(-2)])['b--1']).toBe('keep: it lies in the future: a clock was wrong');
    expect(reasonsOf([backup(4000), backup(0)], CLASSES, false)['b-4000']).toBe('keep: the list of backups is not complete');
    expect(reasonsOf([backup(4000, { proven: false }), backup(0, { proven: false })])['b-4000']).toBe('keep: none is proven');
  });
});

describe('over any history of backups, holds, failures, removals and wrong clocks', () => {
  const event = fc.oneof(
    fc.record({ what: fc.constant('backup' as const), proven: fc.boolean(), suspicious: fc.boolean() }),
    fc.record({
      what: fc.constant('hold' as const),
      which: fc.nat(30),
      days: fc.option(fc.integer({ min: -5, max: 60 }), { nil: undefined }),
    }),
    fc.record({ what: fc.constant('remove' as const), complete: fc.boolean() }),
    fc.record({ what: fc.constant('time' as const), hours: fc.integer({ min: -24 * 40, max: 24 * 400 }) }),
    fc.record({ what: fc.constant('time' as const), hours: fc.integer({ min: 0, max: 30 }) }),
  );

  let inAll = 0;

  it('the newest proven backup is never removed, nor one that is held, nor is one removed twice', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80, size: 'max' }), (events) => {
        let now = NOW.getTime();
        let there: KeptBackup[] = [];
        let removed = 0;
        for (const [index, one] of events.entries()) {
          if (one.what === 'time') now += one.hours * 3600 * 1000;
          if (one.what === 'backup') {
            there.push({
              id: `b-${index}`,
              takenAt: new Date(now),
              storedAt: new Date(now),
              proven: one.proven,
              restored: false,
              suspicious: one.suspicious,
              hold: undefined,
            });
          }
          if (one.what === 'hold' && there.length > 0) {
            const place = one.which % there.length;
            const hold = one.days === undefined ? ('open' as const) : new Date(now + one.days * DAY);
            there = there.map((known, at) => (at === place ? { ...known, hold } : known));
          }
          if (one.what !== 'remove') continue;
          const good = there.filter(({ proven, suspicious }) => proven && !suspicious).map(({ takenAt }) => takenAt.getTime());
          const { keep, remove } = planRetention(there, new Date(now), one.complete);
          const gone = new Set(remove.map(({ id }) => id));
          expect(keep.length + remove.length).toBe(there.length);
          expect(new Set([...keep, ...remove].map(({ id }) => id)).size).toBe(there.length);
          for (const known of there.filter(({ id }) => gone.has(id))) {
            expect(known.hold === 'open' || (known.hold !== undefined && known.hold.getTime() > now)).toBe(false);
            expect(now - known.takenAt.getTime()).toBeGreaterThanOrEqual(CLASSES.hourly * DAY);
          }
          there = there.filter(({ id }) => !gone.has(id));
          removed += gone.size;
          if (good.length > 0) {
            const left = there.filter(({ proven, suspicious }) => proven && !suspicious).map(({ takenAt }) => takenAt.getTime());
            expect(Math.max(...left)).toBe(Math.max(...good));
          } else expect(gone.size).toBe(0);
          if (!one.complete) expect(gone.size).toBe(0);
        }
        inAll += removed;
      }),
      { numRuns: 500 },
    );
    // Otherwise nothing was shown.
    expect(inAll).toBeGreaterThan(100);
  });
});
