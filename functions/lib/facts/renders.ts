import { hashOf } from '#domain/hash.ts';
import { keys } from '#domain/names.ts';
import { RefusedError } from '#model/errors.ts';
import { Render } from '#model/render.ts';
import type { ObjectStore } from '#ports/objects.ts';

/**
 * A render by its hash from the hub's bucket, held against that hash: what renders also parses what nobody has merged, and may add any
 * object under any name that is still free. undefined when there is none.
 * @throws RefusedError when it is not what its name says
 */
export async function readStoredRender(objects: ObjectStore, hash: string): Promise<Render | undefined> {
  const stored = await objects.get(keys.render(hash));
  if (stored === undefined) return undefined;
  const found: unknown = JSON.parse(stored.body);
  if (hashOf(found) !== hash)
    throw new RefusedError(
      `${keys.render(hash)} is not what its name says: it hashes to ${hashOf(found)}. Find out who wrote it, remove it and run again`,
    );
  return Render.parse(found);
}
