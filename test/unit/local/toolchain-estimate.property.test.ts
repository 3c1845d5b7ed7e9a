import fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeProduct, describeSeconds } from '../../../local/toolchain/describe.ts';
import { coldnessOf, expectedSeconds, remainingSeconds, slownessOf } from '../../../local/toolchain/estimate.ts';

const COST = { seconds: 240, packages: 2590 };

test('at a steady pace the remaining time only falls, and is near the truth in the second half', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.2, max: 6, noNaN: true }), fc.integer({ min: 100, max: 2590 }), (slowness, total) => {
      const whole = COST.seconds * slowness * (total / COST.packages);
      const at = (part: number): number => {
        const elapsed = whole * part;
        const progress = { phase: 'compiling', done: Math.round(total * part), total } as const;
        return remainingSeconds(
          COST,
          progress,
          { total: elapsed, compiling: elapsed },
          [{ cost: COST, compiled: 2590, seconds: COST.seconds * slowness }],
          2,
        );
      };
      const parts = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

      const estimates = parts.map(at);

      for (const [index, estimate] of estimates.entries()) {
        const before = estimates[index - 1];
        if (before !== undefined) expect(estimate).toBeLessThanOrEqual(before + 1);
      }
      const half = estimates[4] ?? 0;
      expect(Math.abs(half - whole / 2)).toBeLessThan(0.15 * whole + COST.seconds * slowness * 0.1);
    }),
  );
});

test('an estimate is a positive number whatever happened before', () => {
  const build = fc.record({ cost: fc.constant(COST), compiled: fc.nat(5000), seconds: fc.double({ min: 0, max: 10_000, noNaN: true }) });
  const progress = fc.option(
    fc.record({
      phase: fc.constantFrom('downloading' as const, 'compiling' as const, 'linking' as const),
      done: fc.nat(3000),
      total: fc.nat(3000),
    }),
    { nil: undefined },
  );
  fc.assert(
    fc.property(
      fc.array(build, { maxLength: 4 }),
      progress,
      fc.nat(10_000),
      fc.integer({ min: 1, max: 128 }),
      (finished, now, elapsed, cores) => {
        const estimate = remainingSeconds(COST, now, { total: elapsed, compiling: elapsed }, finished, cores);

        expect(Number.isFinite(estimate)).toBe(true);
        expect(estimate).toBeGreaterThanOrEqual(0);
      },
    ),
  );
});

test('a machine that took twice as long so far is expected to go on so; warm builds do not make it faster', () => {
  const slow = { cost: COST, compiled: 2590, seconds: 480 };
  const warm = { cost: COST, compiled: 0, seconds: 10 };

  expect(slownessOf([slow], 2)).toBeCloseTo(2);
  expect(slownessOf([slow, warm], 2)).toBeCloseTo(2);
  expect(slownessOf([], 8)).toBeLessThan(slownessOf([], 2));
  expect(coldnessOf([warm])).toBe(0);
  expect(expectedSeconds(COST, [slow], 2)).toBeCloseTo(480);
  expect(expectedSeconds(COST, [warm], 2)).toBeLessThan(30);
});

test('the text tells minutes rounded up', () => {
  const now = new Date('2026-01-05T08:00:00Z');
  const building = { product: 'p', title: 'Kubernetes 1.36.3', state: 'building' as const, readyAt: new Date('2026-01-05T08:03:10Z') };

  expect(describeProduct(building, now)).toBe('building Kubernetes 1.36.3, 4 min left');
  expect(describeProduct({ ...building, state: 'queued' }, now)).toBe('Kubernetes 1.36.3 waits for its turn, ready in 4 min');
  expect(describeSeconds(0)).toBe('10 s');
  expect(describeSeconds(41)).toBe('50 s');
  expect(describeSeconds(51)).toBe('1 min');
});
