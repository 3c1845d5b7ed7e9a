import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKubernetes } from '#adapters/kubernetes/kubernetes.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import { mintClient } from '#adapters/x509/clients.ts';
import { secretIds } from '#domain/names.ts';
import { API_PORT, clusterAddresses } from '#domain/network.ts';
import type { IdentityVersions } from '#model/configuration.ts';
import { type ClientIdentity, IdentityFiles } from '#model/identity.ts';
import { rewriteSecrets } from '../../functions/cluster/rewrite-secrets.ts';
import { issueIdentity } from '../../functions/identity/issue-identity.ts';
import { type Child, until } from '../support/child.ts';
import { aRender, HASH } from '../support/cluster-world.ts';
import { type ControlPlane, startApi, startControlPlane } from '../support/control-plane.ts';
import { createFakeObjects } from '../support/fakes/objects.ts';
import { get } from '../support/tls.ts';

const KINDS = ['clusterCa', 'serviceAccounts', 'encryption'] as const;
const MOVES = [
  { trusted: [1, 2], issues: 1 },
  { trusted: [1, 2], issues: 2 },
  { trusted: [2], issues: 2 },
];

let plane: ControlPlane;
const issuer = createFakeObjects();
let directory: string;
/** Two API servers of one etcd, as behind a load balancer. */
const servers: { address: string; child: Child | undefined; serving: boolean; inFlight: number }[] = [];
/** What was issued by the first generation. */
let first: { client: ClientIdentity; token: string };

beforeAll(async () => {
  plane = await startControlPlane({ api: false });
  directory = mkdtempSync(join(tmpdir(), 'sluice-rotation-'));
  for (const address of clusterAddresses(plane.cluster.network).apiByZone.slice(0, 2))
    servers.push({ address, child: undefined, serving: false, inFlight: 0 });
  await roll();
  const api = await kubernetesAt(servers[0]?.address ?? '');
  await api.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'kept', namespace: 'default' }, data: { a: 'MQ==' } });
  first = { client: await plane.client('kubernetes'), token: await podToken() };
}, 120_000);

afterAll(async () => {
  for (const { child } of servers) await child?.stop();
  await plane?.stop();
  rmSync(directory, { recursive: true, force: true });
}, 60_000);

function ports() {
  return { secrets: plane.secrets, authority: createAuthority(), clock: { now: () => new Date() }, issuer };
}

/** Replaces one API server after the other, each with the files as they are then; a balancer leaves out who is not ready. */
async function roll(): Promise<void> {
  for (const [index, server] of servers.entries()) {
    server.serving = false;
    // As a load balancer's deregistration: what is under way ends first.
    while (server.inFlight > 0) await delay(10);
    await server.child?.stop();
    const pki = join(directory, String(index));
    mkdirSync(pki, { recursive: true });
    const files = IdentityFiles.parse(JSON.parse(plane.secrets.values.get(secretIds.controlPlane(plane.cluster.name)) ?? '{}'));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(pki, name), text);
    server.child = startApi(server.address, clusterAddresses(plane.cluster.network).etcd[0], '1.35.4', pki, false);
    const client = await plane.client('kubernetes');
    const ready = async (): Promise<true | undefined> =>
      (await get(server.address, API_PORT, '/readyz', client, 'kubernetes'))?.status === 200 ? true : undefined;
    await until(`the API server ${index}`, ready, server.child, 90);
    server.serving = true;
  }
}

async function kubernetesAt(address: string) {
  return createKubernetes({ ...(await plane.client('kubernetes')), address, port: API_PORT, serverName: 'kubernetes' });
}

/** One request over a new connection: the status, or undefined when nobody listens there. Whoever is not trusted is an error. */
function ask(
  address: string,
  identity: Partial<ClientIdentity> & { ca: string },
  path: string,
  token?: string,
): Promise<number | undefined> {
  const agent = new Agent({ keepAlive: false });
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    request({ host: address, port: API_PORT, path, servername: 'kubernetes', headers, agent, ...identity }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode));
    })
      .on('error', (error: NodeJS.ErrnoException) =>
        ['ECONNREFUSED', 'ECONNRESET'].includes(error.code ?? '') ? resolve(undefined) : reject(error),
      )
      .end();
  });
}

/** Asks again and again as people and pods do, at whichever server answers; answers what went wrong. */
function poll(client: ClientIdentity, token: string): { stop(): Promise<{ asked: number; failed: string[] }> } {
  let on = true;
  const failed: string[] = [];
  let asked = 0;
  const once = async (path: string, identity: ClientIdentity | { ca: string }, bearer?: string): Promise<void> => {
    const server = servers.find(({ serving }) => serving);
    if (server === undefined) return void failed.push(`${path}: no server is there`);
    server.inFlight += 1;
    const status = await ask(server.address, identity, path, bearer).catch((error: unknown) => String(error));
    server.inFlight -= 1;
    asked += 1;
    if (status !== 200) failed.push(`${path}: ${status ?? 'nobody answered'}`);
  };
  const running = (async () => {
    while (on) {
      await once('/api/v1/namespaces/default/secrets/kept', client);
      await once('/api', { ca: client.ca }, token);
      await delay(50);
    }
  })();
  return {
    stop: async () => {
      on = false;
      await running;
      return { asked, failed };
    },
  };
}

async function podToken(): Promise<string> {
  const api = await kubernetesAt(servers[0]?.address ?? '');
  await api.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'pod', namespace: 'default' } });
  const client = await plane.client('kubernetes');
  return new Promise((resolve, reject) => {
    const path = '/api/v1/namespaces/default/serviceaccounts/pod/token';
    const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} });
    const options = {
      host: servers[0]?.address,
      port: API_PORT,
      path,
      method: 'POST',
      servername: 'kubernetes',
      headers: { 'content-type': 'application/json' },
      ...client,
    };
    request(options, (answer) => {
      answer.toArray().then((chunks: Buffer[]) => resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')).status.token), reject);
    })
      .on('error', reject)
      .end(body);
  });
}

describe('a rotation of all three kinds on a running control plane', () => {
  it.each(MOVES)(
    'by $trusted, issuing $issues: no request fails, neither with what was issued before nor after',
    async (generation) => {
      const identity = Object.fromEntries(KINDS.map((kind) => [kind, generation])) as IdentityVersions;
      // What clients have from the move before, which they still have while the servers are replaced.
      const polling = poll(await mintClient(ports(), plane.cluster.name, 'kubernetes'), await podToken());

      await issueIdentity.run({ cluster: plane.cluster, render: { versions: { identity } } }, ports(), { execution: 'test' });
      const after = poll(await mintClient(ports(), plane.cluster.name, 'kubernetes'), await podToken());
      await roll();
      const objects = createFakeObjects();
      const render = aRender();
      await objects.put(`manifests/${HASH}.json`, JSON.stringify({ ...render, versions: { ...render.versions, identity } }));
      const clusterPorts = {
        ...ports(),
        objects,
        kubernetes: () => kubernetesAt(servers[0]?.address ?? ''),
        instances: undefined as never,
        addresses: undefined as never,
      };
      await rewriteSecrets.run({ cluster: plane.cluster, render: { hash: HASH } }, clusterPorts, { execution: 'test' });

      const [before, later] = [await polling.stop(), await after.stop()];
      expect([before.failed, later.failed]).toEqual([[], []]);
      expect(before.asked).toBeGreaterThan(10);
      expect(later.asked).toBeGreaterThan(10);
    },
    240_000,
  );

  it('ends with one of each, by which every Secret is read, and what was issued by the old ones is not let in', async () => {
    const files = IdentityFiles.parse(JSON.parse(plane.secrets.values.get(secretIds.controlPlane(plane.cluster.name)) ?? '{}'));
    const kept = await (await kubernetesAt(servers[1]?.address ?? '')).get({
      apiVersion: 'v1',
      kind: 'Secret',
      namespace: 'default',
      name: 'kept',
    });

    const { ca } = await plane.client('kubernetes');
    const address = servers[0]?.address ?? '';
    const byOldCertificate = await ask(address, { ...first.client, ca }, '/api/v1/namespaces/default/secrets/kept');
    const byOldToken = await ask(address, { ca }, '/api', first.token);

    expect([byOldCertificate, byOldToken]).toEqual([401, 401]);
    expect([files['ca.crt'], files['sa.pub']].map((text) => text?.match(/BEGIN/g)?.length)).toEqual([1, 1]);
    expect(files['encryption.yaml']).not.toContain('key1');
    expect(kept?.['data']).toEqual({ a: 'MQ==' });
  }, 60_000);
});
