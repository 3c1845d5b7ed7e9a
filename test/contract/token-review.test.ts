import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createObjects } from '#adapters/s3/objects.ts';
import { accountKeys, bucketName } from '#domain/names.ts';
import { clusterAddresses } from '#domain/network.ts';
import type { ClusterAccess } from '#model/access.ts';
import { type LocalIssuer, startLocalIssuer } from '../../local/issuer.ts';
import { accountView } from '../../local/machine-room/aws.ts';
import { type KubernetesApi, kubernetesApi } from '../../local/machine-room/kubernetes-api.ts';
import { fastStages, type MachineRoom, startMachineRoom } from '../../local/machine-room/room.ts';
import { binary } from '../support/binaries.ts';
import { deployFunction } from '../support/machine-room/account-function.ts';
import { missingTools, runBootScript } from '../support/machine-room/boot-script.ts';
import { controlPlaneDocument, etcdDocument, groupTemplate } from '../support/machine-room/documents.ts';
import { type Cell, createCell, eventually, REGION, temporaryDirectory } from '../support/machine-room/world.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

const NAME = 'logging-in';
const ACCOUNT = '555555555555';
const NETWORK = '127.80.0.0/16';
const ADDRESSES = clusterAddresses(NETWORK);

let issuer: LocalIssuer;
let aws: Ministack;
let room: MachineRoom;
let cell: Cell;
let ca: string;
let admin: KubernetesApi;
const apis: KubernetesApi[] = [];
const directory = temporaryDirectory();

beforeAll(async () => {
  issuer = await startLocalIssuer();
  const trusted = join(directory.path, 'issuer-ca.crt');
  writeFileSync(trusted, issuer.ca);
  aws = await startMinistack({ NODE_EXTRA_CA_CERTS: trusted });
  room = await startMachineRoom({
    awsEndpoint: aws.endpoint,
    region: REGION,
    accounts: [ACCOUNT],
    directory: join(directory.path, 'room'),
    binaries: async (name, version) => binary(name, name === 'etcd' ? undefined : version),
    log: () => undefined,
    kwok: { binary: binary('kwok'), stages: fastStages(join(binary('kwok'), '../stages')) },
  });
  cell = await createCell(aws.endpoint, {
    name: NAME,
    account: ACCOUNT,
    region: REGION,
    environment: 'test',
    network: NETWORK,
    channel: 'dev',
  });
  await cell.issueIdentity();
  await deployFunction(aws, ACCOUNT, 'token-review');
  await bringUp('etcd', etcdDocument(NAME, ADDRESSES.etcd[0]));
  await bringUp('control-plane', controlPlaneDocument(NAME, ADDRESSES.api, ADDRESSES.etcd[0], '1.35.4', true));
  const identity = await cell.admin();
  ca = identity.ca;
  admin = kubernetesApi(ADDRESSES.api, identity);
  apis.push(admin);
  await eventually('the API', 60, async () => ((await admin.call('GET', '/readyz')).status === 200 ? true : undefined));
  await bind('sluice:read-only', 'view');
  await bind('sluice:emergency', 'cluster-admin');
  // The role is put together by the controller manager.
  await eventually('the role view', 30, async () => {
    const { body } = await admin.call('GET', '/apis/rbac.authorization.k8s.io/v1/clusterroles/view');
    return ((body as { rules?: unknown[] }).rules ?? []).length > 0 ? true : undefined;
  });
}, 120_000);

afterAll(async () => {
  for (const api of apis) api.close();
  await room?.close();
  await aws?.stop();
  await issuer?.close();
  directory.remove();
}, 60_000);

async function bringUp(role: string, document: { text: string; sha256: string }): Promise<void> {
  await cell.putDocument(document);
  const parameters = { IgnitionHash: document.sha256, Network: NETWORK, ApiAddress: ADDRESSES.api };
  await cell.putStack(role, groupTemplate(NAME, role, { min: 1, max: 2, zones: [`${REGION}a`] }), parameters);
}

async function bind(group: string, role: string): Promise<void> {
  const answer = await admin.call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: group },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: group }],
  });
  expect(answer.status).toBe(201);
}

async function settle(change: Partial<ClusterAccess>): Promise<void> {
  const claims = { user: 'sub', groups: 'groups' };
  const access: ClusterAccess = {
    cluster: NAME,
    production: true,
    commit: 'c',
    login: { issuer: issuer.url, audience: issuer.audience, claims, writers: [] },
    emergency: [],
    ...change,
  };
  await createObjects(bucketName(ACCOUNT, REGION), aws.of(ACCOUNT)).put(accountKeys.access(NAME), JSON.stringify(access));
}

function asPerson(token: string): KubernetesApi {
  const api = kubernetesApi(ADDRESSES.api, { ca, token });
  apis.push(api);
  return api;
}

const MAP = { metadata: { name: 'by-a-person' } };

describe('a person with a token of the issuer', () => {
  it('is who the token says, may look in production, and change nothing', async () => {
    await settle({});
    const api = asPerson(issuer.token('ann', ['platform']));

    const looked = await api.call('GET', '/api/v1/namespaces/default/configmaps');
    const secrets = await api.call('GET', '/api/v1/namespaces/default/secrets');
    const written = await api.call('POST', '/api/v1/namespaces/default/configmaps', MAP);
    const self = await api.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {});

    expect([looked.status, secrets.status, written.status]).toEqual([200, 403, 403]);
    expect(self.body).toMatchObject({
      status: { userInfo: { username: 'oidc:ann', groups: ['sluice:read-only', 'system:authenticated'] } },
    });
  });

  it('may change things while an entry for an emergency lasts', async () => {
    const hour = 3_600_000;
    const at = (milliseconds: number): string => new Date(Date.now() + milliseconds).toISOString();
    const entry = { cluster: NAME, reason: 'the shop is down', from: at(-hour) };
    await settle({
      emergency: [
        { ...entry, user: 'bob', until: at(hour) },
        { ...entry, user: 'eve', until: at(-1000) },
      ],
    });

    const bob = await asPerson(issuer.token('bob', [])).call('POST', '/api/v1/namespaces/default/configmaps', MAP);
    const eve = await asPerson(issuer.token('eve', [])).call('DELETE', '/api/v1/namespaces/default/configmaps/by-a-person');

    expect([bob.status, eve.status]).toEqual([201, 403]);
  });

  it('does not get in by a token of another issuer, or one that was changed', async () => {
    const other = await startLocalIssuer();
    const foreign = await asPerson(other.token('ann', [])).call('GET', '/api/v1/namespaces/default/configmaps');
    await other.close();
    const token = issuer.token('ann', []);
    const forged = token.replace(
      /^([^.]+)\.[^.]+/,
      `$1.${Buffer.from(JSON.stringify({ iss: issuer.url, aud: 'sluice', sub: 'root', exp: 4e9 })).toString('base64url')}`,
    );
    const changed = await asPerson(forged).call('GET', '/api/v1/namespaces/default/configmaps');

    expect([foreign.status, changed.status]).toEqual([401, 401]);
  });

  it.skipIf(missingTools().length > 0)('is asked about by the script of the user data (needs bash, curl, jq, openssl)', async () => {
    await settle({});
    const plane = room.instances().find(({ role }) => role === 'control-plane');
    const view = accountView(aws.endpoint, REGION, ACCOUNT);
    const session = await view.roleSession(plane?.profileArn ?? '', plane?.id ?? '');
    const instance = { id: plane?.id ?? '', region: REGION, cluster: NAME, session, awsEndpoint: aws.endpoint };
    const review = JSON.stringify({
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token: issuer.token('ann', []), audiences: ['https://kubernetes.default.svc.cluster.local'] },
    });
    const request = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${review.length}\r\nContent-Type: application/json\r\n\r\n${review}`;
    const files = ['/opt/sluice/login', '/opt/sluice/aws.sh', '/etc/sluice/login.json'];

    const good = await runBootScript(join(directory.path, 'script'), files, instance, request);
    const bad = await runBootScript(join(directory.path, 'script'), files, instance, 'POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}');

    expect([good.code, good.output.split('\r\n')[0]]).toEqual([0, 'HTTP/1.1 200 OK']);
    expect(JSON.parse(good.output.split('\r\n\r\n')[1] ?? '')).toMatchObject({
      status: { authenticated: true, user: { username: 'oidc:ann' } },
    });
    expect(bad.output.split('\r\n')[0]).toBe('HTTP/1.1 503 Service Unavailable');
  });

  it('stays outside while the issuer or the function is not there, and Sluice goes on', async () => {
    await settle({ login: { issuer: 'https://127.0.0.1:1', audience: 'sluice', claims: { user: 'sub', groups: 'groups' }, writers: [] } });

    const person = await asPerson(issuer.token('carl', [])).call('GET', '/api/v1/namespaces/default/configmaps');
    const sluice = await admin.call('GET', '/api/v1/namespaces/default/configmaps');

    expect([person.status, sluice.status]).toEqual([401, 200]);
  }, 60_000);
});
