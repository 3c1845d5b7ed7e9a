import { FIELD_OWNER } from '#domain/applied-fields.ts';
import { ConflictError, NotFoundError } from '#model/errors.ts';
import { ObjectList, ServerVersion, type Status } from '#model/kubernetes.ts';
import { Manifest } from '#model/render.ts';
import type { ApplyHow, ApplyResult, FieldConflict, Kubernetes, ObjectId } from '#ports/kubernetes.ts';
import { expectOk, refuseServerErrors, statusOf } from './answers.ts';
import { createDiscovery, type Discover, pathOf } from './discovery.ts';
import { evict } from './evict.ts';
import { type ApiAddress, createSend, type Send } from './http.ts';
import { ask, probe } from './probe.ts';
import { getAll } from './read-many.ts';

const PAGE = 500;
/** A create that raced with another one is told apart from a field conflict and tried again so often. */
const APPLY_TRIES = 3;

/** The API of one cluster over mutual TLS, without a client library: fewer than ten kinds of request are made. */
export function createKubernetes(api: ApiAddress): Kubernetes {
  const send = createSend(api);
  const discover = createDiscovery(send);
  return {
    ready: async () => (await probe(api, false)).ready,
    probe: (address) => probe(address === undefined ? api : { ...api, address }, true),
    ask: (path) => ask(send, path),
    version: () => version(send),
    apply: (object, how) => apply(send, discover, object, how),
    get: (id) => get(send, discover, id),
    getAll: (ids) => getAll({ send, discover, get: (id) => get(send, discover, id) }, ids),
    list: (apiVersion, kind, namespace, fields) => list(send, discover, { apiVersion, kind, namespace, fields }),
    patch: (id, patch) => patchObject(send, discover, id, patch),
    delete: (id, options) => deleteObject(send, discover, id, options?.uid),
    evict: (namespace, pod, uid) => evict(send, namespace, pod, uid),
  };
}

async function version(send: Send): Promise<string> {
  const answer = expectOk(await send({ method: 'GET', path: '/version' }), 'read the version');
  return ServerVersion.parse(JSON.parse(answer.body)).gitVersion.slice(1);
}

/** Of the answer to an apply only the resource version counts. */
const METADATA_ONLY = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';

async function apply(send: Send, discover: Discover, object: Manifest, how: ApplyHow = {}): Promise<ApplyResult> {
  const id = idOf(object);
  const resource = await discover(object.apiVersion, object.kind);
  if (resource === undefined)
    return {
      id,
      outcome: 'refused',
      reason: `the API server has no ${object.kind} in ${object.apiVersion}: its CRD or version is missing`,
    };
  const path = pathOf(resource, id);
  for (let tries = 1; ; tries++) {
    const before = tries === 1 && how.before !== undefined ? how.before : (resourceVersionOf(await read(send, path)) ?? '');
    const answer = await send({
      method: 'PATCH',
      path: `${path}?fieldManager=${FIELD_OWNER}&force=${how.force === true}`,
      body: object,
      contentType: 'application/apply-patch+yaml',
      accept: METADATA_ONLY,
    });
    if (answer.status === 201) return { id, outcome: 'created' };
    if (answer.status === 200) {
      const after = resourceVersionOf(Manifest.parse(JSON.parse(answer.body)));
      return { id, outcome: after === before ? 'unchanged' : 'changed' };
    }
    const status = statusOf(answer);
    const reason = status.message;
    if (isBlocked(answer.status, status)) return { id, outcome: 'blocked', reason };
    refuseServerErrors(answer, `apply ${object.kind} ${object.metadata.name}`);
    const conflicts = (status.details?.causes ?? []).filter((cause) => cause.reason === 'FieldManagerConflict');
    if (answer.status === 409 && conflicts.length > 0)
      return { id, outcome: 'conflict', reason: conflictReason(conflicts), conflicts: conflicts.map(fieldConflict) };
    if (answer.status !== 409) return { id, outcome: 'refused', reason };
    // Somebody writes to the object all the time, or it is being deleted.
    if (tries === APPLY_TRIES) return { id, outcome: 'blocked', reason };
  }
}

/**
 * Webhooks that do not answer, and namespaces that are being deleted: the request is fine. The server tells them by its
 * words alone (k8s.io/apiserver, admission/plugin/webhook/errors; apiextensions-apiserver, conversion; namespace/lifecycle).
 */
function isBlocked(code: number, { message, details }: Status): boolean {
  if (code >= 500) return /failed calling webhook|conversion webhook for/.test(message);
  return code === 403 && (details?.causes ?? []).some(({ reason }) => reason === 'NamespaceTerminating');
}

interface Cause {
  readonly message?: string | undefined;
  readonly field?: string | undefined;
}

/** For example `conflict with "kubectl" using apps/v1: .spec.replicas`. */
function conflictReason(causes: readonly Cause[]): string {
  return causes.map(({ message, field }) => `${message ?? 'conflict'}: ${field ?? 'unknown field'}`).join('; ');
}

/** `conflict with "<owner>" [with subresource "<name>"] [using <version> [at <time>]]`; the version is told of an update only. */
function fieldConflict({ message = '', field = 'unknown field' }: Cause): FieldConflict {
  const [, owner = '', subresource, version] =
    /^conflict with "((?:[^"\\]|\\.)*)"(?: with subresource "([^"]*)")?( using \S+)?/.exec(message) ?? [];
  const operation = version === undefined ? 'Apply' : 'Update';
  return { owner, field, operation, ...(subresource === undefined ? {} : { subresource }) };
}

function idOf(object: Manifest): ObjectId {
  const { apiVersion, kind, metadata } = object;
  return { apiVersion, kind, name: metadata.name, ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }) };
}

function resourceVersionOf(object: Manifest | undefined): string | undefined {
  const version = object?.metadata['resourceVersion'];
  return typeof version === 'string' ? version : undefined;
}

async function read(send: Send, path: string): Promise<Manifest | undefined> {
  const answer = await send({ method: 'GET', path });
  if (answer.status === 404) return undefined;
  return Manifest.parse(JSON.parse(expectOk(answer, `read ${path}`).body));
}

async function get(send: Send, discover: Discover, id: ObjectId): Promise<Manifest | undefined> {
  const resource = await discover(id.apiVersion, id.kind);
  return resource === undefined ? undefined : read(send, pathOf(resource, id));
}

interface ListOf {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly fields: string | undefined;
}

async function list(send: Send, discover: Discover, { apiVersion, kind, namespace, fields }: ListOf): Promise<Manifest[]> {
  const resource = await discover(apiVersion, kind);
  if (resource === undefined) return [];
  const path = pathOf(resource, namespace === undefined ? {} : { namespace });
  const selector = fields === undefined ? '' : `&fieldSelector=${encodeURIComponent(fields)}`;
  const found: Manifest[] = [];
  let next = '';
  do {
    const answer = await send({ method: 'GET', path: `${path}?limit=${PAGE}&continue=${encodeURIComponent(next)}${selector}` });
    const page = ObjectList.parse(JSON.parse(expectOk(answer, `list ${path}`).body));
    for (const item of page.items ?? []) found.push(Manifest.parse({ ...item, apiVersion, kind }));
    next = page.metadata.continue ?? '';
  } while (next !== '');
  return found;
}

async function patchObject(send: Send, discover: Discover, id: ObjectId, patch: unknown): Promise<Manifest> {
  const what = `${id.kind} ${id.namespace ?? ''}/${id.name}`;
  const resource = await discover(id.apiVersion, id.kind);
  if (resource === undefined) throw new NotFoundError(`there is no ${what}: the API server has no such kind`);
  const path = `${pathOf(resource, id)}?fieldManager=${FIELD_OWNER}`;
  const answer = await send({ method: 'PATCH', path, body: patch, contentType: 'application/merge-patch+json' });
  if (answer.status === 404) throw new NotFoundError(`there is no ${what}`);
  if (answer.status === 409) throw new ConflictError(`${what} was changed meanwhile: ${statusOf(answer).message}`);
  return Manifest.parse(JSON.parse(expectOk(answer, `patch ${what}`).body));
}

async function deleteObject(send: Send, discover: Discover, id: ObjectId, uid?: string): Promise<boolean> {
  const resource = await discover(id.apiVersion, id.kind);
  if (resource === undefined) return false;
  const preconditions = uid === undefined ? {} : { preconditions: { uid } };
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', ...preconditions };
  const answer = await send({ method: 'DELETE', path: pathOf(resource, id), body });
  if (answer.status === 404 || (answer.status === 409 && uid !== undefined)) return false;
  expectOk(answer, `delete ${id.kind} ${id.name}`);
  return true;
}
