import { isDeepStrictEqual } from 'node:util';
import { ClusterUnreachableError, ConflictError, NotFoundError } from '#model/errors.ts';
import type { Manifest } from '#model/render.ts';
import type { ApiProbe, ApplyResult, Kubernetes, ObjectId, PathAnswer } from '#ports/kubernetes.ts';
import { fieldsOf, isEmptyOverMap, mergePatch, removeAt, setAt, valueAt } from './fields.ts';
import { conflictsOf, conflictText, dropField, isOnlyOwner, managedFields, type Owners, ownedBy, takeFields } from './managed-fields.ts';

export interface FakeKubernetes extends Kubernetes {
  /** Every mutating call, in order, for example `apply Node //n1`. */
  readonly calls: string[];
  /** Kinds that the API has, besides those of objects put there; `apiVersion/Kind`. */
  readonly kinds: Set<string>;
  /** Stores an object as it is, status included; answers it. */
  put(object: Manifest): Manifest;
  all(kind: string): Manifest[];
  everything(): Manifest[];
  /** Takes an object away, as a controller would: no call is counted. */
  remove(id: ObjectId): void;
  /** Writes an object's status, as its controller would. */
  setStatus(id: ObjectId, status: unknown): void;
  /** Server-side apply by another field owner. */
  applyAs(owner: string, object: Manifest, force?: boolean): ApplyResult;
  /** JSON merge patch by another client, which takes the fields that it changes. */
  updateAs(owner: string, id: ObjectId, patch: unknown): void;
  /** What an admission webhook or a namespace that is being deleted makes of an apply; undefined: it goes on. */
  admission: ((object: Manifest) => Pick<ApplyResult, 'outcome' | 'reason'> | undefined) | undefined;
  /** What new connections meet, in turn; the last answer stays. */
  probes: ApiProbe[];
  serverVersion: string;
  /** What paths answer; others are not there. */
  readonly answers: Map<string, PathAnswer>;
  /** While set, every call fails as an API that can't be reached. */
  unreachable: boolean;
  /** Pods (`namespace/name`) whose eviction is refused, with the server's words. */
  readonly blocked: Map<string, string>;
  /** What refuses them, where it is not one budget. */
  readonly blockedBy: Map<string, 'budgets' | 'uncounted' | 'refusal'>;
  /** Called with each evicted pod; absent: the pod is gone at once. */
  onEvict: ((pod: Manifest) => void) | undefined;
}

interface Entry {
  object: Manifest;
  owners: Owners;
}

const BUILT_IN = [
  ...[
    'Namespace',
    'Node',
    'Pod',
    'ConfigMap',
    'Secret',
    'Service',
    'ServiceAccount',
    'PersistentVolumeClaim',
    'PersistentVolume',
    'Event',
  ].map((kind) => `v1/${kind}`),
  ...['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet'].map((kind) => `apps/v1/${kind}`),
  'policy/v1/PodDisruptionBudget',
  'v1/Event',
  ...['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'].map((kind) => `admissionregistration.k8s.io/v1/${kind}`),
  'storage.k8s.io/v1/VolumeAttachment',
  'apiextensions.k8s.io/v1/CustomResourceDefinition',
];
const CLUSTER_WIDE = new Set([
  'Namespace',
  'Node',
  'PersistentVolume',
  'CustomResourceDefinition',
  'VolumeAttachment',
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
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
  const applyAs = (owner: string, object: Manifest, force = false): ApplyResult => {
    refuseIfDown();
    const id = idOf(object);
    if (!fake.kinds.has(`${id.apiVersion}/${id.kind}`)) return { id, outcome: 'refused', reason: `no ${id.kind} in ${id.apiVersion}` };
    if (!CLUSTER_WIDE.has(id.kind) && !hasNamespace(entries, id.namespace ?? 'default'))
      return { id, outcome: 'refused', reason: `namespaces "${id.namespace}" not found` };
    const admitted = fake.admission?.(object);
    if (admitted !== undefined) return { id, ...admitted };
    const entry = entries.get(keyOf(id)) ?? { object, owners: new Map() };
    const existed = entries.has(keyOf(id));
    const wanted = fieldsOf(object);
    const conflicts = conflictsOf(entry.object, entry.owners, owner, wanted);
    if (existed && conflicts.length > 0 && !force)
      return { id, outcome: 'conflict', reason: conflicts.map(conflictText).join('; '), conflicts };
    const merged = structuredClone(entry.object);
    const before = JSON.stringify(managedFields(entry.owners, id.apiVersion));
    for (const path of ownedBy(entry.owners, owner, 'Apply')) {
      if (!wanted.has(path) && isOnlyOwner(entry.owners, owner, path)) removeAt(merged, path);
    }
    takeFields(entry.owners, owner, 'Apply', new Set(wanted.keys()), (path) =>
      isDeepStrictEqual(valueAt(entry.object, JSON.parse(path)), wanted.get(path)),
    );
    for (const [path, value] of wanted) if (!isEmptyOverMap(merged, path, value)) setAt(merged, path, value);
    const owned = JSON.stringify(managedFields(entry.owners, id.apiVersion)) === before;
    if (existed && owned && isDeepStrictEqual(merged, entry.object)) return { id, outcome: 'unchanged' };
    entries.set(keyOf(id), { object: write(merged, existed ? entry.object : undefined), owners: entry.owners });
    if (id.kind === 'CustomResourceDefinition') establish(entries, fake.kinds, id);
    return { id, outcome: existed ? 'changed' : 'created' };
  };
  const patchAs = (owner: string, id: ObjectId, patch: unknown): Manifest => {
    const entry = entries.get(keyOf(id));
    if (entry === undefined) throw new NotFoundError(`there is no ${id.kind} ${id.name}`);
    const wantedVersion = valueAt(patch, ['metadata', 'resourceVersion']);
    if (wantedVersion !== undefined && wantedVersion !== entry.object.metadata['resourceVersion'])
      throw new ConflictError(`${id.kind} ${id.name} was changed meanwhile`);
    const merged = mergePatch(entry.object, patch);
    if (isDeepStrictEqual(merged, entry.object)) return entry.object;
    const [before, after] = [fieldsOf(entry.object), fieldsOf(merged)];
    const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
      (path) => !isDeepStrictEqual(before.get(path), after.get(path)),
    );
    takeFields(entry.owners, owner, 'Update', new Set(changed.filter((path) => after.has(path))), () => false);
    for (const path of changed) if (!after.has(path)) dropField(entry.owners, path);
    entry.object = write(merged, entry.object);
    return entry.object;
  };
  const shown = (entry: Entry | undefined): Manifest | undefined => {
    if (entry === undefined) return undefined;
    const object = structuredClone(entry.object);
    const fields = managedFields(entry.owners, object.apiVersion);
    return fields.length === 0 ? object : { ...object, metadata: { ...object.metadata, managedFields: fields } };
  };
  const remove = (id: ObjectId): boolean => {
    const entry = entries.get(keyOf(id));
    const finalizers = valueAt(entry?.object, ['metadata', 'finalizers']);
    if (entry === undefined || !Array.isArray(finalizers) || finalizers.length === 0) return entries.delete(keyOf(id));
    const deletionTimestamp = entry.object.metadata['deletionTimestamp'] ?? '2026-01-01T00:00:00Z';
    entry.object = { ...entry.object, metadata: { ...entry.object.metadata, deletionTimestamp } };
    return true;
  };
  const fake: FakeKubernetes = {
    calls: [],
    kinds: new Set(BUILT_IN),
    probes: [{ ready: true, version: '1.35.4', milliseconds: 5, reason: 'ok' }],
    serverVersion: '1.35.4',
    unreachable: false,
    blocked: new Map(),
    blockedBy: new Map(),
    onEvict: undefined,
    put(object) {
      fake.kinds.add(`${object.apiVersion}/${object.kind}`);
      const stored = write(object, entries.get(keyOf(idOf(object)))?.object);
      entries.set(keyOf(idOf(object)), { object: stored, owners: new Map() });
      return stored;
    },
    everything: () => [...entries.values()].map(({ object }) => object),
    all: (kind) => [...entries.values()].map(({ object }) => object).filter((object) => object.kind === kind),
    remove: (id) => void remove(id),
    setStatus(id, status) {
      const entry = entries.get(keyOf(id));
      if (entry !== undefined && !isDeepStrictEqual(entry.object['status'], status))
        entry.object = write({ ...entry.object, status }, entry.object);
    },
    applyAs,
    updateAs: (owner, id, patch) => void patchAs(owner, id, patch),
    admission: undefined,
    answers: new Map(),
    async ready() {
      return !fake.unreachable && (fake.probes[0]?.ready ?? true);
    },
    async probe() {
      if (fake.unreachable) return { ready: false, milliseconds: 1, reason: 'connect ECONNREFUSED' };
      const next = fake.probes.length > 1 ? fake.probes.shift() : fake.probes[0];
      return next ?? { ready: true, version: fake.serverVersion, milliseconds: 5, reason: 'ok' };
    },
    async ask(path) {
      return fake.answers.get(path) ?? { status: 404, milliseconds: 1, reason: 'not found' };
    },
    async version() {
      refuseIfDown();
      return fake.serverVersion;
    },
    async apply(object, how) {
      fake.calls.push(`apply ${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`);
      return applyAs('sluice', structuredClone(object), how?.force);
    },
    async get(id) {
      refuseIfDown();
      return shown(entries.get(keyOf(id)));
    },
    async getAll(ids) {
      return Promise.all(ids.map((id) => fake.get(id)));
    },
    async list(apiVersion, kind, namespace, fields) {
      refuseIfDown();
      const [path = '', value] = fields?.split('=') ?? [];
      return [...entries.values()]
        .filter(({ object }) => object.kind === kind && object.apiVersion === apiVersion)
        .filter(({ object }) => namespace === undefined || object.metadata.namespace === namespace)
        .filter(({ object }) => fields === undefined || valueAt(object, path.split('.')) === value)
        .flatMap((entry) => shown(entry) ?? []);
    },
    async patch(id, patch) {
      refuseIfDown();
      fake.calls.push(`patch ${id.kind} ${id.namespace ?? ''}/${id.name}`);
      return structuredClone(patchAs('sluice', id, patch));
    },
    async delete(id, options) {
      refuseIfDown();
      fake.calls.push(`delete ${id.kind} ${id.namespace ?? ''}/${id.name}`);
      const known = entries.get(keyOf(id))?.object.metadata['uid'];
      if (options?.uid !== undefined && known !== undefined && known !== options.uid) return false;
      return remove(id);
    },
    async evict(namespace, name, uid) {
      refuseIfDown();
      fake.calls.push(`evict ${namespace}/${name}`);
      const id = { apiVersion: 'v1', kind: 'Pod', namespace, name };
      const pod = entries.get(keyOf(id))?.object;
      if (pod === undefined || (uid !== undefined && pod.metadata['uid'] !== uid)) return { outcome: 'gone' };
      const reason = fake.blocked.get(`${namespace}/${name}`);
      if (reason !== undefined) return { outcome: 'blocked', by: fake.blockedBy.get(`${namespace}/${name}`) ?? 'budget', reason };
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
