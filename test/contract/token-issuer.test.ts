import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { createKubernetes } from '#adapters/kubernetes/kubernetes.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import { issuerKeys, secretIds, tokenIssuer } from '#domain/names.ts';
import { API_PORT, clusterAddresses } from '#domain/network.ts';
import { substitute } from '#domain/variables.ts';
import type { KeyGenerations } from '#model/configuration.ts';
import { PublicKeySet } from '#model/identity.ts';
import { issueIdentity } from '../../functions/identity/issue-identity.ts';
import { type Child, until } from '../support/child.ts';
import { type ControlPlane, filesOf, startApi, startControlPlane } from '../support/control-plane.ts';
import { createFakeObjects } from '../support/fakes/objects.ts';
import { get } from '../support/tls.ts';

const IN_CLUSTER = 'https://kubernetes.default.svc.cluster.local';
const AWS = 'sts.amazonaws.com';
const USER_DATA = resolve(import.meta.dirname, '../../channels/cluster/user-data/control-plane.yaml');

/** The flags about tokens that instances of the reference configuration start the API server with. */
function tokenFlags(issuer: string): string[] {
  const flags = readFileSync(USER_DATA, 'utf8').match(/--(service-account-issuer|service-account-jwks-uri|api-audiences)=\S+/g) ?? [];
  expect(flags).toHaveLength(4);
  return flags.map((flag) => substitute(flag, { TOKEN_ISSUER: issuer }));
}

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

describe.each(['1.35.4', '1.36.3'])('tokens of service accounts of kube-apiserver %s', (version) => {
  let plane: ControlPlane;
  let directory: string;
  let api: Child | undefined;
  let issuer: string;
  const objects = createFakeObjects();
  /** Given before the API server had an issuer that the world knows. */
  let old: string;

  beforeAll(async () => {
    plane = await startControlPlane({ api: false });
    directory = mkdtempSync(join(tmpdir(), 'sluice-issuer-'));
    issuer = tokenIssuer(plane.cluster);
    await start([]);
    const kubernetes = createKubernetes({
      ...(await plane.client('kubernetes')),
      address: plane.address,
      port: API_PORT,
      serverName: 'kubernetes',
    });
    await kubernetes.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'external-dns', namespace: 'kube-system' } });
    old = await tokenFor();
    await issue({ trusted: [1], issues: 1 });
    await start(tokenFlags(issuer));
  }, 180_000);

  afterAll(async () => {
    await api?.stop();
    await plane?.stop();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  async function start(flags: readonly string[]): Promise<void> {
    await api?.stop();
    const pki = filesOf(plane.secrets, secretIds.controlPlane(plane.cluster.name), join(directory, 'pki'));
    api = startApi(plane.address, clusterAddresses(plane.cluster.network).etcd[0], version, pki, false, flags);
    const client = await plane.client('kubernetes');
    const ready = async (): Promise<true | undefined> =>
      (await get(plane.address, API_PORT, '/readyz', client, 'kubernetes'))?.status === 200 ? true : undefined;
    await until('kube-apiserver', ready, api, 90);
  }

  async function issue(serviceAccounts: KeyGenerations): Promise<void> {
    const ports = { secrets: plane.secrets, authority: createAuthority(), clock: { now: () => new Date() }, issuer: objects };
    await issueIdentity.run({ cluster: plane.cluster, render: { versions: { identity: { serviceAccounts } } } }, ports, {
      execution: 'test',
    });
  }

  async function ask(path: string, options: { token?: string; body?: unknown } = {}): Promise<Answer> {
    const client = await plane.client('kubernetes');
    const who = options.token === undefined ? client : { ca: client.ca };
    const headers = options.token === undefined ? { 'content-type': 'application/json' } : { authorization: `Bearer ${options.token}` };
    const method = options.body === undefined ? 'GET' : 'POST';
    return new Promise((done, fail) => {
      const sent = request(
        { host: plane.address, port: API_PORT, path, method, servername: 'kubernetes', headers, agent: false, ...who },
        (answer) => {
          answer
            .toArray()
            .then((chunks: Buffer[]) => done({ status: answer.statusCode, body: Buffer.concat(chunks).toString('utf8') }), fail);
        },
      );
      sent.on('error', fail).end(options.body === undefined ? undefined : JSON.stringify(options.body));
    });
  }

  async function tokenFor(audiences?: readonly string[]): Promise<string> {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences, expirationSeconds: 3600 } };
    const answer = await ask('/api/v1/namespaces/kube-system/serviceaccounts/external-dns/token', { body });
    return z.object({ status: z.object({ token: z.string() }) }).parse(JSON.parse(answer.body)).status.token;
  }

  function published(): PublicKeySet {
    return PublicKeySet.parse(JSON.parse(objects.contents()[issuerKeys.keys(plane.cluster.name)] ?? 'null'));
  }

  /** As AWS verifies: by what is published, and nothing else. */
  async function verified(token: string) {
    const keys = createLocalJWKSet({ keys: published().keys.map((key) => ({ ...key })) });
    return (await jwtVerify(token, keys, { issuer: `https://${issuer}`, audience: AWS })).payload;
  }

  it('for AWS are verified by the keys that are published, and name issuer and service account as a trust does', async () => {
    const payload = await verified(await tokenFor([AWS]));

    expect(payload.sub).toBe('system:serviceaccount:kube-system:external-dns');
    expect(payload.aud).toEqual([AWS]);
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3600);
  });

  it('for AWS do not open the API, and those for the API are none for AWS', async () => {
    const [forAws, forApi] = [await tokenFor([AWS]), await tokenFor()];

    expect((await ask('/api', { token: forAws })).status).toBe(401);
    expect((await ask('/api', { token: forApi })).status).toBe(200);
    expect(decodeJwt(forApi)).toMatchObject({ iss: `https://${issuer}`, aud: [IN_CLUSTER] });
    await expect(verified(forApi)).rejects.toThrow('"aud"');
  });

  it('that were given in the name that only the cluster knows stay valid', async () => {
    expect(decodeJwt(old)).toMatchObject({ iss: IN_CLUSTER, aud: [IN_CLUSTER] });
    expect((await ask('/api', { token: old })).status).toBe(200);
  });

  it('are said to be verified by what is published: the server itself names the same keys and the same place', async () => {
    const [discovery, keys] = [await ask('/.well-known/openid-configuration'), await ask('/openid/v1/jwks')];
    const own = z.object({ keys: z.array(z.looseObject({ kid: z.string() })) }).parse(JSON.parse(keys.body));
    const stated = JSON.parse(objects.contents()[issuerKeys.configuration(plane.cluster.name)] ?? 'null');

    expect(JSON.parse(discovery.body)).toMatchObject({
      issuer: stated.issuer,
      jwks_uri: stated.jwks_uri,
      id_token_signing_alg_values_supported: stated.id_token_signing_alg_values_supported,
    });
    expect(own.keys.length).toBe(1);
    expect(own.keys).toEqual(published().keys);
  });

  it('are verified at each step of a rotation of the key, those from before it too until it is dropped', async () => {
    const before = await tokenFor([AWS]);
    const ids = [decodeProtectedHeader(before).kid];
    for (const generation of [
      { trusted: [1, 2], issues: 1 },
      { trusted: [1, 2], issues: 2 },
    ]) {
      await issue(generation);
      await start(tokenFlags(issuer));
      const now = await tokenFor([AWS]);
      ids.push(decodeProtectedHeader(now).kid);
      await verified(now);
      await verified(before);
    }
    await issue({ trusted: [2], issues: 2 });

    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
    await verified(await tokenFor([AWS]));
    await expect(verified(before)).rejects.toThrow('no applicable key');
  }, 180_000);
});
