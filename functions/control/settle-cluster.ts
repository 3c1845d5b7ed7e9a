import * as z from 'zod';
import { readCaught } from '#domain/caught.ts';
import { type Settlement, settle } from '#domain/ledger.ts';
import { keys } from '#domain/names.ts';
import { changeObject } from '#facts/stored.ts';
import { NotFoundError } from '#model/errors.ts';
import { ExecutionName } from '#model/primitives.ts';
import { Ledger } from '#model/records.ts';
import { CaughtState } from '#model/rollout.ts';
import { ClusterRef } from '#model/settings.ts';
import type { Clock } from '#ports/clock.ts';
import type { Executions } from '#ports/executions.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly executions: Executions;
  readonly clock: Clock;
}

/** A cause in the ledger: enough to act on; the whole is in the execution's history. */
const CAUSE_LIMIT = 1000;

const Input = z.object({
  outcome: z.enum(['succeeded', 'failed']),
  cluster: ClusterRef,
  executionName: ExecutionName,
  rolloutId: z.string(),
  update: z.object({ output: z.object({ backup: z.object({ id: z.string() }).nullish() }).nullish() }).nullish(),
  error: CaughtState.optional(),
});

/** Records in the ledger how a cluster ended. The first result stays, so that a repeat changes nothing. */
export const settleCluster = defineStep({
  name: 'settle-cluster',
  input: Input,
  output: z.object({ outcome: z.enum(['succeeded', 'failed']) }),
  async run(input, { objects, executions, clock }: Ports) {
    const outcome = input.outcome === 'failed' && (await hadSucceeded(input, executions)) ? 'succeeded' : input.outcome;
    const now = clock.now();
    const ledger = await changeObject(objects, keys.rollout(input.rolloutId, 'ledger'), Ledger, (known) => {
      if (known === undefined) throw new NotFoundError(`rollout ${input.rolloutId} has no ledger; it was never planned`);
      return settle(known, input.cluster.name, settlementOf(input, outcome, known, now));
    });
    return { outcome: ledger?.succeeded[input.cluster.name] === undefined ? ('failed' as const) : ('succeeded' as const) };
  },
});

/** The name was taken: an earlier attempt of this very work ran. What it came to counts. */
async function hadSucceeded({ error, executionName }: z.infer<typeof Input>, executions: Executions): Promise<boolean> {
  if (error === undefined || !error.Error.includes('ExecutionAlreadyExists')) return false;
  return (await executions.describe('update-cluster', executionName))?.status === 'SUCCEEDED';
}

function settlementOf(input: z.infer<typeof Input>, outcome: 'succeeded' | 'failed', ledger: Ledger, now: Date): Settlement {
  const execution = input.executionName;
  if (outcome === 'succeeded') {
    const started = ledger.started[input.cluster.name];
    const seconds = started === undefined ? 0 : Math.max(0, (now.getTime() - Date.parse(started)) / 1000);
    return { outcome, execution, backup: input.update?.output?.backup?.id ?? null, seconds };
  }
  const { name, message } = input.error === undefined ? { name: 'Unknown', message: 'no error was passed on' } : readCaught(input.error);
  return { outcome, execution, error: name, cause: message.slice(0, CAUSE_LIMIT) };
}
