import fc from 'fast-check';
import { expect, test } from 'vitest';
import { admit, inFlight, isBudgetSpent, newLedger, settle } from '#domain/ledger.ts';

const NOW = new Date('2026-01-05T08:00:00Z');
const act = fc.record({
  what: fc.constantFrom('start', 'fail', 'succeed'),
  cluster: fc.nat({ max: 19 }).map((number) => `beta-${number}`),
});

test('never more failures than the budget and what was in flight, and no start after the budget is spent', () => {
  let spent = 0;
  fc.assert(
    fc.property(fc.array(act, { maxLength: 80 }), fc.nat({ max: 4 }), fc.integer({ min: 1, max: 6 }), (acts, budget, concurrency) => {
      let ledger = newLedger('rollout-1', budget);
      for (const { what, cluster } of acts) {
        const wasSpent = isBudgetSpent(ledger);
        if (what === 'start' && inFlight(ledger).length < concurrency) {
          const admission = admit(ledger, cluster, NOW);
          const known = ledger.started[cluster] !== undefined;
          expect(admission.admitted).toBe(known || !wasSpent);
          if (admission.admitted) ledger = admission.ledger;
        }
        if (what !== 'start' && inFlight(ledger).includes(cluster)) ledger = settled(ledger, cluster, what);
        if (wasSpent) spent += 1;
        expect(Object.keys(ledger.failed).length).toBeLessThanOrEqual(budget + concurrency);
      }
    }),
  );
  expect(spent).toBeGreaterThan(0);
});

test('the first result of a cluster stays', () => {
  const started = admit(newLedger('rollout-1', 0), 'beta-1', NOW);
  if (!started.admitted) throw new Error('the first cluster is admitted');

  const failed = settled(started.ledger, 'beta-1', 'fail');

  expect(settled(failed, 'beta-1', 'succeed')).toEqual(failed);
  expect(settled(failed, 'beta-1', 'fail')).toEqual(failed);
});

function settled(ledger: Parameters<typeof settle>[0], cluster: string, what: string): ReturnType<typeof settle> {
  const execution = `update-${cluster}`;
  if (what === 'fail') return settle(ledger, cluster, { outcome: 'failed', execution, error: 'DeadlineError', cause: 'not ready' });
  return settle(ledger, cluster, { outcome: 'succeeded', execution, backup: null, seconds: 60 });
}
