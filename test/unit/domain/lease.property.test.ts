import fc from 'fast-check';
import { expect, test } from 'vitest';
import { free, handOver, isHeld, renew, take } from '#domain/lease.ts';
import type { Lock } from '#model/records.ts';

const holder = fc.constantFrom('update-a', 'update-b', 'update-c');
const act = fc.record({
  what: fc.constantFrom('take', 'renew', 'free', 'hand over'),
  who: holder,
  to: holder,
  pass: fc.integer({ min: 0, max: 90 }),
});
const LEASE = 60;

test('a lock never has two holders, and its fencing number grows with each new holder', () => {
  let taken = 0;
  let refused = 0;
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      let lock: Lock | undefined;
      let now = new Date('2026-01-05T08:00:00Z');
      for (const { what, who, to, pass } of acts) {
        now = new Date(now.getTime() + pass * 1000);
        const before = lock;
        const heldByOther = before !== undefined && isHeld(before, now) && before.holder !== who;
        if (what === 'take') {
          const result = take(before, 'dev-1', who, now, LEASE);
          expect(result.outcome === 'held').toBe(heldByOther);
          if (result.outcome === 'taken') expect(result.lock.fence).toBeGreaterThan(before?.fence ?? 0);
          if (result.outcome === 'renewed') expect(result.lock.fence).toBe(before?.fence);
          if (result.outcome === 'held') refused += 1;
          else lock = result.lock;
          taken += result.outcome === 'taken' ? 1 : 0;
        }
        if (what === 'renew') lock = renew(before, who, now, LEASE) ?? before;
        if (what === 'free') lock = free(before, who) ?? before;
        if (what === 'hand over') lock = handOver(before, who, to, now, LEASE) ?? before;
        if (heldByOther) expect(lock, `${who} changes nothing of another's lock`).toEqual(before);
        if (lock?.holder !== before?.holder && lock?.holder != null) expect(lock.fence).toBeGreaterThan(before?.fence ?? 0);
        expect(lock?.fence ?? 0).toBeGreaterThanOrEqual(before?.fence ?? 0);
      }
    }),
  );
  expect(taken).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
});
