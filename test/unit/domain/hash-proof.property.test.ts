import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findRecorded, hashProofRule } from '#domain/hash-proof.ts';

const FILE = { revision: 100, compactRevision: 40 };

/** A member that was compacted at these revisions one after the other, and recorded each but those before `startedAfter`. */
function member(compactions: readonly number[], startedAfter = 0) {
  const asked: number[] = [];
  return {
    asked,
    async ask(revision: number) {
      asked.push(revision);
      const index = compactions.indexOf(revision);
      const newest = compactions.at(-1) ?? -1;
      if (index > 0 && index >= startedAfter) return { hash: revision * 7, compactRevision: compactions[index - 1] ?? -1 };
      return revision < newest ? undefined : { hash: 1, compactRevision: newest };
    },
  };
}

describe('hashProofRule', () => {
  it.each([
    ['scheduled-alpha-1-7-0', 40, 'recorded'],
    ['scheduled-alpha-1-7-0', 2, 'recorded'],
    ['scheduled-alpha-1-7-0', 1, 'computed'],
    ['scheduled-alpha-1-7-0', -1, 'computed'],
    ['b-update-1', 40, 'computed'],
    ['b2-update-1', 40, 'computed'],
    ['by-hand', 40, 'computed'],
    ['not-scheduled-alpha', 40, 'computed'],
  ])('of %s, compacted at %d: %s', (execution, compactRevision, by) => {
    const rule = hashProofRule(execution, compactRevision);

    expect(rule.by).toBe(by);
    expect(rule.why).not.toBe('');
  });
});

describe('findRecorded', () => {
  it('takes the hash of the compaction after the file’s', async () => {
    const { ask, asked } = member([20, 40, 80]);

    expect(await findRecorded(FILE, 80, ask)).toEqual({ found: true, revision: 80, compactRevision: 40, hash: 560 });
    expect(asked).toEqual([80]);
  });

  it('goes back to it when there were more since', async () => {
    const { ask, asked } = member([20, 40, 80, 120, 160]);

    expect(await findRecorded(FILE, 160, ask)).toMatchObject({ found: true, revision: 80 });
    expect(asked).toEqual([160, 120, 80]);
  });

  it.each([
    ['was started since', member([20, 40, 80], 3), 80, 'recorded none at its compaction at 80'],
    ['was started between two compactions', member([20, 40, 80, 120], 3), 120, 'no hash of its compaction at 80 any more'],
    ['was compacted beyond the file', member([20, 40, 101]), 101, 'after what the file has'],
    ['was compacted otherwise than the file', member([20, 30, 80]), 80, 'not compacted at 40'],
    ['was compacted too often', member([40, ...Array.from({ length: 12 }, (_, index) => 41 + index)]), 52, 'more than 10 times'],
  ])('says so when the member %s', async (_, { ask }, from, why) => {
    const found = await findRecorded(FILE, from, ask);

    expect(found.found).toBe(false);
    expect(found).toHaveProperty('why', expect.stringContaining(why));
  });

  it('finds only a hash that the file can have, in at most ten questions', async () => {
    const history = fc.uniqueArray(fc.integer({ min: 2, max: 200 }), { minLength: 2, maxLength: 20 });
    let found = 0;
    await fc.assert(
      fc.asyncProperty(history, fc.nat(19), fc.nat(60), fc.nat(12), async (revisions, at, ahead, startedAfter) => {
        const compactions = revisions.toSorted((left, right) => left - right);
        const index = at % (compactions.length - 1);
        const compactRevision = compactions[index] ?? 0;
        const file = { compactRevision, revision: compactRevision + ahead };
        const { ask, asked } = member(compactions, startedAfter);

        const told = await findRecorded(file, compactions.at(-1) ?? 0, ask);

        expect(asked.length).toBeLessThanOrEqual(10);
        const next = compactions[index + 1] ?? 0;
        const can = next <= file.revision && index + 1 >= startedAfter && compactions.length - 1 - index <= 10;
        expect(told.found).toBe(can);
        if (told.found) expect(told).toEqual({ found: true, revision: next, compactRevision, hash: next * 7 });
        if (told.found) found += 1;
      }),
      { numRuns: 300 },
    );
    expect(found).toBeGreaterThan(30);
  });
});
