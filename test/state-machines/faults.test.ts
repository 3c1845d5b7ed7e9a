import { describe, expect, it } from 'vitest';
import { KINDS } from '../support/faults/revisions.ts';
import { baselineOf, play, scenarioOf } from '../support/faults/run.ts';
import { describe as tell } from '../support/faults/tell.ts';

/** A sample; `npm run soak -- faults` plays thousands. */
const SEEDS = Array.from({ length: 5 * KINDS.length }, (_, index) => index + 1);

describe('a crash, a loss or a stop anywhere, then one more run', () => {
  it.each(KINDS)('is played at the states of: %s', async (kind) => {
    const { states } = await baselineOf(kind);

    expect(states.filter(({ task }) => task).length).toBeGreaterThan(8);
    expect(states.some(({ changes }) => changes > 0)).toBe(true);
  });

  it.each(SEEDS)('ends as without it (seed %i)', async (seed) => {
    const told = await play(await scenarioOf(seed));

    expect(told.wrong.length === 0 ? '' : tell(told)).toBe('');
  });
});
