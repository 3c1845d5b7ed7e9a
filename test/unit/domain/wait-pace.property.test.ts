import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lookAgainSeconds } from '#domain/wait-pace.ts';

const START = Date.parse('2026-01-05T08:00:00Z');
/** Task: entered, scheduled, started, succeeded, exited; Choice and Wait: entered and exited. */
const EVENTS_PER_LOOK = 9;

test('a wait of any length up to 30 days fits an execution, and its end is noticed in time', () => {
  const waits = fc.record({ first: fc.integer({ min: 30, max: 300 }), seconds: fc.integer({ min: 1, max: 30 * 86_400 }) });
  fc.assert(
    fc.property(waits, ({ first, seconds }) => {
      let waited = 0;
      let looks = 1;
      let wait = first;
      while (waited < seconds) {
        wait = lookAgainSeconds(first, new Date(START), new Date(START + waited * 1000));
        expect(wait).toBeGreaterThanOrEqual(first);
        waited += wait;
        looks += 1;
      }

      expect(looks * EVENTS_PER_LOOK).toBeLessThan(20_000);
      expect(waited - seconds, 'noticed late by no more than').toBeLessThanOrEqual(seconds < 3600 ? first : seconds < 86_400 ? 300 : 1800);
    }),
    { seed: 20_260_105, numRuns: 300 },
  );
});
