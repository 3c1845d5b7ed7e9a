import * as z from 'zod';
import { InputError } from '#model/errors.ts';
import { RehearsalResult, RehearsalSubject, RehearsedBackup } from '#model/rehearsal.ts';
import type { Reach } from '#ports/reach.ts';

/** All of a call that goes on; what else the state holds stays. */
const Call = z.object({
  step: z.literal('prove-upgrade'),
  machine: z.string(),
  state: z.string(),
  execution: z.string(),
  startedAt: z.string(),
  input: RehearsalSubject.pick({ cluster: true, to: true }).extend({ checkRehearsal: RehearsedBackup }),
});

/**
 * Has the cluster's account rehearse an upgrade. Of the state only the cluster, what the signed manifest says of the backup and the two
 * versions of the pull request go there, each by its schema.
 * @throws InputError when the state lacks one of them or has it in another shape, or the answer has; the step's own error by its name
 */
export async function askAccount(call: unknown, { reach }: { readonly reach: Reach }): Promise<RehearsalResult> {
  const parsed = Call.safeParse(call);
  if (!parsed.success) throw new InputError(`not a call for a rehearsal: ${z.prettifyError(parsed.error)}`);
  const { cluster } = parsed.data.input;
  const answer = RehearsalResult.safeParse(await reach.invoke(cluster, 'rehearsal', parsed.data, parsed.data.execution));
  if (answer.success) return answer.data;
  throw new InputError(
    `${parsed.data.step} answered in another shape: ${z.prettifyError(answer.error)}. The account's functions are of another version; deploy its bootstrap stack again`,
  );
}
