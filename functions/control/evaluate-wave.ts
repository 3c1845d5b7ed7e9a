import * as z from 'zod';
import { judgeWave } from '#domain/wave-verdict.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { readInputs, readLedger, readNewer, readWave } from './rollout-facts.ts';

/** How a wave ended, read from the ledger: go on to soak, or halt and why. */
export const evaluateWave = defineStep({
  name: 'evaluate-wave',
  input: z.object({ planWaves: z.object({ rolloutId: z.string() }), nextWave: z.object({ index: z.int() }) }),
  output: z.object({
    verdict: z.enum(['continue', 'halt']),
    failed: z.array(z.string()),
    succeeded: z.int(),
    reason: z.string(),
    /** The newer rollout that took over, or null. */
    supersededBy: z.string().nullable(),
  }),
  async run({ planWaves: { rolloutId }, nextWave: { index } }, { objects }: { objects: ObjectStore }) {
    const [inputs, ledger, items] = await Promise.all([
      readInputs(objects, rolloutId),
      readLedger(objects, rolloutId),
      readWave(objects, rolloutId, index),
    ]);
    return judgeWave(
      items.map(({ cluster }) => cluster.name),
      ledger,
      await readNewer(objects, inputs),
    );
  },
});
