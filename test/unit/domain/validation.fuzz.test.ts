import { describe, expect, it } from 'vitest';
import { bombCases, MOST_RSS_MEGABYTES, nonsenseCases, runFuzz, wrongOf } from '../../support/fuzz.ts';

const SEED = 20_180_917;

describe('any text in the place of a file', () => {
  it('gives findings or success, in time and memory, and leaves no trace: each bomb', async () => {
    const cases = bombCases(1);

    const run = await runFuzz(cases, 280);

    expect(wrongOf(run)).toEqual([]);
    expect(run.told).toHaveLength(cases.length);
    expect(run.told.filter(({ findings }) => findings > 0).length).toBeGreaterThan(cases.length / 2);
    expect(run.maxRssMegabytes).toBeLessThan(MOST_RSS_MEGABYTES);
  }, 300_000);

  it('gives findings or success, in time and memory, and leaves no trace: nonsense by seeds', async () => {
    const run = await runFuzz(nonsenseCases(SEED, 60), 280);

    expect(wrongOf(run)).toEqual([]);
    expect(run.told).toHaveLength(60);
  }, 300_000);
});
