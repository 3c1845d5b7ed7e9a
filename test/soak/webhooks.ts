import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { histories, play } from '../support/webhook-histories.ts';

const RUNS = Number(process.env['SOAK_RUNS'] ?? 1000);

/**
 * Histories of a pull request with its webhooks permuted, repeated, lost and delivered again, through the real webhook,
 * machines and steps: after all of them (against the same history in order), and in between. PROPERTY_SEED repeats a run.
 */
export async function webhooks(tell: (line: string) => void): Promise<void> {
  const seed = Number(process.env['PROPERTY_SEED'] ?? Date.now() % 2 ** 31);
  tell(`seed ${seed}, ${RUNS} histories each`);
  let clusters = 0;
  await fc.assert(
    fc.asyncProperty(histories({ min: 100, max: 100 }), async (history) => {
      const ending = await play(history);
      const inOrder = await play({ ...history, arrivals: [{ late: 100, order: 0, copies: 1, pause: 0 }] });
      clusters += ending.clusters;
      if (!isDeepStrictEqual(ending, inOrder)) throw new Error(`${JSON.stringify(ending)} in order: ${JSON.stringify(inOrder)}`);
    }),
    { numRuns: RUNS, seed },
  );
  tell(`delivered after all of it: ${RUNS} histories end as in order, ${clusters} e2e clusters, none leaked`);
  clusters = 0;
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(histories({ min: 0, max: 4 }), async (history) => {
      const ending = await play(history);
      clusters += ending.clusters;
      runs += ending.runs;
    }),
    { numRuns: RUNS, seed },
  );
  tell(
    `delivered in between: ${RUNS} histories end with the check of the last head, ${clusters} e2e clusters, ${runs} tested to the end, none twice, none leaked`,
  );
}
