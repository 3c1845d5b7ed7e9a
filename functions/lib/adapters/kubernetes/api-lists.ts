import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { createComparison, type Definition, placeOf, type StoredKeys, unservedDefinitions, unservedOf } from '#domain/api-drill.ts';
import { REVISION_BUMP } from '#domain/restore.ts';
import { BackupNotProvenError, type ClusterUnreachableError } from '#model/errors.ts';
import type { Served, ServedResource } from '#ports/api-drill.ts';
import type { ApiRequest, Send } from './http.ts';

const PAGE = 250;
/** Some thousand pages; beside restore, boot and start it fits into a function's 15 minutes. */
const READ_MILLISECONDS = 200_000;
/** An API server tells of a definition's kind a moment after it is ready. */
const SERVED_MILLISECONDS = 30_000;
/**
 * The API server reads, decrypts and decodes whole objects; only who they are is sent. Pages of Secrets that hold megabytes
 * would not fit an answer, and their content is nobody's business here.
 */
const NAMES_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
/** Lists health of other servers, of which there is none; it has no data. */
const NOT_STORED: ReadonlySet<string> = new Set(['componentstatuses']);

const Discovery = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string().default('') }).default({ name: '' }),
      versions: z.array(
        z.object({
          version: z.string(),
          resources: z.array(z.object({ resource: z.string(), verbs: z.array(z.string()) })).default([]),
        }),
      ),
    }),
  ),
});
const DISCOVERY_TYPE = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

const List = z.object({
  metadata: z.object({ continue: z.string().optional() }),
  items: z.array(z.object({ metadata: z.object({ name: z.string(), namespace: z.string().optional() }) })).nullish(),
});
const Definitions = z.object({
  items: z
    .array(
      z.object({
        spec: z.object({
          group: z.string(),
          names: z.object({ plural: z.string() }),
          versions: z.array(z.object({ served: z.boolean() })),
        }),
        status: z.object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })).nullish() }).optional(),
      }),
    )
    .nullish(),
});
const Services = z.object({
  items: z
    .array(z.object({ spec: z.object({ group: z.string().default(''), version: z.string(), service: z.object({}).nullish() }) }))
    .nullish(),
});

interface Listable {
  /** `<resource>` or `<resource>.<group>`, as kubectl names it. */
  readonly name: string;
  readonly group: string;
  readonly resource: string;
  /** Path of all of them. */
  readonly path: string;
}

/**
 * Lists every resource that an API server on restored data serves, beside the keys that etcd had.
 * @param revision etcd's before the API server wrote anything
 * @throws BackupNotProvenError when it does not answer what it must; what can't be listed, or not in time, is told of the resource
 */
export async function readAll(send: Send, stored: StoredKeys, revision: number, milliseconds = READ_MILLISECONDS): Promise<Served> {
  const limit = { until: Date.now() + milliseconds, seconds: milliseconds / 1000 };
  const services = Services.parse(await get(send, '/apis/apiregistration.k8s.io/v1/apiservices'));
  const aggregated = (services.items ?? [])
    .filter(({ spec }) => spec.service !== undefined && spec.service !== null)
    .map(({ spec }) => `${spec.group}/${spec.version}`);
  const resources: ServedResource[] = [];
  for (const { name, path, place } of await untilAllServed(send, new Set(aggregated))) {
    if (resources.some(({ prefix }) => prefix === place)) continue;
    const comparison = createComparison(name, place, stored);
    resources.push(comparison.result(await list(send, path, comparison.see, limit)));
  }
  const oldest = await send({
    method: 'GET',
    path: `/api/v1/configmaps?watch=true&timeoutSeconds=5&resourceVersion=${revision - REVISION_BUMP}`,
  });
  return { revision, bump: REVISION_BUMP, resources, unserved: unservedOf(stored), aggregated, oldWatch: watchStatus(oldest) };
}

function definitionsOf(answer: unknown): Definition[] {
  return (Definitions.parse(answer).items ?? []).map(({ spec: { group, names, versions }, status }) => {
    const accepted = (status?.conditions ?? []).some(({ type, status: is }) => type === 'Established' && is === 'True');
    return { group, plural: names.plural, established: accepted && versions.some(({ served }) => served) };
  });
}

/** @throws BackupNotProvenError when the kind of a definition is not served in time: its objects would go unread */
async function untilAllServed(send: Send, aggregated: ReadonlySet<string>): Promise<(Listable & { readonly place: string })[]> {
  const deadline = Date.now() + SERVED_MILLISECONDS;
  for (;;) {
    const definitions = definitionsOf(await get(send, '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'));
    const custom = new Set(definitions.map(({ group }) => group));
    const found = (await listable(send, aggregated)).map((entry) => ({
      ...entry,
      place: placeOf(entry.group, entry.resource, custom.has(entry.group)),
    }));
    const missing = unservedDefinitions(definitions, new Set(found.map(({ place }) => place)));
    if (missing.length === 0) return found;
    if (Date.now() > deadline) {
      throw new BackupNotProvenError(`kube-apiserver on the restored data does not serve ${missing.join(', ')}, whose definition is there`);
    }
    await delay(100);
  }
}

/** Each resource that can be listed, once for each group, in the version that the server prefers. */
async function listable(send: Send, aggregated: ReadonlySet<string>): Promise<Listable[]> {
  const found: Listable[] = [];
  for (const root of ['/api', '/apis']) {
    const { items } = Discovery.parse(await get(send, root, DISCOVERY_TYPE));
    for (const { metadata, versions } of items) {
      const group = metadata.name;
      const known = new Set<string>();
      for (const { version, resources } of versions) {
        if (aggregated.has(`${group}/${version}`)) continue;
        for (const { resource, verbs } of resources) {
          if (!verbs.includes('list') || NOT_STORED.has(resource) || known.has(resource)) continue;
          known.add(resource);
          const name = group === '' ? resource : `${resource}.${group}`;
          const path = group === '' ? `/api/${version}/${resource}` : `/apis/${group}/${version}/${resource}`;
          found.push({ name, group, resource, path });
        }
      }
    }
  }
  return found;
}

/** Why a list was not read to its end; `late` when time ran out. */
interface Unread {
  readonly problem: string;
  readonly late: boolean;
}

/** Shows each object to `see`; answers why the list can't be read, if so. */
async function list(
  send: Send,
  path: string,
  see: (object: { name: string; namespace?: string | undefined }) => void,
  limit: { readonly until: number; readonly seconds: number },
): Promise<Unread | undefined> {
  let next: string | undefined = '';
  while (next !== undefined) {
    if (Date.now() > limit.until) return { problem: `not all resources were read within ${limit.seconds} s`, late: true };
    const answer = await send(pageOf(path, next)).catch((error: ClusterUnreachableError) => error);
    if (answer instanceof Error) return { problem: answer.message, late: ranOutOfTime(answer) };
    if (answer.status !== 200) return { problem: messageOf(answer.body), late: false };
    const page = List.parse(JSON.parse(answer.body));
    for (const { metadata } of page.items ?? []) see(metadata);
    next = nextOf(page);
  }
  return undefined;
}

/** A server that is slow; not one that has ended. */
function ranOutOfTime({ cause }: ClusterUnreachableError): boolean {
  return cause instanceof Error && cause.name === 'TimeoutError';
}

function pageOf(path: string, from: string): ApiRequest {
  return { method: 'GET', path: `${path}?limit=${PAGE}&continue=${encodeURIComponent(from)}`, accept: NAMES_ONLY };
}

function nextOf({ metadata }: z.infer<typeof List>): string | undefined {
  return metadata.continue === '' ? undefined : metadata.continue;
}

const Status = z.object({ message: z.string(), code: z.int().optional() });

function messageOf(body: string): string {
  try {
    return Status.parse(JSON.parse(body)).message.slice(0, 300);
  } catch {
    return body.slice(0, 300);
  }
}

/** A watch that is too old is refused at once, or by its first event. */
function watchStatus(answer: { status: number; body: string }): number {
  const [first = ''] = answer.body.split('\n');
  const event = z
    .object({ type: z.literal('ERROR'), object: z.object({ code: z.int() }) })
    .safeParse(first === '' ? undefined : parsed(first));
  return event.success ? event.data.object.code : answer.status;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function get(send: Send, path: string, accept?: string): Promise<unknown> {
  const answer = await send({ method: 'GET', path, ...(accept === undefined ? {} : { accept }) });
  if (answer.status !== 200)
    throw new BackupNotProvenError(`kube-apiserver on the restored data answers ${answer.status} for ${path}: ${messageOf(answer.body)}`);
  return JSON.parse(answer.body);
}

/** Its caches never fill, and it never gets ready, where a Secret can't be decrypted. @throws BackupNotProvenError then, naming it */
export async function refuseUnreadable(send: Send): Promise<void> {
  let next: string | undefined = '';
  while (next !== undefined) {
    const answer = await send(pageOf('/api/v1/secrets', next)).catch(() => undefined);
    if (answer?.status === 500) {
      throw new BackupNotProvenError(`kube-apiserver can't read secrets of the restored data: ${messageOf(answer.body)}`);
    }
    // It does not answer yet.
    if (answer?.status !== 200) return;
    next = nextOf(List.parse(JSON.parse(answer.body)));
  }
}
