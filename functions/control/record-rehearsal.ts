import * as z from 'zod';
import { keys } from '#domain/names.ts';
import { rehearsalHash } from '#domain/rehearsal.ts';
import { changeObject } from '#facts/stored.ts';
import { RehearsalRecord, RehearsalResult, RehearsalSubject } from '#model/rehearsal.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly clock: Clock;
}

/**
 * Keeps what a rehearsal came to, by its backup and versions. One that passed or failed stays when nobody could try it later: that
 * says nothing against either. @throws ConflictError, InputError when what is there can't be read
 */
export const recordRehearsal = defineStep({
  name: 'record-rehearsal',
  input: RehearsalSubject.extend({ proveUpgrade: RehearsalResult }),
  output: z.object({ key: z.string(), outcome: RehearsalResult.shape.outcome }),
  async run({ proveUpgrade: result, ...subject }, { objects, clock }: Ports, { execution }) {
    const key = keys.rehearsal(rehearsalHash(subject));
    const { cluster, backup, from, to } = subject;
    const record: RehearsalRecord = { ...result, cluster: cluster.name, backup, from, to, at: clock.now().toISOString(), execution };
    const kept = await changeObject(objects, key, RehearsalRecord, (known) => {
      if (known?.execution === execution) return undefined;
      const tried = known !== undefined && known.outcome !== 'not-rehearsed';
      return tried && record.outcome === 'not-rehearsed' ? undefined : record;
    });
    return { key, outcome: kept?.outcome ?? record.outcome };
  },
});
