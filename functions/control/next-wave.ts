import * as z from 'zod';
import { InputError } from '#model/errors.ts';
import { WaveItem } from '#model/rollout.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { readInputs, readWave, waveKey } from './rollout-facts.ts';

/** Step Functions takes 262,144 bytes of state; the rest of the state has the remainder. */
const ITEMS_LIMIT_BYTES = 200_000;

/** The wave after the one before, with its clusters for the Map; `more` is false after the last. */
export const nextWave = defineStep({
  name: 'next-wave',
  input: z.object({ planWaves: z.object({ rolloutId: z.string() }), nextWave: z.object({ index: z.int() }).optional() }),
  output: z.object({
    index: z.int(),
    more: z.boolean(),
    name: z.string(),
    bucketKey: z.string().nullable(),
    maxConcurrency: z.int().min(1),
    size: z.int(),
    items: z.array(WaveItem),
  }),
  async run({ planWaves: { rolloutId }, nextWave: last }, { objects }: { objects: ObjectStore }) {
    const index = (last?.index ?? -1) + 1;
    const wave = (await readInputs(objects, rolloutId)).waves[index];
    if (wave === undefined) return { index, more: false, name: '', bucketKey: null, maxConcurrency: 1, size: 0, items: [] };
    const items = await readWave(objects, rolloutId, index);
    const bytes = Buffer.byteLength(JSON.stringify(items));
    if (bytes > ITEMS_LIMIT_BYTES) {
      throw new InputError(`wave ${wave.name} has ${items.length} clusters, more than one state can carry; split it in the channel file`);
    }
    const { name, maxConcurrency } = wave;
    return { index, more: true, name, bucketKey: waveKey(rolloutId, index), maxConcurrency, size: items.length, items };
  },
});
