import { keys } from '#domain/names.ts';
import { CancelledError, ConflictError } from '#model/errors.ts';
import { type CancelMarker, PullRequestTurn } from '#model/records.ts';
import type { Clock } from '#ports/clock.ts';
import type { Executions } from '#ports/executions.ts';
import type { ObjectStore } from '#ports/objects.ts';

export interface TurnPorts {
  readonly objects: ObjectStore;
  readonly executions: Executions;
  readonly clock: Clock;
}

/** The record as it was before GitHub was read: who writes it after others did read GitHub too early and reads anew. */
export interface SeenTurn {
  readonly known: PullRequestTurn | undefined;
  readonly etag: string | undefined;
}

export async function seeTurn(objects: ObjectStore, number: number): Promise<SeenTurn> {
  const stored = await objects.get(keys.pullRequest(number));
  if (stored === undefined) return { known: undefined, etag: undefined };
  return { known: PullRequestTurn.parse(JSON.parse(stored.body)), etag: stored.etag };
}

/** @throws ConflictError when another execution wrote in between: what this one read of GitHub may be old */
export async function writeTurn(objects: ObjectStore, seen: SeenTurn, next: PullRequestTurn): Promise<SeenTurn> {
  const key = keys.pullRequest(next.number);
  const body = JSON.stringify(next);
  const written = seen.etag === undefined ? await objects.putIfAbsent(key, body) : await objects.putIfMatch(key, body, seen.etag);
  if (!written) throw new ConflictError(`another execution took its turn with #${next.number}; it is read again`);
  return seeTurn(objects, next.number);
}

/** Says what the attempt that has the turn checks. @throws CancelledError when it has lost the turn */
export async function nameWork(objects: ObjectStore, number: number, execution: string, work: string): Promise<void> {
  const seen = await seeTurn(objects, number);
  if (seen.known?.execution !== execution) throw new CancelledError(`superseded by ${seen.known?.execution ?? 'nobody'}`);
  if (seen.known.work !== work) await writeTurn(objects, seen, { ...seen.known, work });
}

/** Whether the recorded execution still works: it runs, and nobody has cancelled it. */
export async function stillWorks(execution: string | undefined, { objects, executions }: TurnPorts): Promise<boolean> {
  if (execution === undefined) return false;
  const found = await executions.describe('pull-request', execution);
  return found?.status === 'RUNNING' && (await objects.get(keys.cancel(execution))) === undefined;
}

/** Leads a running execution, and what it started, to its clean-up. The first reason stays. */
export async function cancelRun(execution: string, what: Pick<CancelMarker, 'by' | 'reason'>, ports: TurnPorts): Promise<void> {
  const marker: CancelMarker = { execution, ...what, at: ports.clock.now().toISOString() };
  await ports.objects.putIfAbsent(keys.cancel(execution), JSON.stringify(marker));
}
