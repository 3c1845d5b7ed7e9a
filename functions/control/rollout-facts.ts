import { keys } from '#domain/names.ts';
import { readObject } from '#facts/stored.ts';
import { NotFoundError } from '#model/errors.ts';
import { Ledger } from '#model/records.ts';
import { NewestRollout, RolloutInputs, type WaveItem, WaveItems } from '#model/rollout.ts';
import type { ObjectStore } from '#ports/objects.ts';

/** What a rollout was pinned to. @throws NotFoundError before plan-waves */
export async function readInputs(objects: ObjectStore, rolloutId: string): Promise<RolloutInputs> {
  const inputs = await readObject(objects, keys.rollout(rolloutId, 'inputs'), RolloutInputs);
  if (inputs !== undefined) return inputs;
  throw new NotFoundError(`rollout ${rolloutId} has no pinned inputs; it was never planned`);
}

/** @throws NotFoundError before plan-waves */
export async function readLedger(objects: ObjectStore, rolloutId: string): Promise<Ledger> {
  const ledger = await readObject(objects, keys.rollout(rolloutId, 'ledger'), Ledger);
  if (ledger !== undefined) return ledger;
  throw new NotFoundError(`rollout ${rolloutId} has no ledger; it was never planned`);
}

/** The clusters of one wave. @throws NotFoundError */
export async function readWave(objects: ObjectStore, rolloutId: string, index: number): Promise<WaveItem[]> {
  const items = await readObject(objects, waveKey(rolloutId, index), WaveItems);
  if (items !== undefined) return items;
  throw new NotFoundError(`rollout ${rolloutId} has no wave ${index}`);
}

export function waveKey(rolloutId: string, index: number): string {
  return keys.rollout(rolloutId, `waves/${index}`);
}

/**
 * The newer rollout of the channel, or null while this one is the newest. A rollout of settings is superseded by none:
 * it brings other things than a revision.
 */
export async function readNewer(objects: ObjectStore, inputs: RolloutInputs): Promise<string | null> {
  if (inputs.resolved.kind !== 'channel' || inputs.resolved.channel === null) return null;
  const newest = await readObject(objects, keys.newestRollout(inputs.resolved.channel), NewestRollout);
  if (newest === undefined || newest.rolloutId === inputs.rolloutId) return null;
  return newest.rolloutId;
}
