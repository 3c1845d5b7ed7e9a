import * as z from 'zod';
import { readCaught } from '#domain/caught.ts';
import { accessNote, promotionNote, rolloutSucceeded } from '#domain/check-texts.ts';
import { CaughtState } from '#model/rollout.ts';
import type { Checks } from '#ports/checks.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { readInputs, readLedger } from './rollout-facts.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly checks: Checks;
  readonly clock: Clock;
}

/** Ends the check of a rollout that succeeded, with what became of its promotion: opened, refused and why, or broken off. */
export const reportRollout = defineStep({
  name: 'report-rollout',
  input: z.object({
    planWaves: z.object({ rolloutId: z.string() }),
    openPromotion: z.object({ outcome: z.string(), reason: z.string() }).optional(),
    deliverAccess: z.object({ failed: z.int(), reason: z.string() }).optional(),
    error: CaughtState.optional(),
  }),
  output: z.object({ conclusion: z.string() }),
  async run({ planWaves: { rolloutId }, openPromotion, deliverAccess, error }, { objects, checks, clock }: Ports, { execution }) {
    const inputs = await readInputs(objects, rolloutId);
    const ledger = await readLedger(objects, rolloutId);
    const seconds = (clock.now().getTime() - Date.parse(inputs.plannedAt)) / 1000;
    const { channel, revision, check } = inputs.resolved;
    const notes = [accessNote(deliverAccess), promotionNote(openPromotion, error === undefined ? undefined : readCaught(error))];
    const text = rolloutSucceeded(channel ?? '', revision, ledger, seconds, notes.filter(Boolean).join('\n\n'));
    await checks.want({ ref: check, status: 'completed', ...text, execution });
    return { conclusion: text.conclusion };
  },
});
