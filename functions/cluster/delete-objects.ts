import { formatId, type Inventory } from '#domain/inventory.ts';
import { describeLeaving } from '#domain/obstacles.ts';
import type { Kubernetes, ObjectId } from '#ports/kubernetes.ts';
import { inParallel } from './in-parallel.ts';

export interface Deleted {
  /** What was there and was asked to go. */
  readonly deleted: readonly ObjectId[];
  /** What is still there, with what holds it. */
  readonly leaving: readonly string[];
}

/** Looks at a deletion again this often before the state machine is asked to: most objects are gone at once. */
const LOOKS = 3;

/** Deletes what is there, and looks whether it is gone. What is absent, or on its way out already, is only read. */
export async function deleteObjects(ids: readonly ObjectId[], kubernetes: Kubernetes, inventory: Inventory): Promise<Deleted> {
  const there = await kubernetes.getAll(ids);
  const doomed = ids.filter((_, index) => there[index] !== undefined);
  const asked = ids.filter((_, index) => there[index] !== undefined && there[index].metadata['deletionTimestamp'] === undefined);
  await inParallel(asked, (id) => kubernetes.delete(id));
  let left: readonly ObjectId[] = doomed;
  let leaving: string[] = [];
  for (let look = 0; look < LOOKS && left.length > 0; look++) {
    const now = await kubernetes.getAll(left);
    const still = left.flatMap((id, index) => (now[index] === undefined ? [] : [{ id, object: now[index] }]));
    left = still.map(({ id }) => id);
    leaving = still.map(({ id, object }) => describeLeaving(object, inventory) ?? `${formatId(id)} was made anew`);
  }
  return { deleted: asked, leaving };
}
