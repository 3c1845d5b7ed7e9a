import { randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { addKey, type StoredKeys } from '#domain/api-drill.ts';
import { SERVICE_NETWORK } from '#domain/network.ts';
import { REVISION_BUMP } from '#domain/restore.ts';
import { BackupNotProvenError, type ClusterUnreachableError } from '#model/errors.ts';
import type { ApiDrill, ApiDrillRequest } from '#ports/api-drill.ts';
import type { Authority } from '#ports/authority.ts';
import type { Clock } from '#ports/clock.ts';
import { lastLine, type RunningEtcd, readKeys, withRestored } from '../etcd/restored.ts';
import { type GuardedProcess, startGuarded } from '../process/guarded.ts';
import { readAll, refuseUnreadable } from './api-lists.ts';
import { type ApiAddress, createSend, type Send } from './http.ts';

/** 3 s on a small cluster; the caches of a large one are filled first. */
const READY_MILLISECONDS = 180_000;
/** Between two looks at all Secrets while it is not ready. */
const LOOK_MILLISECONDS = 2_000;
const SERVER_NAME = 'kubernetes';
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
      withRestored(request, REVISION_BUMP, async (etcd) => {
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
    // It would compact every 5 minutes, and the next page of a long list would be gone.
    '--etcd-compaction-interval=0',
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

/**
 * Waits until the API server says that it is ready.
 * @throws BackupNotProvenError when it ends or can't read a Secret, `late` when it was not ready in time
 */
export async function untilReady(send: Send, server: GuardedProcess, log: string, milliseconds = READY_MILLISECONDS): Promise<void> {
  const ended = server.exited.then(() => 'ended' as const);
  const deadline = Date.now() + milliseconds;
  let look = Date.now();
  let reason = 'no answer';
  while (Date.now() < deadline) {
    const answer = await Promise.race([
      ended,
      send({ method: 'GET', path: '/readyz?verbose' }).catch((error: ClusterUnreachableError) => error),
    ]);
    if (answer === 'ended') throw new BackupNotProvenError(`kube-apiserver does not run on the restored data: ${await lastLine(log)}`);
    if (!(answer instanceof Error) && answer.status === 200) return;
    reason = answer instanceof Error ? answer.message : failingChecks(answer.body);
    if (Date.now() >= look) {
      await refuseUnreadable(send);
      look = Date.now() + LOOK_MILLISECONDS;
    }
    await Promise.race([ended, delay(100)]);
  }
  throw new BackupNotProvenError(
    `kube-apiserver on the restored data is not ready after ${milliseconds / 1000} s: ${reason}; ${await lastLine(log)}`,
    { late: true },
  );
}

function failingChecks(body: string): string {
  const failing = body.split('\n').filter((line) => line.startsWith('[-]'));
  return failing.length === 0 ? body.slice(0, 200) : failing.map((line) => line.slice(3)).join(', ');
}
