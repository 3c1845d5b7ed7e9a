import { randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { addKey, createComparison, placeOf, type StoredKeys, unservedOf } from '#domain/api-drill.ts';
import { SERVICE_NETWORK } from '#domain/network.ts';
import { BackupNotProvenError, type ClusterUnreachableError } from '#model/errors.ts';
import type { ApiDrill, ApiDrillRequest, Served, ServedResource } from '#ports/api-drill.ts';
import type { Authority } from '#ports/authority.ts';
import type { Clock } from '#ports/clock.ts';
import { lastLine, type RunningEtcd, readKeys, withRestored } from '../etcd/restored.ts';
import { type GuardedProcess, startGuarded } from '../process/guarded.ts';
import { type ApiAddress, createSend, type Send } from './http.ts';

/** What etcd's documentation of disaster recovery raises the revision by: more than any client can have seen since the snapshot. */
export const RESTORE_BUMP = 1_000_000_000;
/** 3 s on a small cluster; the caches of a large one are filled first. */
const READY_MILLISECONDS = 180_000;
const SERVER_NAME = 'kubernetes';
const PAGE = 250;
/** Lists health of other servers, of which there is none; it has no data. */
const NOT_STORED: ReadonlySet<string> = new Set(['componentstatuses']);
const HOUR = 3_600_000;

export interface ApiDrillOptions {
  readonly authority: Authority;
  readonly clock: Clock;
}

/**
 * Runs a kube-apiserver on a restored etcd. It listens on loopback, knows only an authority that is made for this call, and
 * reads etcd by a socket in its own directory.
 */
export function createApiDrill(options: ApiDrillOptions): ApiDrill {
  return {
    serve: (request) =>
      withRestored(request, RESTORE_BUMP, async (etcd) => {
        // Before the API server writes anything of its own.
        const stored: StoredKeys = new Map();
        for await (const key of readKeys(etcd.target, etcd.status.header.revision)) addKey(stored, key);
        return withApiServer(request, etcd, options, (send) => readAll(send, stored, etcd.status.header.revision));
      }),
  };
}

async function withApiServer<T>(
  request: ApiDrillRequest,
  etcd: RunningEtcd,
  options: ApiDrillOptions,
  use: (send: Send) => Promise<T>,
): Promise<T> {
  const { directory } = request;
  const place = { address: ownAddress(), port: 0 };
  place.port = await freePort(place.address);
  const address = { ...(await writeFiles(request, place.address, options)), ...place, serverName: SERVER_NAME };
  const log = join(directory, 'kube-apiserver.log');
  const server = startGuarded({ command: request.kubeApiserver, args: argsOf(directory, place, etcd), directory, log });
  try {
    const send = createSend(address);
    await untilReady(send, server, log);
    return await use(send);
  } finally {
    await server.end();
  }
}

async function writeFiles(
  { directory, encryption }: ApiDrillRequest,
  address: string,
  { authority, clock }: ApiDrillOptions,
): Promise<Pick<ApiAddress, 'ca' | 'cert' | 'key'>> {
  const now = clock.now().getTime();
  const life = { from: new Date(now - HOUR), until: new Date(now + HOUR) };
  const ca = await authority.createAuthority('drill', life.from, life.until);
  const server = await authority.issue(ca, {
    commonName: SERVER_NAME,
    dns: [SERVER_NAME],
    addresses: [address],
    usages: ['server'],
    ...life,
  });
  const client = await authority.issue(ca, { commonName: 'drill', organizations: ['system:masters'], usages: ['client'], ...life });
  const tokens = await authority.createSigningKey();
  const files = {
    'ca.crt': ca.certificate,
    'server.crt': server.certificate,
    'server.key': server.key,
    'tokens.key': tokens.key,
    'tokens.pub': tokens.publicKey,
    'encryption.yaml': encryption,
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content, { mode: 0o600 });
  return { ca: ca.certificate, cert: client.certificate, key: client.key };
}

function argsOf(directory: string, { address, port }: { address: string; port: number }, { target }: RunningEtcd): string[] {
  const file = (name: string): string => join(directory, name);
  return [
    `--etcd-servers=unix://${'socket' in target ? target.socket : target.url}`,
    `--bind-address=${address}`,
    `--advertise-address=${address}`,
    `--secure-port=${port}`,
    // It must not write itself into the Service `kubernetes`.
    '--endpoint-reconciler-type=none',
    `--tls-cert-file=${file('server.crt')}`,
    `--tls-private-key-file=${file('server.key')}`,
    `--client-ca-file=${file('ca.crt')}`,
    '--anonymous-auth=false',
    '--authorization-mode=RBAC',
    '--service-account-issuer=https://drill.invalid',
    `--service-account-key-file=${file('tokens.pub')}`,
    `--service-account-signing-key-file=${file('tokens.key')}`,
    `--service-cluster-ip-range=${SERVICE_NETWORK}`,
    `--encryption-provider-config=${file('encryption.yaml')}`,
    '--profiling=false',
    // Lists go to etcd page by page: caches of a large database would take several times its size of memory.
    '--watch-cache=false',
  ];
}

/** An address of loopback (127.0.0.0/8) of this drill's own: nobody outside this machine reaches it, and nobody here expects it. */
function ownAddress(): string {
  return [127, randomInt(1, 255), randomInt(0, 256), randomInt(1, 255)].join('.');
}

/** A port that was free a moment ago; whoever takes it in between makes the drill fail, never succeed. */
async function freePort(address: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((done, fail) => server.once('error', fail).listen(0, address, done));
  const bound = server.address();
  await new Promise((done) => server.close(done));
  if (bound === null || typeof bound === 'string') throw new Error('the system gave no port');
  return bound.port;
}

async function untilReady(send: Send, server: GuardedProcess, log: string): Promise<void> {
  const ended = server.exited.then(() => 'ended' as const);
  const deadline = Date.now() + READY_MILLISECONDS;
  let reason = 'no answer';
  while (Date.now() < deadline) {
    const answer = await Promise.race([
      ended,
      send({ method: 'GET', path: '/readyz?verbose' }).catch((error: ClusterUnreachableError) => error),
    ]);
    if (answer === 'ended') throw new BackupNotProvenError(`kube-apiserver does not run on the restored data: ${await lastLine(log)}`);
    if (!(answer instanceof Error) && answer.status === 200) return;
    reason = answer instanceof Error ? answer.message : failingChecks(answer.body);
    await refuseUnreadable(send);
    await Promise.race([ended, delay(100)]);
  }
  throw new BackupNotProvenError(
    `kube-apiserver on the restored data is not ready after ${READY_MILLISECONDS / 1000} s: ${reason}; ${await lastLine(log)}`,
  );
}

/** Its caches never fill, and it never gets ready, where Secrets can't be decrypted. @throws BackupNotProvenError then */
async function refuseUnreadable(send: Send): Promise<void> {
  const answer = await send({ method: 'GET', path: '/api/v1/secrets?limit=1' }).catch(() => undefined);
  if (answer?.status !== 500) return;
  throw new BackupNotProvenError(`kube-apiserver can't read secrets of the restored data: ${messageOf(answer.body)}`);
}

function failingChecks(body: string): string {
  const failing = body.split('\n').filter((line) => line.startsWith('[-]'));
  return failing.length === 0 ? body.slice(0, 200) : failing.map((line) => line.slice(3)).join(', ');
}

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
const Definitions = z.object({ items: z.array(z.object({ spec: z.object({ group: z.string() }) })).nullish() });
const Services = z.object({
  items: z
    .array(z.object({ spec: z.object({ group: z.string().default(''), version: z.string(), service: z.object({}).nullish() }) }))
    .nullish(),
});

interface Listable {
  readonly group: string;
  readonly resource: string;
  /** Path of all of them. */
  readonly path: string;
}

async function readAll(send: Send, stored: StoredKeys, revision: number): Promise<Served> {
  const definitions = Definitions.parse(await get(send, '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'));
  const custom = new Set((definitions.items ?? []).map(({ spec }) => spec.group));
  const services = Services.parse(await get(send, '/apis/apiregistration.k8s.io/v1/apiservices'));
  const aggregated = (services.items ?? [])
    .filter(({ spec }) => spec.service !== undefined && spec.service !== null)
    .map(({ spec }) => `${spec.group}/${spec.version}`);
  const resources: ServedResource[] = [];
  const seen = new Set<string>();
  for (const { group, resource, path } of await listable(send, new Set(aggregated))) {
    const prefix = placeOf(group, resource, custom.has(group));
    if (seen.has(prefix)) continue;
    seen.add(prefix);
    const comparison = createComparison(group === '' ? resource : `${resource}.${group}`, prefix, stored);
    resources.push(comparison.result(await list(send, path, comparison.see)));
  }
  const oldest = await send({
    method: 'GET',
    path: `/api/v1/configmaps?watch=true&timeoutSeconds=5&resourceVersion=${revision - RESTORE_BUMP}`,
  });
  return { revision, bump: RESTORE_BUMP, resources, unserved: unservedOf(stored), aggregated, oldWatch: watchStatus(oldest) };
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
          found.push({ group, resource, path: group === '' ? `/api/${version}/${resource}` : `/apis/${group}/${version}/${resource}` });
        }
      }
    }
  }
  return found;
}

/** Shows each object to `see`; answers why the list can't be read, if so. */
async function list(
  send: Send,
  path: string,
  see: (object: { name: string; namespace?: string | undefined }) => void,
): Promise<string | undefined> {
  let next = '';
  do {
    const answer = await send({ method: 'GET', path: `${path}?limit=${PAGE}&continue=${encodeURIComponent(next)}` }).catch(
      (error: ClusterUnreachableError) => error,
    );
    if (answer instanceof Error) return answer.message;
    if (answer.status !== 200) return messageOf(answer.body);
    const page = List.parse(JSON.parse(answer.body));
    for (const { metadata } of page.items ?? []) see(metadata);
    next = page.metadata.continue ?? '';
  } while (next !== '');
  return undefined;
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
