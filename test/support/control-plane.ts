import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { createAuthority } from '#adapters/x509/authority.ts';
import { mintClient } from '#adapters/x509/clients.ts';
import { secretIds } from '#domain/names.ts';
import { API_PORT, clusterAddresses, ETCD_CLIENT_PORT, ETCD_PEER_PORT, SERVICE_NETWORK } from '#domain/network.ts';
import { type ClientIdentity, IdentityFiles } from '#model/identity.ts';
import type { ClusterRef } from '#model/settings.ts';
import { issueIdentity } from '../../functions/identity/issue-identity.ts';
import { binary } from './binaries.ts';
import { type Child, startChild, until } from './child.ts';
import { createFakeObjects } from './fakes/objects.ts';
import { createFakeSecrets, type FakeSecrets } from './fakes/secrets.ts';
import { get } from './tls.ts';

export interface AuditedRequest {
  readonly user: string;
  readonly verb: string;
  /** For example `deployments team/web`, or a path. */
  readonly what: string;
}

export interface ControlPlane {
  readonly cluster: ClusterRef;
  readonly secrets: FakeSecrets;
  readonly address: string;
  readonly etcdEndpoint: string;
  client(target: 'kubernetes' | 'etcd'): Promise<ClientIdentity>;
  /** Requests that clients made, where the API server audits. */
  audited(): AuditedRequest[];
  /** Ends the API server and leaves etcd. */
  stopApi(): Promise<void>;
  /** Kills etcd at once, as a lost machine does. */
  killEtcd(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A real etcd and, unless `api` is false, a real kube-apiserver with the files that issue-identity makes, on loopback
 * addresses of a /16 of their own. With `controllers` the API server is ready for a controller manager that the caller
 * starts. With `audit` it writes down each request. Always `stop` it.
 */
export async function startControlPlane(
  options: { version?: string; api?: boolean; controllers?: boolean; audit?: boolean; etcdFlags?: readonly string[] } = {},
): Promise<ControlPlane> {
  const cluster: ClusterRef = {
    name: 'contract',
    account: '111111111111',
    region: 'eu-central-1',
    environment: 'test',
    network: await freeNetwork(),
    channel: 'dev',
  };
  const secrets = createFakeSecrets();
  const ports = { secrets, authority: createAuthority(), clock: { now: () => new Date() }, issuer: createFakeObjects() };
  await issueIdentity.run({ cluster }, ports, { execution: 'test' });
  const directory = mkdtempSync(join(tmpdir(), 'sluice-control-plane-'));
  const children: Child[] = [];
  const stop = async (): Promise<void> => {
    for (const child of children.reverse()) await child.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  const address = clusterAddresses(cluster.network).api;
  const member = clusterAddresses(cluster.network).etcd[0];
  const client = (target: 'kubernetes' | 'etcd'): Promise<ClientIdentity> => mintClient(ports, cluster.name, target);
  try {
    const etcdPki = filesOf(secrets, secretIds.etcd(cluster.name), join(directory, 'etcd-pki'));
    const etcd = startEtcd(member, directory, etcdPki, 'a', options.etcdFlags);
    children.push(etcd);
    const api =
      options.api === false
        ? undefined
        : startApi(
            address,
            member,
            options.version ?? '1.35.4',
            filesOf(secrets, secretIds.controlPlane(cluster.name), join(directory, 'pki')),
            options.controllers ?? false,
            options.audit === true ? auditFlags(directory) : [],
          );
    if (api !== undefined) children.push(api);
    const etcdClient = await client('etcd');
    await until('etcd', () => get(member, ETCD_CLIENT_PORT, '/health', etcdClient, member).then(healthy), etcd);
    if (api !== undefined) {
      const apiClient = await client('kubernetes');
      await until('kube-apiserver', () => get(address, API_PORT, '/readyz', apiClient, 'kubernetes').then(healthy), api);
    }
    const stopApi = async (): Promise<void> => api?.stop();
    return {
      cluster,
      secrets,
      address,
      etcdEndpoint: `https://${member}:${ETCD_CLIENT_PORT}`,
      client,
      audited: () => auditedIn(directory),
      stopApi,
      killEtcd: () => etcd.stop(0),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function healthy(answer: { status: number } | undefined): true | undefined {
  return answer?.status === 200 ? true : undefined;
}

/** An etcd of one member on its address, with its data below the folder: started again it goes on with them. */
export function startEtcd(member: string, directory: string, pki: string, name = 'a', more: readonly string[] = []): Child {
  const client = `https://${member}:${ETCD_CLIENT_PORT}`;
  const peer = `https://${member}:${ETCD_PEER_PORT}`;
  return startChild(binary('etcd'), [
    `--name=${name}`,
    `--data-dir=${join(directory, 'etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=${name}=${peer}`,
    ...['', 'peer-'].flatMap((kind) => [
      `--${kind}cert-file=${pki}/member.crt`,
      `--${kind}key-file=${pki}/member.key`,
      `--${kind}trusted-ca-file=${pki}/ca.crt`,
      `--${kind}client-cert-auth`,
    ]),
    '--unsafe-no-fsync',
    '--log-level=warn',
    ...more,
  ]);
}

const AuditEvent = z.looseObject({
  stage: z.string(),
  verb: z.string(),
  requestURI: z.string(),
  user: z.looseObject({ username: z.string() }),
  objectRef: z.looseObject({ resource: z.string(), namespace: z.string().default(''), name: z.string().default('') }).optional(),
});

function auditFlags(directory: string): string[] {
  const policy = join(directory, 'audit-policy.yaml');
  writeFileSync(policy, 'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{ level: Metadata }]\n');
  return [`--audit-policy-file=${policy}`, `--audit-log-path=${join(directory, 'audit.log')}`, '--audit-log-mode=blocking'];
}

function auditedIn(directory: string): AuditedRequest[] {
  const lines = readFileSync(join(directory, 'audit.log'), 'utf8').split('\n');
  return lines
    .filter((line) => line !== '')
    .map((line) => AuditEvent.parse(JSON.parse(line)))
    .map(({ user, verb, requestURI, objectRef }) => ({
      user: user.username,
      verb,
      what: objectRef === undefined ? requestURI : `${objectRef.resource} ${objectRef.namespace}/${objectRef.name}`,
    }));
}

const IN_CLUSTER_ISSUER = '--service-account-issuer=https://kubernetes.default.svc.cluster.local';

/** An API server on an address. @param more further flags; issuers of tokens among them stand in place of the one that only the cluster knows */
export function startApi(
  address: string,
  member: string,
  version: string,
  pki: string,
  controllers: boolean,
  more: readonly string[] = [],
): Child {
  return startChild(binary('kube-apiserver', version), [
    `--etcd-servers=https://${member}:${ETCD_CLIENT_PORT}`,
    `--etcd-cafile=${pki}/etcd-ca.crt`,
    `--etcd-certfile=${pki}/etcd-client.crt`,
    `--etcd-keyfile=${pki}/etcd-client.key`,
    `--bind-address=${address}`,
    `--advertise-address=${address}`,
    `--secure-port=${API_PORT}`,
    '--endpoint-reconciler-type=none',
    `--tls-cert-file=${pki}/apiserver.crt`,
    `--tls-private-key-file=${pki}/apiserver.key`,
    `--client-ca-file=${pki}/ca.crt`,
    ...(more.some((flag) => flag.startsWith('--service-account-issuer=')) ? [] : [IN_CLUSTER_ISSUER]),
    `--service-account-key-file=${pki}/sa.pub`,
    `--service-account-signing-key-file=${pki}/sa.key`,
    `--service-cluster-ip-range=${SERVICE_NETWORK}`,
    '--authorization-mode=Node,RBAC',
    '--anonymous-auth=false',
    `--kubelet-client-certificate=${pki}/kubelet-client.crt`,
    `--kubelet-client-key=${pki}/kubelet-client.key`,
    `--requestheader-client-ca-file=${pki}/front-proxy-ca.crt`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-username-headers=X-Remote-User',
    `--proxy-client-cert-file=${pki}/front-proxy-client.crt`,
    `--proxy-client-key-file=${pki}/front-proxy-client.key`,
    `--encryption-provider-config=${pki}/encryption.yaml`,
    // Without a controller manager nobody makes the service account that this plugin asks for.
    ...(controllers ? ['--enable-aggregator-routing=true', '--allow-privileged=true'] : ['--disable-admission-plugins=ServiceAccount']),
    '--profiling=false',
    ...more,
  ]);
}

/** Writes a secret's files into a directory and answers the directory. */
export function filesOf(secrets: FakeSecrets, id: string, directory: string): string {
  const files = IdentityFiles.parse(JSON.parse(secrets.values.get(id) ?? 'null'));
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content, { mode: 0o600 });
  return directory;
}

/** A /16 of loopback whose API and etcd addresses nobody uses. */
export async function freeNetwork(): Promise<string> {
  for (let tries = 0; tries < 50; tries++) {
    const network = `127.${100 + Math.floor(Math.random() * 150)}.0.0/16`;
    const { api, etcd } = clusterAddresses(network);
    const free = await Promise.all([isFree(api, API_PORT), isFree(etcd[0], ETCD_CLIENT_PORT), isFree(etcd[0], ETCD_PEER_PORT)]);
    if (!free.includes(false)) return network;
  }
  throw new Error('no free loopback network');
}

function isFree(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, address, () => server.close(() => resolve(true)));
  });
}
