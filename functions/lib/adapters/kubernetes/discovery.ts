import { ClusterUnreachableError } from '#model/errors.ts';
import { ResourceList } from '#model/kubernetes.ts';
import type { ObjectId } from '#ports/kubernetes.ts';
import type { Send } from './http.ts';

export interface Resource {
  /** `/api/v1` or `/apis/<group>/<version>`. */
  readonly root: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/** Finds the resource of a kind; undefined when the server has none. Asked once per group version, again for an unknown kind. */
export type Discover = (apiVersion: string, kind: string) => Promise<Resource | undefined>;

export function createDiscovery(send: Send): Discover {
  const known = new Map<string, Map<string, Resource>>();
  const reading = new Map<string, Promise<Map<string, Resource>>>();
  return async (apiVersion, kind) => {
    const cached = known.get(apiVersion)?.get(kind);
    if (cached !== undefined) return cached;
    // Many ask at once for the first object of a group version.
    const answer = reading.get(apiVersion) ?? readGroupVersion(send, apiVersion).finally(() => reading.delete(apiVersion));
    reading.set(apiVersion, answer);
    const read = await answer;
    known.set(apiVersion, read);
    return read.get(kind);
  };
}

async function readGroupVersion(send: Send, apiVersion: string): Promise<Map<string, Resource>> {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const answer = await send({ method: 'GET', path: root });
  if (answer.status === 404) return new Map();
  if (answer.status !== 200)
    throw new ClusterUnreachableError(`discovery of ${root} answered ${answer.status}: ${answer.body.slice(0, 200)}`);
  const { resources } = ResourceList.parse(JSON.parse(answer.body));
  // Names with a slash are subresources.
  const own = resources.filter(({ name }) => !name.includes('/'));
  return new Map(own.map(({ name, kind, namespaced }) => [kind, { root, plural: name, namespaced }]));
}

/** Path of an object, or of a list when `name` is absent. A namespaced object without namespace is in `default`. */
export function pathOf(resource: Resource, id: Pick<ObjectId, 'namespace'> & { name?: string }): string {
  const inNamespace = resource.namespaced && (id.namespace !== undefined || id.name !== undefined);
  const namespace = inNamespace ? `/namespaces/${encodeURIComponent(id.namespace ?? 'default')}` : '';
  const name = id.name === undefined ? '' : `/${encodeURIComponent(id.name)}`;
  return `${resource.root}${namespace}/${resource.plural}${name}`;
}
