import { isDeepStrictEqual } from 'node:util';
import { ClusterUnreachableError, ConflictError, NotFoundError } from '#model/errors.ts';
import type { Manifest } from '#model/render.ts';
import type { ApiProbe, ApplyResult, Kubernetes, ObjectId } from '#ports/kubernetes.ts';
import { fieldsOf, mergePatch, removeAt, setAt, valueAt } from './fields.ts';

export interface FakeKubernetes extends Kubernetes {
  /** Every mutating call, in order, for example `apply Node //n1`. */
  readonly calls: string[];
  /** Kinds that the API has, besides those of objects put there; `apiVersion/Kind`. */
  readonly kinds: Set<string>;
  /** Stores an object as it is, status included; answers it. */
  put(object: Manifest): Manifest;
  all(kind: string): Manifest[];
  /** Server-side apply by another field owner. */
  applyAs(owner: string, object: Manifest): ApplyResult;
  /** What new connections meet, in turn; the last answer stays. */
  probes: ApiProbe[];
  serverVersion: string;
  /** While set, every call fails as an API that can't be reached. */
  unreachable: boolean;
  /** Pods (`namespace/name`) whose eviction is refused, with the server's words. */
  readonly blocked: Map<string, string>;
  /** Called with each evicted pod; absent: the pod is gone at once. */
  onEvict: ((pod: Manifest) => void) | undefined;
}

interface Entry {
  object: Manifest;
  owners: Map<string, Set<string>>;
}

const BUILT_IN = [
  ...['Namespace', 'Node', 'Pod', 'ConfigMap', 'Secret', 'Service', 'ServiceAccount', 'PersistentVolumeClaim', 'PersistentVolume'].map(
    (kind) => `v1/${kind}`,
  ),
  ...['Deployment', 'StatefulSet', 'DaemonSet'].map((kind) => `apps/v1/${kind}`),
  'policy/v1/PodDisruptionBudget',
  'storage.k8s.io/v1/VolumeAttachment',
  'apiextensions.k8s.io/v1/CustomResourceDefinition',
];
const CLUSTER_WIDE = new Set([
  'Namespace',
  'Node',
  'PersistentVolume',
  'CustomResourceDefinition',
  'VolumeAttachment',
  'ClusterRole',
  'ClusterRoleBinding',
]);

/** A Kubernetes API in memory: server-side apply with field owners, resource versions, evictions. No controllers. */
export function createFakeKubernetes(): FakeKubernetes {
  const entries = new Map<string, Entry>();
  let revision = 100;
  const write = (object: Manifest, before?: Manifest): Manifest => {
    const uid = before?.metadata['uid'] ?? `uid-${++revision}`;
    const specChanged = !isDeepStrictEqual(before?.['spec'], object['spec']);
    const generation = Number(before?.metadata['generation'] ?? 0) + (specChanged ? 1 : 0);
    return { ...object, metadata: { ...object.metadata, uid, generation, resourceVersion: String(++revision) } };
  };
  const refuseIfDown = (): void => {
    if (fake.unreachable) throw new ClusterUnreachableError('connect ECONNREFUSED');
  };
  const applyAs = (owner: string, object: Manifest): ApplyResult => {
    refuseIfDown();
    const id = idOf(object);
    if (!fake.kinds.has(`${id.apiVersion}/${id.kind}`)) return { id, outcome: 'refused', reason: `no ${id.kind} in ${id.apiVersion}` };
    if (!CLUSTER_WIDE.has(id.kind) && !hasNamespace(entries, id.namespace ?? 'default'))
      return { id, outcome: 'refused', reason: `namespaces "${id.namespace}" not found` };
    const entry = entries.get(keyOf(id)) ?? { object, owners: new Map() };
    const existed = entries.has(keyOf(id));
    const wanted = fieldsOf(object);
    const conflicts = conflictsOf(entry, owner, wanted);
    if (existed && conflicts.length > 0) return { id, outcome: 'conflict', reason: conflicts.join('; ') };
    const merged = structuredClone(entry.object);
    for (const path of entry.owners.get(owner) ?? []) if (!wanted.has(path) && isOnlyOwner(entry, owner, path)) removeAt(merged, path);
    for (const [path, value] of wanted) setAt(merged, path, value);
    entry.owners.set(owner, new Set(wanted.keys()));
    if (existed && isDeepStrictEqual(merged, entry.object)) return { id, outcome: 'unchanged' };
    entries.set(keyOf(id), { object: write(merged, existed ? entry.object : undefined), owners: entry.owners });
    if (id.kind === 'CustomResourceDefinition') establish(entries, fake.kinds, id);
    return { id, outcome: existed ? 'changed' : 'created' };
  };
  const remove = (id: ObjectId): boolean => entries.delete(keyOf(id));
  const fake: FakeKubernetes = {
    calls: [],
    kinds: new Set(BUILT_IN),
    probes: [{ ready: true, version: '1.35.4', milliseconds: 5, reason: 'ok' }],
    serverVersion: '1.35.4',
    unreachable: false,
    blocked: new Map(),
    onEvict: undefined,
    put(object) {
      fake.kinds.add(`${object.apiVersion}/${object.kind}`);
      const stored = write(object, entries.get(keyOf(idOf(object)))?.object);
      entries.set(keyOf(idOf(object)), { object: stored, owners: new Map() });
      return stored;
    },
    all: (kind) => [...entries.values()].map(({ object }) => object).filter((object) => object.kind === kind),
    applyAs,
    async ready() {
      return !fake.unreachable && (fake.probes[0]?.ready ?? true);
    },
    async probe() {
      if (fake.unreachable) return { ready: false, milliseconds: 1, reason: 'connect ECONNREFUSED' };
      const next = fake.probes.length > 1 ? fake.probes.shift() : fake.probes[0];
      return next ?? { ready: true, version: fake.serverVersion, milliseconds: 5, reason: 'ok' };
    },
    async version() {
      refuseIfDown();
      return fake.serverVersion;
    },
    async apply(object) {
      fake.calls.push(`apply ${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`);
      return applyAs('sluice', structuredClone(object));
    },
    async get(id) {
      refuseIfDown();
      return structuredClone(entries.get(keyOf(id))?.object);
    },
    async list(apiVersion, kind, namespace) {
      refuseIfDown();
      const objects = fake.all(kind).filter((object) => object.apiVersion === apiVersion);
      return structuredClone(namespace === undefined ? objects : objects.filter(({ metadata }) => metadata.namespace === namespace));
    },
    async patch(id, patch) {
      refuseIfDown();
      fake.calls.push(`patch ${id.kind} ${id.namespace ?? ''}/${id.name}`);
      const entry = entries.get(keyOf(id));
      if (entry === undefined) throw new NotFoundError(`there is no ${id.kind} ${id.name}`);
      const wantedVersion = valueAt(patch, ['metadata', 'resourceVersion']);
      if (wantedVersion !== undefined && wantedVersion !== entry.object.metadata['resourceVersion'])
        throw new ConflictError(`${id.kind} ${id.name} was changed meanwhile`);
      const merged = mergePatch(entry.object, patch);
      if (!isDeepStrictEqual(merged, entry.object)) entry.object = write(merged, entry.object);
      return structuredClone(entry.object);
    },
    async delete(id) {
      refuseIfDown();
      fake.calls.push(`delete ${id.kind} ${id.namespace ?? ''}/${id.name}`);
      return remove(id);
    },
    async evict(namespace, name) {
      refuseIfDown();
      fake.calls.push(`evict ${namespace}/${name}`);
      const id = { apiVersion: 'v1', kind: 'Pod', namespace, name };
      const pod = entries.get(keyOf(id))?.object;
      if (pod === undefined) return { outcome: 'gone' };
      const reason = fake.blocked.get(`${namespace}/${name}`);
      if (reason !== undefined) return { outcome: 'blocked', reason };
      if (fake.onEvict === undefined) remove(id);
      else fake.onEvict(pod);
      return { outcome: 'evicted' };
    },
  };
  for (const name of ['default', 'kube-system']) fake.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  return fake;
}

function idOf({ apiVersion, kind, metadata }: Manifest): ObjectId {
  return { apiVersion, kind, name: metadata.name, ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }) };
}

function keyOf(id: ObjectId): string {
  const namespace = CLUSTER_WIDE.has(id.kind) ? '' : (id.namespace ?? 'default');
  return `${id.apiVersion} ${id.kind} ${namespace}/${id.name}`;
}

function hasNamespace(entries: ReadonlyMap<string, Entry>, name: string): boolean {
  return entries.has(keyOf({ apiVersion: 'v1', kind: 'Namespace', name }));
}

function conflictsOf(entry: Entry, owner: string, wanted: ReadonlyMap<string, unknown>): string[] {
  const others = [...entry.owners].filter(([name]) => name !== owner);
  return others.flatMap(([name, fields]) =>
    [...wanted]
      .filter(([path, value]) => fields.has(path) && !isDeepStrictEqual(valueAt(entry.object, JSON.parse(path)), value))
      .map(([path]) => `conflict with "${name}": .${JSON.parse(path).join('.')}`),
  );
}

function isOnlyOwner(entry: Entry, owner: string, path: string): boolean {
  return ![...entry.owners].some(([name, fields]) => name !== owner && fields.has(path));
}

/** A CRD's kinds are there as soon as it is applied, and it says so. */
function establish(entries: Map<string, Entry>, kinds: Set<string>, id: ObjectId): void {
  const entry = entries.get(keyOf(id));
  if (entry === undefined) return;
  entry.object = { ...entry.object, status: { conditions: [{ type: 'Established', status: 'True' }] } };
  const group = valueAt(entry.object, ['spec', 'group']);
  const kind = valueAt(entry.object, ['spec', 'names', 'kind']);
  const versions = valueAt(entry.object, ['spec', 'versions']);
  for (const version of Array.isArray(versions) ? versions : []) kinds.add(`${group}/${version.name}/${kind}`);
}
