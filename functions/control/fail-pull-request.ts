import * as z from 'zod';
import { readCaught } from '#domain/caught.ts';
import { pullRequestFailed } from '#domain/check-texts.ts';
import { keys } from '#domain/names.ts';
import { readObject } from '#facts/stored.ts';
import { CheckRef, WantedCheck } from '#model/checks.ts';
import { NotFoundError } from '#model/errors.ts';
import { CaughtState } from '#model/rollout.ts';
import type { Checks } from '#ports/checks.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly checks: Checks;
}

/**
 * Ends the check in red, or as cancelled, with the cause and the first thing to do.
 * @throws NotFoundError when the execution failed before it had begun any check
 */
export const failPullRequest = defineStep({
  name: 'fail-pull-request',
  input: z.object({ readPullRequest: z.object({ check: CheckRef, generation: z.int().optional() }).optional(), error: CaughtState }),
  output: z.object({ conclusion: z.string() }),
  async run({ readPullRequest, error }, { objects, checks }: Ports, { execution }) {
    const ref = readPullRequest?.check ?? (await readObject(objects, keys.checkOfExecution(execution), CheckRef));
    if (ref === undefined) throw new NotFoundError(`${execution} failed before it began a check; nothing is shown on GitHub`);
    const text = pullRequestFailed(readCaught(error));
    if (readPullRequest === undefined) {
      // It failed while it read: meanwhile a newer attempt may have begun this check.
      const known = await readObject(objects, keys.check(ref.sha, ref.name), WantedCheck);
      if (known?.execution !== execution) return { conclusion: 'none' };
    }
    await checks.want({ ref, status: 'completed', ...text, execution, generation: readPullRequest?.generation });
    return { conclusion: text.conclusion };
  },
});
