import { setTimeout as delay } from 'node:timers/promises';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { keys } from '#domain/names.ts';
import { type CheckRef, type ProgressLine, WantedCheck } from '#model/checks.ts';
import { ConflictError } from '#model/errors.ts';
import type { Checks, CheckUpdate } from '#ports/checks.ts';
import type { Clock } from '#ports/clock.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { mapAwsError } from '../aws/errors.ts';

/** Attempts of one compare-and-swap on a check that many steps of a rollout write at once. */
const ATTEMPTS = 12;
/** Pause after a lost swap, random and growing up to this, so that writers that met once don't meet again. */
const LONGEST_PAUSE_MS = 400;

export type Announce = (ref: CheckRef) => Promise<void>;

/** Tells the publisher by SQS FIFO, one group a repository, that a check's wanted state changed. */
export function createAnnounce(queueUrl: string, region: string): Announce {
  const client = new SQSClient({ region });
  return async (ref) => {
    const command = new SendMessageCommand({
      QueueUrl: queueUrl,
      MessageBody: JSON.stringify(ref),
      MessageGroupId: `${ref.repository.owner}-${ref.repository.name}`.slice(0, 128),
      MessageDeduplicationId: crypto.randomUUID(),
    });
    await client.send(command).catch((error: unknown) => {
      throw mapAwsError(error, `announce the check ${ref.name}`);
    });
  };
}

/** Wanted checks as objects, each change by compare-and-swap, then announced. */
export function createChecks(objects: ObjectStore, announce: Announce, clock: Clock): Checks {
  return {
    async want(update) {
      await change(objects, update.ref, (known) => (isOlder(update, known) ? undefined : merged(known, update, clock.now().toISOString())));
      // Clean-up of an execution that failed early, or ended from outside, finds its check here.
      if (update.execution !== undefined) await objects.putIfAbsent(keys.checkOfExecution(update.execution), JSON.stringify(update.ref));
      await announce(update.ref);
    },
    async progress(ref, line) {
      const changed = await change(objects, ref, (known) => withLine(known, line));
      if (changed) await announce(ref);
    },
    async note(ref, note) {
      const changed = await change(objects, ref, (known) => (known === undefined ? undefined : withNote(known, note)));
      if (changed) await announce(ref);
    },
  };
}

async function change(
  objects: ObjectStore,
  ref: CheckRef,
  next: (known: WantedCheck | undefined) => WantedCheck | undefined,
): Promise<boolean> {
  const key = keys.check(ref.sha, ref.name);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const stored = await objects.get(key);
    const wanted = next(stored === undefined ? undefined : WantedCheck.parse(JSON.parse(stored.body)));
    if (wanted === undefined) return false;
    const body = JSON.stringify(wanted);
    if (stored?.body === body) return false;
    const written = stored === undefined ? await objects.putIfAbsent(key, body) : await objects.putIfMatch(key, body, stored.etag);
    if (written) return true;
    await delay(Math.random() * LONGEST_PAUSE_MS * ((attempt + 1) / ATTEMPTS));
  }
  throw new ConflictError(`the check ${ref.name} of ${ref.sha} is written by too many at once; the step is tried again`);
}

/** An attempt that a newer one has replaced may still write: to the same check of the same head, when only the base moved. */
function isOlder(update: CheckUpdate, known: WantedCheck | undefined): boolean {
  return update.generation !== undefined && known?.generation !== undefined && update.generation < known.generation;
}

/** A new attempt (another execution) begins with no progress; the same execution keeps it. */
function merged(known: WantedCheck | undefined, update: CheckUpdate, now: string): WantedCheck {
  const sameAttempt = known !== undefined && (update.execution === undefined || known.execution === update.execution);
  const execution = update.execution ?? known?.execution;
  const text = update.text ?? (sameAttempt ? known.text : undefined);
  const generation = update.generation ?? known?.generation;
  return {
    ref: update.ref,
    status: update.status,
    ...(update.conclusion === undefined ? {} : { conclusion: update.conclusion }),
    title: update.title,
    summary: update.summary,
    ...(text === undefined ? {} : { text }),
    findings: update.findings === undefined ? (sameAttempt ? known.findings : []) : [...update.findings],
    progress: sameAttempt ? known.progress : [],
    ...(execution === undefined ? {} : { execution }),
    ...(generation === undefined ? {} : { generation }),
    startedAt: sameAttempt ? known.startedAt : now,
    ...(update.status === 'completed' ? { completedAt: now } : {}),
  };
}

/** Between what a check says and the note below it. */
const NOTE_RULE = '\n\n---\n\n';

function withNote(known: WantedCheck, note: string): WantedCheck {
  return { ...known, summary: `${known.summary.split(NOTE_RULE)[0]}${NOTE_RULE}${note}` };
}

/** undefined when there is nothing to write. */
function withLine(known: WantedCheck | undefined, line: ProgressLine): WantedCheck | undefined {
  if (known === undefined || known.status === 'completed') return undefined;
  const index = known.progress.findIndex((entry) => entry.execution === line.execution && entry.step === line.step);
  const before = index === -1 ? undefined : known.progress[index];
  if (before !== undefined && before.state === line.state && before.reason === line.reason) return undefined;
  // A step that waits is asked again and again: that it looks once more is no news, and "since" stays true.
  if (before?.state === 'waiting' && line.state === 'running') return undefined;
  // A line keeps the time at which its state began, so that "since" is true.
  const progress = index === -1 ? [...known.progress, line] : known.progress.with(index, line);
  return { ...known, progress };
}
