import * as z from 'zod';
import { ANNOTATIONS_PER_REQUEST, type Publication, plainPublication, publicationOf } from '#domain/check-publication.ts';
import { hashOf } from '#domain/hash.ts';
import { keys } from '#domain/names.ts';
import { type CheckRef, WantedCheck } from '#model/checks.ts';
import { ConflictError, RefusedError } from '#model/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { CheckRunRequest, GitHub } from '#ports/github.ts';
import type { ObjectStore } from '#ports/objects.ts';

/** What GitHub has of a check: `checks/<sha>/<slug>.published.json`. `hash` is null while not all of it was sent. */
const Published = z.object({ id: z.int(), hash: z.string().nullable(), execution: z.string().nullable(), annotations: z.int() });
type Published = z.infer<typeof Published>;

export interface PublishPorts {
  readonly objects: ObjectStore;
  readonly github: GitHub;
  readonly clock: Clock;
  /** Resolves when GitHub may be written to again. */
  readonly pace: () => Promise<void>;
  /** Address for people of an execution of a check. */
  readonly link: (wanted: WantedCheck) => string | undefined;
  /** Told of what GitHub refuses for its content. @param shown whether the check says so on GitHub, in its plainest form */
  readonly refused: (ref: CheckRef, reason: string, shown: boolean) => void;
}

/**
 * Brings one check to GitHub: creates the run for a new attempt, else updates it; nothing when GitHub has this state
 * already. What was sent is noted after each request, so that a try that was lost goes on and sends nothing twice. Only the
 * publisher calls it, one repository at a time, so that order and rate hold by construction. Answers true when something
 * was sent. @throws TransientError, ConflictError; RefusedError when GitHub does not even take the plainest form;
 * `refused` is told of whatever it refuses
 */
export async function publishCheck(ref: CheckRef, ports: PublishPorts): Promise<boolean> {
  const key = keys.check(ref.sha, ref.name);
  const stored = await ports.objects.get(key);
  if (stored === undefined) return false;
  const wanted = WantedCheck.parse(JSON.parse(stored.body));
  const record = await openRecord(keys.publishedCheck(ref.sha, ref.name), ports.objects);
  const hash = hashOf(wanted);
  if (record.known?.hash === hash) return false;

  const publication = publicationOf(wanted, ports.link(wanted), ports.clock.now());
  const send = new Sending(wanted, record, ports);
  try {
    await send.all(publication);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    await sendPlain(send, plainPublication(publication, error.message, key), error.message, ref, ports);
  }
  await send.done(hash);
  return true;
}

async function sendPlain(send: Sending, plain: CheckRunRequest, reason: string, ref: CheckRef, ports: PublishPorts): Promise<void> {
  try {
    await send.one(plain);
    ports.refused(ref, reason, true);
  } catch (error) {
    if (error instanceof RefusedError) ports.refused(ref, `${reason}; in its plainest form: ${error.message}`, false);
    throw error;
  }
}

interface PublishedRecord {
  readonly known: Published | undefined;
  /** @throws ConflictError when another publisher wrote */
  write(next: Published): Promise<void>;
}

async function openRecord(key: string, objects: ObjectStore): Promise<PublishedRecord> {
  const first = await objects.get(key);
  let etag = first?.etag;
  return {
    known: first === undefined ? undefined : Published.parse(JSON.parse(first.body)),
    async write(next) {
      const body = JSON.stringify(next);
      const kept = etag === undefined ? await objects.putIfAbsent(key, body) : await objects.putIfMatch(key, body, etag);
      const after = await objects.get(key);
      if (!kept || after?.body !== body) throw new ConflictError(`another publisher wrote ${key}; the check is published again`);
      etag = after.etag;
    },
  };
}

/** One check on its way: the run of its attempt, and how many annotations that has. */
class Sending {
  readonly #wanted: WantedCheck;
  readonly #record: PublishedRecord;
  readonly #ports: PublishPorts;
  #run: { readonly id: number; readonly annotations: number } | undefined;

  constructor(wanted: WantedCheck, record: PublishedRecord, ports: PublishPorts) {
    this.#wanted = wanted;
    this.#record = record;
    this.#ports = ports;
    // A completed run is history: a new attempt gets a run of its own.
    this.#run = record.known?.execution === (wanted.execution ?? null) ? record.known : undefined;
  }

  /** GitHub appends the annotations of each request: those that it has are not sent again. */
  async all({ request, annotations }: Publication): Promise<void> {
    this.#run ??= await this.#adopted();
    const sent = this.#run?.annotations ?? 0;
    await this.one(request, annotations.slice(sent, sent + ANNOTATIONS_PER_REQUEST));
    for (let start = sent + ANNOTATIONS_PER_REQUEST; start < annotations.length; start += ANNOTATIONS_PER_REQUEST) {
      await this.#note(null);
      await this.one(request, annotations.slice(start, start + ANNOTATIONS_PER_REQUEST));
    }
  }

  async one(request: CheckRunRequest, annotations: CheckRunRequest['annotations'] = []): Promise<void> {
    const { repository } = this.#wanted.ref;
    const body = annotations.length === 0 ? request : { ...request, annotations };
    await this.#ports.pace();
    const before = this.#run;
    const id = before?.id ?? (await this.#ports.github.createCheckRun(repository, body));
    if (before !== undefined) await this.#ports.github.updateCheckRun(repository, id, body);
    this.#run = { id, annotations: (before?.annotations ?? 0) + annotations.length };
  }

  async done(hash: string): Promise<void> {
    await this.#note(hash);
  }

  async #note(hash: string | null): Promise<void> {
    if (this.#run === undefined) throw new ConflictError('no request was made for a check');
    await this.#record.write({ ...this.#run, hash, execution: this.#wanted.execution ?? null });
  }

  /** The run of this attempt that a try made which ended before it could note so. */
  async #adopted(): Promise<{ id: number; annotations: number } | undefined> {
    const { ref, execution } = this.#wanted;
    if (execution === undefined) return undefined;
    return this.#ports.github.findCheckRun(ref.repository, ref.sha, ref.name, execution);
  }
}
