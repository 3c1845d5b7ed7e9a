import { readStoredRender } from '#facts/renders.ts';
import { NotFoundError } from '#model/errors.ts';
import type { Render } from '#model/render.ts';
import type { ObjectStore } from '#ports/objects.ts';

/** The render of one cluster and revision from the hub's bucket. @throws NotFoundError, RefusedError */
export async function loadRender(objects: ObjectStore, hash: string): Promise<Render> {
  const render = await readStoredRender(objects, hash);
  if (render === undefined) throw new NotFoundError(`there is no render ${hash}; the render step must run first`);
  return render;
}
