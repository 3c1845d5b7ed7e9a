import { keys } from '#domain/names.ts';
import { decideMove, definitionsOf, type VersionState } from '#domain/version-move.ts';
import { GateClosedError } from '#model/errors.ts';
import type { ClusterRecord, CreatingCluster, StoredCluster, Updating } from '#model/records.ts';
import { Render } from '#model/render.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { readObject } from './stored.ts';

/** What a render would make run. */
export interface Target {
  readonly revision: string;
  readonly hash: string;
  readonly versions: VersionState['versions'];
}

/**
 * Refuses a move that a cluster can't make, from what its record says that it runs and from what an update that was left
 * half-way may have made of it. @throws GateClosedError naming what is in the way and what to do
 */
export async function requireMove(objects: ObjectStore, name: string, stored: StoredCluster | undefined, to: Target): Promise<void> {
  if (stored === undefined || 'deleted' in stored) return;
  const next = await stateOf(objects, to.hash, to.versions);
  for (const from of beginnings(stored)) {
    const [problem] = decideMove(await stateOf(objects, from.renderHash, from.versions), next);
    if (problem === undefined) continue;
    const half = 'since' in from ? ` The update ${from.execution} to it was left half-way, so it may run already.` : '';
    throw new GateClosedError(
      `${name} can't move to ${to.revision.slice(0, 12)}: ${problem.message}${half} Nothing was changed. Roll out a revision that it can move to; to go back, restore a backup (docs/recover.md).`,
    );
  }
}

function beginnings(stored: ClusterRecord | CreatingCluster): readonly (ClusterRecord | Updating)[] {
  const { updating } = stored;
  return [...('creating' in stored ? [] : [stored]), ...(updating === undefined ? [] : [updating])];
}

/** A render that is gone tells nothing of definitions; the versions are known all the same. */
async function stateOf(objects: ObjectStore, hash: string, versions: VersionState['versions']): Promise<VersionState> {
  const render = await readObject(objects, keys.render(hash), Render);
  return { versions, definitions: definitionsOf((render?.components ?? []).flatMap((component) => component.objects)) };
}
