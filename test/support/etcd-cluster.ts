import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEtcd } from '#adapters/etcd/etcd.ts';
import { createAuthority } from '#adapters/x509/authority.ts';
import { mintClient } from '#adapters/x509/clients.ts';
import { secretIds } from '#domain/names.ts';
import { clusterAddresses, ETCD_CLIENT_PORT, ETCD_PEER_PORT } from '#domain/network.ts';
import { type ClientIdentity, IdentityFiles } from '#model/identity.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { Etcd, MemberStatus } from '#ports/etcd.ts';
import { issueIdentity } from '../../functions/identity/issue-identity.ts';
import { ETCD_VERSION } from '../../local/toolchain/versions.ts';
import { binary } from './binaries.ts';
import { type Child, startChild, until } from './child.ts';
import { createFakeObjects } from './fakes/objects.ts';
import { createFakeSecrets } from './fakes/secrets.ts';

export type Zone = 'a' | 'b' | 'c';
const ZONES: readonly Zone[] = ['a', 'b', 'c'];

/** Three real members of etcd, each on an address of its own with the files that issue-identity makes. */
export interface EtcdCluster {
  readonly etcd: Etcd;
  readonly identity: ClientIdentity;
  /** The identity of the members' instances. */
  readonly files: Readonly<Record<string, string>>;
  endpoint(zone: Zone): string;
  peerUrl(zone: Zone): string;
  /** Ends a member gracefully, as its instance's systemd does. */
  end(zone: Zone): Promise<void>;
  kill(zone: Zone): Promise<void>;
  /** Starts a member on the data that it has; without `version` that of before. */
  start(zone: Zone, version?: string, flags?: readonly string[]): Child;
  /** Takes its data away. */
  lose(zone: Zone): void;
  /** All well: started, one leader, no alarm. */
  settled(): Promise<MemberStatus[]>;
  stop(): Promise<void>;
}

/** @param version `undefined` for the one that clusters are born with */
export async function startEtcdCluster(network: string, version?: string): Promise<EtcdCluster> {
  const cluster: ClusterRef = {
    name: 'members',
    account: '111111111111',
    region: 'eu-central-1',
    environment: 'production',
    network,
    channel: 'dev',
  };
  const secrets = createFakeSecrets();
  const ports = { secrets, authority: createAuthority(), clock: { now: () => new Date() }, issuer: createFakeObjects() };
  await issueIdentity.run({ cluster }, ports, { execution: 'test' });
  const directory = mkdtempSync(join(tmpdir(), 'sluice-etcd-'));
  const pki = join(directory, 'pki');
  mkdirSync(pki);
  const files = IdentityFiles.parse(JSON.parse(secrets.values.get(secretIds.etcd(cluster.name)) ?? 'null'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(pki, name), content, { mode: 0o600 });
  const addresses = clusterAddresses(network).etcd;
  const addressOf = (zone: Zone): string => addresses[ZONES.indexOf(zone)] ?? '';
  const endpoint = (zone: Zone): string => `https://${addressOf(zone)}:${ETCD_CLIENT_PORT}`;
  const peerUrl = (zone: Zone): string => `https://${addressOf(zone)}:${ETCD_PEER_PORT}`;
  const identity = await mintClient(ports, cluster.name, 'etcd');
  const etcd = createEtcd({ endpoints: ZONES.map(endpoint), identity });
  const children = new Map<Zone, Child>();
  const versions = new Map<Zone, string | undefined>();
  const start: EtcdCluster['start'] = (
    zone,
    wanted,
    flags = ['--initial-cluster-state=new', `--initial-cluster=${initialCluster(peerUrl)}`],
  ) => {
    const chosen = wanted ?? (versions.has(zone) ? versions.get(zone) : version);
    versions.set(zone, chosen);
    const child = startChild(binary('etcd', chosen === ETCD_VERSION ? undefined : chosen), [
      `--name=etcd-eu-central-1${zone}`,
      `--data-dir=${join(directory, zone)}`,
      `--listen-client-urls=${endpoint(zone)}`,
      `--advertise-client-urls=${endpoint(zone)}`,
      `--listen-peer-urls=${peerUrl(zone)}`,
      `--initial-advertise-peer-urls=${peerUrl(zone)}`,
      '--initial-cluster-token=members',
      ...flags,
      ...['', 'peer-'].flatMap((kind) => [
        `--${kind}cert-file=${pki}/member.crt`,
        `--${kind}key-file=${pki}/member.key`,
        `--${kind}trusted-ca-file=${pki}/ca.crt`,
        `--${kind}client-cert-auth`,
      ]),
      // All loopback addresses call from 127.0.0.1.
      '--peer-skip-client-san-verification',
      '--feature-gates=CompactHashCheck=true,InitialCorruptCheck=true',
      '--unsafe-no-fsync',
      '--log-level=warn',
    ]);
    children.set(zone, child);
    return child;
  };
  const settled: EtcdCluster['settled'] = () =>
    until('three members that are well', async () => {
      const members = await etcd.status().catch(() => []);
      const well = members.length === 3 && members.every(({ healthy, leaderId }) => healthy && leaderId === members[0]?.leaderId);
      return well ? members : undefined;
    });
  const stop = async (): Promise<void> => {
    await Promise.all([...children.values()].map((child) => child.stop(0)));
    rmSync(directory, { recursive: true, force: true });
  };
  const ended = async (zone: Zone, grace: number): Promise<void> => children.get(zone)?.stop(grace);
  try {
    for (const zone of ZONES) start(zone);
    await settled();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    etcd,
    identity,
    files,
    endpoint,
    peerUrl,
    end: (zone) => ended(zone, 10_000),
    kill: (zone) => ended(zone, 0),
    start,
    lose: (zone) => rmSync(join(directory, zone), { recursive: true, force: true }),
    settled,
    stop,
  };
}

function initialCluster(peerUrl: (zone: Zone) => string): string {
  return ZONES.map((zone) => `etcd-eu-central-1${zone}=${peerUrl(zone)}`).join(',');
}
