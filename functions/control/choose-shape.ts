import * as z from 'zod';
import { InputError } from '#model/errors.ts';
import { Revision } from '#model/primitives.ts';
import { defineStep } from '#ports/step.ts';

/** How the e2e cluster is made: at the base and then updated, or, where the base has no configuration, from scratch. */
export const chooseShape = defineStep({
  name: 'choose-shape',
  input: z.object({ snapshotConfiguration: z.object({ baseRevision: Revision.nullable(), headRevision: Revision.nullable() }) }),
  output: z.object({ baseRevision: Revision.nullable(), headRevision: Revision, fromScratch: z.boolean() }),
  async run({ snapshotConfiguration: { baseRevision, headRevision } }, _ports: object) {
    if (headRevision === null) throw new InputError('the merge result has no channels/cluster/; there is nothing to run');
    return { baseRevision, headRevision, fromScratch: baseRevision === null };
  },
});
