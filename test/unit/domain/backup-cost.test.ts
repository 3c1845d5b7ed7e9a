import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backupCost, backupsKept, PRICES } from '#domain/backup-cost.ts';
import { CLASSES, type KeptBackup, planRetention } from '#domain/backup-retention.ts';

const HOUR = 3600;
const DAY = 24 * HOUR * 1000;
const MB = 1_000_000;

describe('backupsKept', () => {
  it.each([
    [HOUR, 244],
    [300, 2092],
    [24 * HOUR, 83],
  ])('counts what the classes keep at an interval of %d s: %d', (interval, count) => {
    expect(backupsKept(interval)).toBe(count);
  });

  it('is what the plan of retention leaves, within the first of each period', () => {
    const now = new Date('2028-06-15T12:00:00Z');
    const backups: KeptBackup[] = [];
    for (let age = 0; age < 500 * DAY; age += 4 * HOUR * 1000) {
      const takenAt = new Date(now.getTime() - age);
      const words = { proven: true, restored: true, suspicious: false, hold: undefined };
      backups.push({ id: takenAt.toISOString(), takenAt, storedAt: takenAt, ...words });
    }

    const { keep } = planRetention(backups, now, true);

    expect(Math.abs(keep.length - backupsKept(4 * HOUR))).toBeLessThanOrEqual(4);
  });

  it('has months where they are asked for', () => {
    expect(backupsKept(HOUR, { ...CLASSES, monthly: 366 + 365 }) - backupsKept(HOUR)).toBe(12);
  });
});

describe('backupCost', () => {
  it('is at most 5 USD a month for a database of 500 MB at the default interval', () => {
    const cost = backupCost(500 * MB, HOUR);

    expect(cost.total).toBeLessThanOrEqual(5);
    // Most of it is what lies there: a figure without it would say nothing.
    expect(cost.storage).toBeGreaterThan(2);
    expect(cost.total).toBeCloseTo(cost.storage + cost.requests + cost.compute + cost.key);
  });

  it('goes by what is there where that is known', () => {
    const cost = backupCost(500 * MB, HOUR, { backups: 2, bytes: 1024 ** 3 });

    expect(cost).toMatchObject({ backups: 2, bytes: 1024 ** 3, storage: PRICES.storageGibMonth });
  });

  it('asks less for what is older than the daily ones', () => {
    const gib = { bytes: 1024 ** 3 };
    const [young, all] = [backupCost(MB, HOUR, { ...gib, backups: 196 }), backupCost(MB, HOUR, { ...gib, backups: 392 })];

    expect(young.storage).toBe(PRICES.storageGibMonth);
    expect(all.storage).toBeCloseTo((PRICES.storageGibMonth + PRICES.archiveGibMonth) / 2);
    expect(backupCost(MB, HOUR, { backups: 0, bytes: 0 }).storage).toBe(0);
  });

  it('grows with size and with how often, and no part of it is below nothing', () => {
    const size = fc.integer({ min: 20_000, max: 10_000 * MB });
    const interval = fc.integer({ min: 300, max: 24 * HOUR });
    fc.assert(
      fc.property(size, size, interval, interval, (one, other, often, seldom) => {
        const cost = (bytes: number, seconds: number) => backupCost(bytes, seconds);
        const small = cost(Math.min(one, other), Math.max(often, seldom));
        const large = cost(Math.max(one, other), Math.min(often, seldom));
        for (const part of [small.storage, small.requests, small.compute, small.key]) expect(part).toBeGreaterThan(0);
        expect(large.total).toBeGreaterThanOrEqual(small.total);
      }),
    );
  });
});
