import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BackupHistory, DRILL_SECONDS, dueBackups, phaseOf, slotOf } from '#domain/backup-due.ts';

const HOUR = 3600;
const LONG_AGO = new Date(0);
const NONE: BackupHistory = { newestProven: undefined, newestDrilled: undefined, failures: 0, lastFailure: undefined };
const at = (seconds: number): Date => new Date(1_767_600_000_000 + seconds * 1000);
/** When the interval of `alpha-1` begins that `at(0)` is in or before. */
const begin = (interval = HOUR): number => {
  const slot = slotOf('alpha-1', interval, at(0));
  return (slot + 1 + phaseOf('alpha-1')) * interval - at(0).getTime() / 1000;
};

function due(history: Partial<BackupHistory>, seconds: number, interval = HOUR) {
  return dueBackups([{ cluster: 'alpha-1', intervalSeconds: interval, created: LONG_AGO, history: { ...NONE, ...history } }], at(seconds));
}

describe('a backup is due', () => {
  it('at once where there is none, with a drill', () => {
    expect(due({}, 0)).toEqual([{ cluster: 'alpha-1', drill: true, slot: `${slotOf('alpha-1', HOUR, at(0))}-0` }]);
  });

  it('of a new cluster in the interval after the one that it was made in', () => {
    const start = begin();
    const look = (seconds: number) =>
      dueBackups([{ cluster: 'alpha-1', intervalSeconds: HOUR, created: at(start + 60), history: NONE }], at(seconds));

    expect(look(start + HOUR - 1)).toEqual([]);
    expect(look(start + HOUR + 1)).toMatchObject([{ drill: true }]);
  });

  it('once in each interval', () => {
    const start = begin();
    const taken = { newestProven: at(start + 1), newestDrilled: at(start + 1) };

    expect(due(taken, start + 2)).toEqual([]);
    expect(due(taken, start + HOUR - 1)).toEqual([]);
    expect(due(taken, start + HOUR + 1)).toMatchObject([{ drill: false }]);
  });

  it('as long as the interval has none that is proven', () => {
    const start = begin();

    expect(due({ newestProven: at(start - 10), newestDrilled: at(start) }, start + 20)).toHaveLength(1);
  });

  it('with a drill once a day', () => {
    const taken = (drilled: number) => ({ newestProven: at(-2 * HOUR), newestDrilled: at(drilled) });

    expect(due(taken(-DRILL_SECONDS + 1), 0)).toMatchObject([{ drill: false }]);
    expect(due(taken(-DRILL_SECONDS), 0)).toMatchObject([{ drill: true }]);
  });

  it.each([
    [1, 299, 300],
    [2, 599, 600],
    [3, 1199, 1200],
    [5, 3599, 3600],
    [60, 3599, 3600],
  ])('again after %i failures, not before its pause of it is over', (failures, before, after) => {
    const failed = { newestProven: at(-3 * HOUR), failures, lastFailure: at(0) };

    expect(due(failed, before)).toEqual([]);
    expect(due(failed, after)).toHaveLength(1);
    expect(due(failed, after)[0]?.slot).toMatch(new RegExp(`-${failures}$`));
  });

  it('not for a backup that lies in the future', () => {
    expect(due({ newestProven: at(5 * HOUR), newestDrilled: at(0) }, 0)).toEqual([]);
  });
});

describe('over any run of the schedule', () => {
  const run = fc.record({ at: fc.nat(40 * HOUR), fails: fc.boolean(), lost: fc.boolean() });

  it('no slot has two backups that succeed, and looks at the same time name the same work', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(HOUR, 6 * HOUR, 900),
        fc.string({ minLength: 1, maxLength: 12 }),
        fc.array(run, { maxLength: 80 }),
        (interval, cluster, runs) => {
          let history = NONE;
          const taken: number[] = [];
          const names = new Set<string>();
          for (const { at: seconds, fails, lost } of runs.toSorted((left, right) => left.at - right.at)) {
            const wanted = [{ cluster, intervalSeconds: interval, created: LONG_AGO, history }];
            const found = dueBackups(wanted, at(seconds));
            expect(dueBackups(wanted, at(seconds))).toEqual(found);
            const [one] = found;
            if (one === undefined || lost) continue;
            expect(names.has(one.slot)).toBe(false);
            names.add(one.slot);
            if (fails) history = { ...history, failures: history.failures + 1, lastFailure: at(seconds) };
            else {
              taken.push(slotOf(cluster, interval, at(seconds)));
              history = {
                newestProven: at(seconds),
                newestDrilled: at(seconds),
                failures: 0,
                lastFailure: history.lastFailure,
              };
            }
          }
          expect(new Set(taken).size).toBe(taken.length);
        },
      ),
    );
  });

  it('a look every five minutes takes one in each interval', () => {
    fc.assert(
      fc.property(fc.constantFrom(900, HOUR, 4 * HOUR), fc.string({ minLength: 1, maxLength: 12 }), (interval, cluster) => {
        let newest: Date | undefined;
        const slots: number[] = [];
        for (let seconds = 0; seconds < 20 * interval; seconds += 300) {
          const found = dueBackups(
            [{ cluster, intervalSeconds: interval, created: LONG_AGO, history: { ...NONE, newestProven: newest, newestDrilled: newest } }],
            at(seconds),
          );
          if (found.length === 0) continue;
          newest = at(seconds);
          slots.push(slotOf(cluster, interval, newest));
        }
        const first = slots[0] ?? 0;
        expect(slots).toEqual(slots.map((_, index) => first + index));
        expect(slots.length).toBeGreaterThanOrEqual(20);
      }),
    );
  });

  it('a thousand clusters are spread over the interval', () => {
    const minutes = Array.from({ length: 60 }, () => 0);
    for (let index = 0; index < 1000; index++) {
      const minute = Math.floor(phaseOf(`beta-${index}`) * 60);
      minutes[minute] = (minutes[minute] ?? 0) + 1;
    }

    expect(Math.max(...minutes)).toBeLessThan(40);
    expect(Math.min(...minutes)).toBeGreaterThan(3);
  });
});
