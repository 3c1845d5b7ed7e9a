import * as z from 'zod';
import { readCaught } from '#domain/caught.ts';
import { type CheckText, e2eFailed, e2eLeaked, e2ePassed } from '#domain/check-texts.ts';
import { CheckRef } from '#model/checks.ts';
import { CaughtState } from '#model/rollout.ts';
import type { Checks } from '#ports/checks.ts';
import { defineStep } from '#ports/step.ts';

const Input = z.object({
  readPullRequest: z.object({ e2eCheck: CheckRef, generation: z.int().optional() }),
  claimSlot: z.object({ cluster: z.object({ name: z.string() }).nullable() }).optional(),
  collectResults: z.object({ passed: z.int(), failed: z.int(), durationSeconds: z.number() }).optional(),
  error: CaughtState.optional(),
  cleanupError: CaughtState.optional(),
});

/** Ends the e2e check: passed, failed or cancelled, or passed with a cluster that could not be deleted. */
export const concludeE2e = defineStep({
  name: 'conclude-e2e',
  input: Input,
  output: z.object({ conclusion: z.string() }),
  async run(input, { checks }: { checks: Checks }, { execution }) {
    const text = textOf(input);
    const { e2eCheck: ref, generation } = input.readPullRequest;
    await checks.want({ ref, status: 'completed', ...text, execution, generation });
    return { conclusion: text.conclusion };
  },
});

function textOf({ claimSlot, collectResults, error, cleanupError }: z.infer<typeof Input>): CheckText {
  const cluster = claimSlot?.cluster?.name ?? null;
  const leak = cleanupError === undefined || cluster === null ? undefined : e2eLeaked(readCaught(cleanupError), cluster);
  if (error !== undefined) {
    const text = e2eFailed(readCaught(error), leak === undefined ? cluster : null);
    return leak === undefined ? text : { ...text, summary: `${text.summary}\n\n${leak.title}. ${leak.summary}` };
  }
  if (leak !== undefined) return leak;
  if (collectResults !== undefined && cluster !== null) return e2ePassed(collectResults, cluster);
  return e2eFailed({ name: 'Unknown', message: 'the run ended without a result' }, cluster);
}
