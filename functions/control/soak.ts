import * as z from 'zod';
import { durationText } from '#domain/duration.ts';
import { isBudgetSpent } from '#domain/ledger.ts';
import { keys } from '#domain/names.ts';
import { soakLook, soakWaitSeconds } from '#domain/soak.ts';
import { lookAgainSeconds } from '#domain/wait-pace.ts';
import { runsRevision } from '#domain/waves.ts';
import { readRecord } from '#facts/fleet.ts';
import { changeObject, readObject } from '#facts/stored.ts';
import { DeadlineError } from '#model/errors.ts';
import { Advance, advanced, waiting } from '#model/progress.ts';
import { Halt, type Ledger } from '#model/records.ts';
import { SoakRecord, type WaveItem } from '#model/rollout.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { readInputs, readLedger, readNewer, readWave } from './rollout-facts.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

/** A soak may take this many times its length, and an hour at least, before it is given up as never healthy. */
const PATIENCE = 5;
const LEAST_PATIENCE_SECONDS = 60 * 60;

/**
 * Lets a wave soak: the clock runs only while healthy (each updated cluster still at its revision, the budget not spent,
 * the fleet not halted). A newer rollout ends the soak: nothing more of this one starts, and it proves nothing.
 * @throws DeadlineError when it does not get healthy for long enough
 */
export const soak = defineStep({
  name: 'soak',
  input: z.object({ planWaves: z.object({ rolloutId: z.string() }), nextWave: z.object({ index: z.int() }) }),
  output: Advance.extend({ waitSeconds: z.int().min(0).max(1800), overtaken: z.boolean() }),
  async run({ planWaves: { rolloutId }, nextWave: { index } }, { objects, clock }: Ports) {
    const inputs = await readInputs(objects, rolloutId);
    const length = inputs.waves[index]?.soakSeconds ?? 0;
    if (length === 0) return { ...advanced('no soak'), overtaken: false };
    const newer = await readNewer(objects, inputs);
    if (newer !== null) return { ...advanced(`the newer rollout ${newer} took over`), overtaken: true };
    const unhealthy = await reasonUnhealthy(await readWave(objects, rolloutId, index), await readLedger(objects, rolloutId), objects);
    const now = clock.now();
    const state = await changeObject(objects, keys.rollout(rolloutId, `soak-${index}`), SoakRecord, (known) => ({
      ...soakLook(known, unhealthy === undefined, now, length),
      since: known?.since ?? now.toISOString(),
    }));
    if (state === undefined) throw new DeadlineError('the soak left no record; re-run the rollout');
    if (state.healthySeconds >= length) return { ...advanced(`healthy for ${durationText(state.healthySeconds)}`), overtaken: false };
    const passed = (now.getTime() - Date.parse(state.since)) / 1000;
    const text = `healthy for ${durationText(state.healthySeconds)} of ${durationText(length)}`;
    if (unhealthy === undefined) return { ...waiting(soakWaitSeconds(state, length), text), overtaken: false };
    if (passed > Math.max(LEAST_PATIENCE_SECONDS, PATIENCE * length)) {
      throw new DeadlineError(`${unhealthy}; ${text} after ${durationText(passed)}`);
    }
    return {
      ...waiting(
        Math.max(soakWaitSeconds(state, length), lookAgainSeconds(1, new Date(state.since), now)),
        `the soak stands still: ${unhealthy} (${text})`,
      ),
      overtaken: false,
    };
  },
});

/** undefined while healthy. */
async function reasonUnhealthy(items: readonly WaveItem[], ledger: Ledger, objects: ObjectStore): Promise<string | undefined> {
  if (isBudgetSpent(ledger)) return `failed: ${Object.keys(ledger.failed).join(', ')}`;
  const halt = await readObject(objects, keys.halt(), Halt);
  if (halt?.halted === true) return `the fleet is halted by ${halt.by}: ${halt.reason}`;
  const updated = items.filter(({ cluster }) => ledger.succeeded[cluster.name] !== undefined);
  const records = await Promise.all(updated.map(async (item) => ({ item, record: await readRecord(objects, item.cluster.name) })));
  const moved = records.filter(({ item, record }) => !runsRevision(record, item.revision)).map(({ item }) => item.cluster.name);
  return moved.length === 0 ? undefined : `not at its revision any more: ${moved.join(', ')}`;
}
