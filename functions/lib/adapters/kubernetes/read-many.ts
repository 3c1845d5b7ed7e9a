import { ClusterUnreachableError } from '#model/errors.ts';
import { ObjectList } from '#model/kubernetes.ts';
import { Manifest } from '#model/render.ts';
import type { ObjectId } from '#ports/kubernetes.ts';
import { type Discover, pathOf, type Resource } from './discovery.ts';
import type { Send } from './http.ts';

/** So few of one kind and namespace are read one by one. */
const FEW = 3;
const PAGE = 250;
/** A list that holds more objects of others than this for each one of ours is not read to its end. */
const STRANGERS = 20;
/** Reads at a time. */
const PARALLEL = 8;

interface Reader {
  readonly send: Send;
  readonly discover: Discover;
  readonly get: (id: ObjectId) => Promise<Manifest | undefined>;
}

interface Wanted {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly apiVersion: string;
  readonly kind: string;
  /** Places in the result, by name. */
  readonly places: Map<string, number[]>;
}

/** Reads objects by lists of their kind and namespace where many are wanted, else one by one; results in the given order. */
export async function getAll(reader: Reader, ids: readonly ObjectId[]): Promise<(Manifest | undefined)[]> {
  const found = new Array<Manifest | undefined>(ids.length).fill(undefined);
  const single: number[] = [];
  for (const wanted of await grouped(reader.discover, ids)) {
    const missing = wanted.places.size > FEW ? await byList(reader.send, wanted, found) : wanted.places;
    single.push(...[...missing.values()].flat());
  }
  let next = 0;
  const work = async (): Promise<void> => {
    for (let place = single[next++]; place !== undefined; place = single[next++]) {
      const id = ids[place];
      if (id !== undefined) found[place] = await reader.get(id);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, single.length) }, work));
  return found;
}

/** Kinds that the server does not have are left out. */
async function grouped(discover: Discover, ids: readonly ObjectId[]): Promise<Wanted[]> {
  const groups = new Map<string, Wanted>();
  for (const [place, { apiVersion, kind, namespace, name }] of ids.entries()) {
    const resource = await discover(apiVersion, kind);
    if (resource === undefined) continue;
    const within = resource.namespaced ? (namespace ?? 'default') : undefined;
    const key = `${apiVersion} ${kind} ${within ?? ''}`;
    const group = groups.get(key) ?? { resource, namespace: within, apiVersion, kind, places: new Map<string, number[]>() };
    groups.set(key, group);
    group.places.set(name, [...(group.places.get(name) ?? []), place]);
  }
  return [...groups.values()];
}

/** Puts what the list has into `found`; answers what was not looked for to the end, to be read one by one. */
async function byList(send: Send, wanted: Wanted, found: (Manifest | undefined)[]): Promise<Map<string, number[]>> {
  const { resource, namespace, apiVersion, kind } = wanted;
  const path = pathOf(resource, namespace === undefined ? {} : { namespace });
  const missing = new Map(wanted.places);
  let next = '';
  do {
    const page = await readPage(send, `${path}?limit=${PAGE}&continue=${encodeURIComponent(next)}`);
    if (page === undefined) return missing;
    for (const item of page.items ?? []) {
      const places = missing.get(item.metadata.name);
      if (places === undefined) continue;
      for (const place of places) found[place] = Manifest.parse({ ...item, apiVersion, kind });
      missing.delete(item.metadata.name);
    }
    next = page.metadata.continue ?? '';
    if (missing.size === 0 || (page.metadata.remainingItemCount ?? 0) > missing.size * STRANGERS) return missing;
  } while (next !== '');
  return new Map();
}

/** undefined when the list can't be read: one object that can't be converted, or is too large, spoils it for all others. */
async function readPage(send: Send, path: string): Promise<ObjectList | undefined> {
  try {
    const answer = await send({ method: 'GET', path });
    return answer.status === 200 ? ObjectList.parse(JSON.parse(answer.body)) : undefined;
  } catch (error) {
    if (error instanceof ClusterUnreachableError) return undefined;
    throw error;
  }
}
