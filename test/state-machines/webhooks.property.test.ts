import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type History, histories, play } from '../support/webhook-histories.ts';

/** A sample; `npm run soak -- webhooks` plays more. */
const RUNS = 12;

/** Found by the soak: a wish that is refused is noted below the check while its run ends it. */
const NOTED_WHILE_IT_ENDS: History = {
  happenings: [
    { kind: 'base-elsewhere' },
    { kind: 'rerun' },
    { kind: 'refresh' },
    { kind: 'rerun' },
    { kind: 'base-conflict' },
    { kind: 'push', version: 4 },
  ],
  arrivals: [{ late: 100, order: 0, copies: 1, pause: 0 }],
};

/** Milliseconds for a test, beside everything else that a loaded machine does. */
const TIMEOUT = 180_000;

describe('webhooks of a pull request, permuted, repeated, lost and delivered again', () => {
  it(
    'end in the same check with the same number of e2e clusters, and leak none',
    async () => {
      await fc.assert(
        fc.asyncProperty(histories({ min: 100, max: 100 }), async (history) => {
          const inOrder = { ...history, arrivals: [{ late: 100, order: 0, copies: 1, pause: 0 }] };

          expect(await play(history)).toEqual(await play(inOrder));
        }),
        { numRuns: RUNS, examples: [[NOTED_WHILE_IT_ENDS]] },
      );
    },
    TIMEOUT,
  );

  it(
    'between the things they tell of: the last head and base are checked, nothing is tested twice or leaked',
    async () => {
      await fc.assert(
        fc.asyncProperty(histories({ min: 0, max: 4 }), async (history) => {
          const ending = await play(history);

          expect(ending.runs).toBeLessThanOrEqual(ending.clusters);
        }),
        { numRuns: RUNS },
      );
    },
    TIMEOUT,
  );
});
