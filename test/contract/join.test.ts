import { createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AutoScalingClient, TerminateInstanceInAutoScalingGroupCommand } from '@aws-sdk/client-auto-scaling';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterAddresses } from '#domain/network.ts';
import { type AccountView, accountView, type RoleSession } from '../../local/machine-room/aws.ts';
import { certificateRequest, signIdentity } from '../../local/machine-room/join.ts';
import { type KubernetesApi, kubernetesApi } from '../../local/machine-room/kubernetes-api.ts';
import { fastStages, type MachineRoom, startMachineRoom } from '../../local/machine-room/room.ts';
import type { Machine } from '../../local/machine-room/types.ts';
import { binary } from '../support/binaries.ts';
import { deployJoinFunction } from '../support/machine-room/account-function.ts';
import { missingTools, runBootScript } from '../support/machine-room/boot-script.ts';
import { controlPlaneDocument, etcdDocument, groupTemplate, nodeDocument } from '../support/machine-room/documents.ts';
import { type Cell, createCell, eventually, REGION, temporaryDirectory } from '../support/machine-room/world.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';

const NAME = 'joining';
const ACCOUNT = '444444444444';
const NETWORK = '127.81.0.0/16';
const ADDRESSES = clusterAddresses(NETWORK);
const ZONES = [`${REGION}a`];

let aws: Ministack;
let room: MachineRoom;
let cell: Cell;
let view: AccountView;
let ca: string;
const apis: KubernetesApi[] = [];
const directory = temporaryDirectory();

beforeAll(async () => {
  aws = await startMinistack();
  room = await startMachineRoom({
    awsEndpoint: aws.endpoint,
    region: REGION,
    accounts: [ACCOUNT],
    directory: directory.path,
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
  await deployJoinFunction(aws, ACCOUNT, room.autoscalingUrl);
  view = accountView(aws.endpoint, REGION, ACCOUNT);
  ca = (await cell.admin()).ca;
  await bringUp('etcd', etcdDocument(NAME, ADDRESSES.etcd[0]), 1);
  await bringUp('control-plane', controlPlaneDocument(NAME, ADDRESSES.api, ADDRESSES.etcd[0], '1.35.4'), 1);
  await bringUp('pool-general', nodeDocument(NAME, '1.35.4', 5), 2);
  await eventually('two nodes', 60, async () => ((await nodes()).length === 2 ? true : undefined));
}, 120_000);

afterAll(async () => {
  for (const api of apis) api.close();
  await room?.close();
  await aws?.stop();
  directory.remove();
}, 60_000);

async function bringUp(role: string, document: { text: string; sha256: string }, size: number): Promise<void> {
  await cell.putDocument(document);
  await cell.putStack(role, groupTemplate(NAME, role, { min: size, max: size + 1, zones: ZONES }), {
    IgnitionHash: document.sha256,
    Network: NETWORK,
    ApiAddress: ADDRESSES.api,
  });
}

async function nodes(): Promise<string[]> {
  const { body } = await apiBy(await cell.admin()).call('GET', '/api/v1/nodes');
  return (body as { items: { metadata: { name: string } }[] }).items.map((node) => node.metadata.name);
}

function apiBy(identity: { ca: string; cert: string; key: string }): KubernetesApi {
  const api = kubernetesApi(ADDRESSES.api, identity);
  apis.push(api);
  return api;
}

function poolMachines(): [Machine, Machine] {
  const [first, second] = room.instances().filter((machine) => machine.role === 'pool-general' && machine.state === 'InService');
  if (first === undefined || second === undefined) throw new Error('there are no two machines of the pool');
  return [first, second];
}

function pemOf(machine: Machine): string {
  return readFileSync(join(directory.path, ACCOUNT, machine.id, 'root/etc/sluice/pki/node.pem'), 'utf8');
}

function sessionOf(machine: Machine): Promise<RoleSession> {
  return view.roleSession(machine.profileArn ?? '', machine.id);
}

/** Asks for a certificate by a session; answers it, or the error's words. */
async function ask(
  session: RoleSession,
  change: { cluster?: string; csr?: string; sts?: Partial<{ date: string }> } = {},
): Promise<string> {
  const { csr } = certificateRequest('anything');
  const sts = signIdentity(session, { host: view.stsHost, region: REGION, cluster: NAME, csr, now: new Date() });
  return invoke(session, { cluster: change.cluster ?? NAME, csr: change.csr ?? csr, sts: { ...sts, ...change.sts } });
}

async function invoke(session: RoleSession, payload: unknown): Promise<string> {
  const { text } = await view.invoke(session, 'sluice-join', JSON.stringify(payload));
  const answer = JSON.parse(text) as { certificate?: string; errorType?: string; errorMessage?: string };
  return answer.certificate ?? `${answer.errorType}: ${answer.errorMessage}`;
}

describe('a node of the machine room', () => {
  it('joined by a certificate of its own, as itself', async () => {
    const [first, second] = poolMachines();

    const subjects = [first, second].map((machine) => new X509Certificate(pemOf(machine)).subject);

    expect(subjects).toEqual([first, second].map(({ id }) => `O=system:nodes\nCN=system:node:${id}`));
    expect((await nodes()).sort()).toEqual([first.id, second.id].sort());
  });

  it('can change its own Node, and neither another nor itself into another', async () => {
    const [first, second] = poolMachines();
    const api = apiBy({ ca, cert: pemOf(first), key: pemOf(first) });
    const patch = { metadata: { annotations: { 'example.org/by': 'first' } } };

    const own = await api.call('PATCH', `/api/v1/nodes/${first.id}`, patch);
    const others = await api.call('PATCH', `/api/v1/nodes/${second.id}`, patch);
    const created = await api.call('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'i-0another' } });
    const secrets = await api.call('GET', '/api/v1/secrets');

    expect([own.status, others.status, created.status, secrets.status]).toEqual([200, 403, 403, 403]);
  });

  it('gets a new certificate in time, and stays who it is', async () => {
    const [first] = poolMachines();
    const before = new X509Certificate(pemOf(first)).serialNumber;

    const renewed = await eventually('another certificate', 20, () => {
      const now = new X509Certificate(pemOf(first));
      return now.serialNumber === before ? undefined : now;
    });

    expect(renewed.subject).toContain(`system:node:${first.id}`);
    expect((await apiBy({ ca, cert: pemOf(first), key: pemOf(first) }).call('GET', `/api/v1/nodes/${first.id}`)).status).toBe(200);
  });
});

describe('sluice-join', () => {
  it('answers a request again with a certificate for the same key only', async () => {
    const session = await sessionOf(poolMachines()[0]);
    const { csr, key } = certificateRequest('x');
    const sts = signIdentity(session, { host: view.stsHost, region: REGION, cluster: NAME, csr, now: new Date() });

    const answers = [await invoke(session, { cluster: NAME, csr, sts }), await invoke(session, { cluster: NAME, csr, sts })];

    for (const answer of answers) expect(new X509Certificate(answer).publicKey.equals(createPublicKey(key))).toBe(true);
  });

  it('refuses a signature for another key or cluster, by another secret, or of another time', async () => {
    const session = await sessionOf(poolMachines()[0]);

    expect(await ask(session, { csr: certificateRequest('thief').csr })).toMatch(/^RefusedError: .*SignatureDoesNotMatch/);
    expect(await ask(session, { cluster: 'other' })).toMatch(/^RefusedError: .*SignatureDoesNotMatch/);
    expect(await ask({ ...session, secretAccessKey: 'guessed' })).toMatch(/^RefusedError: .*SignatureDoesNotMatch/);
    expect(await ask({ ...session, sessionToken: 'guessed' })).toMatch(/^RefusedError: .*InvalidClientTokenId/);
    expect(await ask(session, { sts: { date: '20260101T000000Z' } })).toMatch(/^RefusedError: the request was signed at/);
  });

  it('refuses who may take a role and calls itself an instance', async () => {
    const [first] = poolMachines();
    const sts = new STSClient(aws.of(ACCOUNT));
    const { Credentials } = await sts.send(
      new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${ACCOUNT}:role/deployer`, RoleSessionName: first.id }),
    );
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = Credentials ?? {};

    const answer = await ask({ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken });

    expect(answer).toBe(`RefusedError: ${first.id} may not join ${NAME}: deployer is not its role`);
  });

  it('refuses a control plane', async () => {
    const plane = room.instances().find(({ role }) => role === 'control-plane');

    const answer = await ask(await sessionOf(plane as Machine));

    expect(answer).toMatch(/is not a node pool$/);
  });

  it.skipIf(missingTools().length > 0)(`is asked by the script of the user data (needs bash, curl, jq, openssl)`, async () => {
    const [first] = poolMachines();
    const root = join(directory.path, 'script');
    const instance = { id: first.id, region: REGION, cluster: NAME, session: await sessionOf(first), awsEndpoint: aws.endpoint };

    const ran = await runBootScript(root, ['/opt/sluice/join', '/opt/sluice/aws.sh', '/etc/sluice/join.json'], instance);

    expect(ran).toEqual({ code: 0, output: '', errors: '' });
    const pem = readFileSync(join(root, 'etc/sluice/pki/node.pem'), 'utf8');
    const api = apiBy({ ca: readFileSync(join(root, 'etc/sluice/pki/ca.crt'), 'utf8'), cert: pem, key: pem });
    expect((await api.call('GET', `/api/v1/nodes/${first.id}`)).status).toBe(200);
  });

  it('refuses an instance that is being ended', async () => {
    const [first] = poolMachines();
    const session = await sessionOf(first);
    const scaling = new AutoScalingClient({ ...aws.of(ACCOUNT), endpoint: room.autoscalingUrl });

    await scaling.send(new TerminateInstanceInAutoScalingGroupCommand({ InstanceId: first.id, ShouldDecrementDesiredCapacity: false }));

    expect(await ask(session)).toMatch(/^RefusedError: .*may not join/);
  });
});
