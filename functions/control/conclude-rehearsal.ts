import * as z from 'zod';
import { readCaught } from '#domain/caught.ts';
import { timeText } from '#domain/duration.ts';
import { keys } from '#domain/names.ts';
import { rehearsalHash } from '#domain/rehearsal.ts';
import { backupText, notRehearsedLine, passedOverText, rehearsalFailure, rehearsalLine, versionsText } from '#domain/rehearsal-text.ts';
import { attempt } from '#facts/known.ts';
import { readObject } from '#facts/stored.ts';
import { RehearsalFailedError } from '#model/errors.ts';
import { ExecutionName } from '#model/primitives.ts';
import { Advance } from '#model/progress.ts';
import { RehearsalRecord, RehearsalSubject } from '#model/rehearsal.ts';
import type { Clock } from '#ports/clock.ts';
import type { ExecutionStatus, Executions } from '#ports/executions.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly executions: Executions;
  readonly clock: Clock;
}

/** Seconds between two looks at a rehearsal that is under way; e2e has mostly taken longer. */
const LOOK_AGAIN_SECONDS = 5;

const Begun = z.object({
  decision: z.enum(['started', 'known', 'none']),
  reason: z.string(),
  subject: RehearsalSubject.nullable(),
  passedOver: z.string().default(''),
  execution: ExecutionName.nullable(),
});

/**
 * Waits for the rehearsal that was started and says what came of it, as a line for the check. Whatever kept it from being made is
 * told as not rehearsed, and is no success and no failure; what an earlier one of the same found stands then.
 * @throws RehearsalFailedError with what was found, when the backup does not bear the versions; TransientError
 */
export const concludeRehearsal = defineStep({
  name: 'conclude-rehearsal',
  input: z.object({ beginRehearsal: Begun }),
  output: Advance.extend({ outcome: z.enum(['passed', 'not-rehearsed']).nullable(), line: z.string() }),
  async run({ beginRehearsal: begun }, { objects, executions, clock }: Ports) {
    const { subject, execution } = begun;
    const now = clock.now();
    if (subject === null) return unknown(notRehearsedLine(begun.reason));
    const { cluster, backup, from, to } = subject;
    const what = `${versionsText(from, to)} on ${backupText({ cluster: cluster.name, backup }, now)}`;
    const also = passedOverText(begun.passedOver);
    const status = execution === null ? undefined : await executions.describe('rehearse-upgrade', execution);
    if (status?.status === 'RUNNING')
      return { done: false, waitSeconds: LOOK_AGAIN_SECONDS, reason: `rehearses ${what}`, outcome: null, line: '' };
    const why = execution === null || status?.status === 'SUCCEEDED' ? undefined : whyNot(status, execution);
    const key = keys.rehearsal(rehearsalHash(subject));
    const read = await attempt(key, () => readObject(objects, key, RehearsalRecord));
    const record = read.known ? read.value : undefined;
    const own = record !== undefined && record.execution === execution;
    // It stands until one of the same is tried again; that none could be says nothing against it.
    if (record?.outcome === 'failed') {
      const again = own ? '' : `\n\n${foundBefore(record, why ?? (execution === null ? begun.reason : undefined))}`;
      throw new RehearsalFailedError(`${rehearsalFailure(record, now)}${again}${also === '' ? '' : `\n\n${also.trimStart()}`}`);
    }
    if (record?.outcome === 'passed') return { ...told(`${rehearsalLine(record, !own, now)}${also}`), outcome: 'passed' as const };
    if (why !== undefined) return unknown(`${notRehearsedLine(why, what)}${also}`);
    if (record === undefined) {
      const gone = `its record ${read.known ? `${key} is not there` : `can't be read: ${read.what}`}`;
      return unknown(`${notRehearsedLine(gone, what)}${also}`);
    }
    return unknown(`${rehearsalLine(record, !own, now)}${also}`);
  },
});

function told(line: string) {
  return { done: true, waitSeconds: 0, reason: 'rehearsed', line };
}

function unknown(line: string) {
  return { ...told(line), reason: 'not rehearsed', outcome: 'not-rehearsed' as const };
}

/** That an earlier one found it. @param why there is none that is newer; absent where the execution itself ended well */
function foundBefore({ at, execution }: RehearsalRecord, why = 'what was tried came to nothing newer'): string {
  return `Found at ${timeText(at)} by \`${execution}\`; it stands, for it was not tried again since: ${why}`;
}

function whyNot(status: ExecutionStatus | undefined, execution: string): string {
  if (status === undefined) return `its execution \`${execution}\` is not there`;
  if (status.status === 'TIMED_OUT') return `\`${execution}\` ran past its time limit`;
  if (status.status === 'ABORTED') return `\`${execution}\` was stopped from outside`;
  const { message } = readCaught({ Error: status.error ?? status.status, Cause: status.cause ?? '' });
  return `\`${execution}\` failed: ${message.slice(0, 500)}`;
}
