import { keys } from '#domain/names.ts';
import { NotFoundError } from '#model/errors.ts';
import { Render } from '#model/render.ts';
import type { ObjectStore } from '#ports/objects.ts';

/** The render of one cluster and revision from the hub's bucket. @throws NotFoundError */
export async function loadRender(objects: ObjectStore, hash: string): Promise<Render> {
  const stored = await objects.get(keys.render(hash));
  if (stored === undefined) throw new NotFoundError(`there is no render ${hash}; the render step must run first`);
  return Render.parse(JSON.parse(stored.body));
}
