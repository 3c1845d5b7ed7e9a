import { hashOf } from '#domain/hash.ts';
import { keys } from '#domain/names.ts';
import { RefusedError } from '#model/errors.ts';
import { Render } from '#model/render.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { parseJson, requireShape } from './stored.ts';

/**
 * A render by its hash from the hub's bucket, held against that hash: what renders also parses what nobody has merged, and may add any
 * object under any name that is still free. undefined when there is none.
 * @throws RefusedError when it is not what its name says; InputError when it is no render
 */
export async function readStoredRender(objects: ObjectStore, hash: string): Promise<Render | undefined> {
  const key = keys.render(hash);
  const stored = await objects.get(key);
  if (stored === undefined) return undefined;
  const value = parseJson(key, stored.body);
  const found = hashOf(value);
  if (found !== hash)
    throw new RefusedError(`${key} is not what its name says: it hashes to ${found}. Find out who wrote it, remove it and run again`);
  return requireShape(key, value, Render);
}
