import * as z from 'zod';
import { readCaught } from '#domain/caught.ts';
import { accessNote, type CheckText, rolloutHalted, rolloutSuperseded } from '#domain/check-texts.ts';
import { keys } from '#domain/names.ts';
import { readObject } from '#facts/stored.ts';
import { CheckRef } from '#model/checks.ts';
import { GitId, RepositoryRef } from '#model/primitives.ts';
import { Ledger } from '#model/records.ts';
import { CaughtState } from '#model/rollout.ts';
import type { Checks } from '#ports/checks.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly checks: Checks;
}

const Input = z.object({
  repository: RepositoryRef,
  commit: GitId,
  resolveRevision: z.object({ rolloutId: z.string(), channel: z.string().nullable(), check: CheckRef }).optional(),
  deliverAccess: z.object({ failed: z.int(), reason: z.string() }).optional(),
  evaluateWave: z.object({ reason: z.string(), supersededBy: z.string().nullable(), verdict: z.string() }).optional(),
  error: CaughtState.optional(),
});

/** Ends the check of a rollout that goes no further: which clusters failed and why, and the first command to run. */
export const haltRollout = defineStep({
  name: 'halt-rollout',
  input: Input,
  output: z.object({ reason: z.string() }),
  async run(input, { objects, checks }: Ports, { execution }) {
    const rolloutId = input.resolveRevision?.rolloutId ?? execution;
    const ledger = await readObject(objects, keys.rollout(rolloutId, 'ledger'), Ledger);
    const { reason, text } = explain(input, rolloutId, ledger);
    const ref = input.resolveRevision?.check ?? { repository: input.repository, sha: input.commit, name: 'sluice / rollout' };
    await checks.want({ ref, status: 'completed', ...text, execution });
    return { reason };
  },
});

function explain(input: z.infer<typeof Input>, rolloutId: string, ledger: Ledger | undefined): { reason: string; text: CheckText } {
  const { error, evaluateWave } = input;
  const by = evaluateWave?.supersededBy ?? null;
  const hasFailed = Object.keys(ledger?.failed ?? {}).length > 0;
  if (error === undefined && by !== null && !hasFailed) return { reason: `superseded by ${by}`, text: rolloutSuperseded(by) };
  const caught = error === undefined ? undefined : readCaught(error);
  const reason = caught === undefined ? (evaluateWave?.reason ?? 'no reason was passed on') : `${caught.message || caught.name}`;
  const text = rolloutHalted(input.resolveRevision?.channel ?? '', reason, ledger, rolloutId, accessNote(input.deliverAccess));
  return { reason, text: caught?.name === 'CancelledError' ? { ...text, conclusion: 'cancelled', title: 'Cancelled' } : text };
}
