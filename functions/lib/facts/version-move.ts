import { keys } from '#domain/names.ts';
import { identityText } from '#domain/rotation.ts';
import { decideMove, definitionsOf, type VersionState } from '#domain/version-move.ts';
import { GateClosedError, LockHeldError } from '#model/errors.ts';
import { type ClusterRecord, type CreatingCluster, type Reached, StoredCluster, type Updating } from '#model/records.ts';
import { Render } from '#model/render.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { changeObject, readObject } from './stored.ts';

/** What a render would make run. */
export interface Target {
  readonly revision: string;
  readonly hash: string;
  readonly versions: VersionState['versions'];
}

/**
 * Of which beginnings the custom resources count: `recorded` only of what runs whole; `all`; `none` when the cluster itself was
 * asked for what it has stored.
 */
export type WhichDefinitions = 'recorded' | 'all' | 'none';

/**
 * Refuses a move that a cluster can't make, from what its record says that it runs and from what an update that was left
 * half-way may have made of it. @throws GateClosedError naming what is in the way and what to do
 */
export async function requireMove(
  objects: ObjectStore,
  name: string,
  stored: StoredCluster | undefined,
  to: Target,
  which: WhichDefinitions,
): Promise<void> {
  if (stored === undefined || 'deleted' in stored) return;
  if ('deleting' in stored && stored.deleting !== undefined)
    throw new GateClosedError(
      `the deletion of ${name} has begun (${stored.deleting.execution}), so nothing is brought to it. Nothing was changed. Start the deletion again to finish it (docs/operate.md).`,
    );
  requireAllNodes(name, stored, to);
  const next = await stateOf(objects, to.hash, to.versions);
  for (const from of beginnings(stored)) {
    const half = 'since' in from;
    const counted = which === 'all' || (which === 'recorded' && !half);
    const { definitions } = counted ? await stateOf(objects, from.renderHash, from.versions) : { definitions: [] };
    const versions = half ? reachedVersions(from, to.versions) : from.versions;
    const [problem] = decideMove({ versions, definitions }, next);
    if (problem === undefined) continue;
    const why = half ? ` The update ${from.execution} to it was left half-way, so it may run already.` : '';
    throw new GateClosedError(
      `${name} can't move to ${to.revision.slice(0, 12)}: ${problem.message}${why} Nothing was changed. Roll out a revision that it can move to; to go back, restore a backup (docs/recover.md).`,
    );
  }
}

/** Nodes that an update left for later trust the authorities of a revision before: a rotation must not go on without them. */
function requireAllNodes(name: string, stored: ClusterRecord | CreatingCluster, to: Target): void {
  if ('creating' in stored || stored.nodesLater === undefined) return;
  const { nodes, reason } = stored.nodesLater;
  if (identityText(stored.versions, ['clusterCa']) === identityText(to.versions, ['clusterCa'])) return;
  throw new GateClosedError(
    `${name} can't move to ${to.revision.slice(0, 12)}: its cluster authority would change, and ${nodes} of its nodes are of a revision before (${reason}); they would be cut off. Nothing was changed. Let a rollout that leaves the authority as it is replace them first.`,
  );
}

function beginnings(stored: ClusterRecord | CreatingCluster): readonly (ClusterRecord | Updating)[] {
  const { updating } = stored;
  return [...('creating' in stored ? [] : [stored]), ...(updating === undefined ? [] : [updating])];
}

/** What a half-done update has not begun with runs in no newer version than what is recorded: it is no reason against any. */
function reachedVersions({ versions, reached }: Updating, to: VersionState['versions']): VersionState['versions'] {
  if (reached === undefined) return versions;
  // Keys are made before anything is replaced: whatever else was reached, they count.
  const { identity } = versions;
  return {
    kubernetes: reached.kubernetes ?? to.kubernetes,
    etcd: reached.etcd ?? to.etcd,
    ...(identity === undefined ? {} : { identity }),
  };
}

/**
 * Notes in the cluster's record that this execution begins with what can't be taken back; right before the act.
 * @throws LockHeldError when the update that is under way is another's
 */
export async function noteReached(objects: ObjectStore, name: string, execution: string, what: keyof Reached): Promise<void> {
  await changeObject(objects, keys.cluster(name), StoredCluster, (known) => {
    const updating = known === undefined || 'deleted' in known ? undefined : known.updating;
    if (known === undefined || 'deleted' in known || updating?.execution !== execution)
      throw new LockHeldError(
        `the update of ${name} that is under way is ${updating?.execution ?? 'none'}, not ${execution}; it stops here`,
      );
    const { reached, versions } = updating;
    if (reached === undefined || reached[what] === versions[what]) return undefined;
    return { ...known, updating: { ...updating, reached: { ...reached, [what]: versions[what] } } };
  });
}

/** A render that is gone tells nothing of definitions; the versions are known all the same. */
async function stateOf(objects: ObjectStore, hash: string, versions: VersionState['versions']): Promise<VersionState> {
  const render = await readObject(objects, keys.render(hash), Render);
  return { versions, definitions: definitionsOf((render?.components ?? []).flatMap((component) => component.objects)) };
}
