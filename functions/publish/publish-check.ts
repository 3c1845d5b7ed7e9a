import * as z from 'zod';
import { publicationOf } from '#domain/check-publication.ts';
import { hashOf } from '#domain/hash.ts';
import { keys } from '#domain/names.ts';
import { type CheckRef, WantedCheck } from '#model/checks.ts';
import { ConflictError } from '#model/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { GitHub } from '#ports/github.ts';
import type { ObjectStore } from '#ports/objects.ts';

/** What GitHub has of a check: `checks/<sha>/<slug>.published.json`. */
const Published = z.object({ id: z.int(), hash: z.string(), execution: z.string().nullable(), annotations: z.int() });
type Published = z.infer<typeof Published>;

export interface PublishPorts {
  readonly objects: ObjectStore;
  readonly github: GitHub;
  readonly clock: Clock;
  /** Address for people of an execution of a check. */
  readonly link: (wanted: WantedCheck) => string | undefined;
}

/**
 * Brings one check to GitHub: creates the run for a new attempt, else updates it; nothing when GitHub has this state
 * already. Only the publisher calls it, one repository at a time, so that order and rate hold by construction.
 * Answers true when something was sent.
 */
export async function publishCheck(ref: CheckRef, ports: PublishPorts): Promise<boolean> {
  const stored = await ports.objects.get(keys.check(ref.sha, ref.name));
  if (stored === undefined) return false;
  const wanted = WantedCheck.parse(JSON.parse(stored.body));
  const key = keys.publishedCheck(ref.sha, ref.name);
  const known = await ports.objects.get(key);
  const published = known === undefined ? undefined : Published.parse(JSON.parse(known.body));
  const hash = hashOf(wanted);
  if (published?.hash === hash) return false;

  const execution = wanted.execution ?? null;
  // A completed run is history: a new attempt gets a run of its own.
  const current = published !== undefined && published.execution === execution ? published : undefined;
  const next = await send(wanted, current, ports);
  const record: Published = { ...next, hash, execution };
  const body = JSON.stringify(record);
  const kept = known === undefined ? await ports.objects.putIfAbsent(key, body) : await ports.objects.putIfMatch(key, body, known.etag);
  if (!kept) throw new ConflictError(`another publisher wrote ${key}; the check is published again`);
  return true;
}

async function send(
  wanted: WantedCheck,
  current: Published | undefined,
  ports: PublishPorts,
): Promise<{ id: number; annotations: number }> {
  const requests = publicationOf(wanted, ports.link(wanted), ports.clock.now());
  const { repository } = wanted.ref;
  let id = current?.id;
  for (const [index, request] of requests.entries()) {
    // GitHub appends the annotations of each update: those that it has are not sent again.
    const known = current !== undefined && current.annotations >= wanted.findings.length;
    const { annotations, ...rest } = request;
    const body = known || annotations === undefined ? rest : request;
    if (id === undefined) id = await ports.github.createCheckRun(repository, body);
    else if (index === 0 || !known) await ports.github.updateCheckRun(repository, id, body);
  }
  if (id === undefined) throw new ConflictError('no request was made for a check');
  return { id, annotations: wanted.findings.length };
}
