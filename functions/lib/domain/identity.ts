import type { AuthoritySecret } from '../model/identity.ts';
import type { ClusterRef } from '../model/settings.ts';
import type { LeafRequest } from '../ports/authority.ts';
import { API_SERVICE_ADDRESS, clusterAddresses, etcdSeats } from './network.ts';

const DAY = 24 * 3600 * 1000;
/** Certificates begin a little in the past: the clocks of instances are not exact when they boot. */
const CLOCK_SKEW = 5 * 60 * 1000;
const AUTHORITY_DAYS = 3653;
const LEAF_DAYS = 365;
/** Sluice's own clients; longer than any function runs. */
const CLIENT_MINUTES = 30;
/** One member in each zone. */
const ROUND = 3;

/** Which authority signs: its files are `<name>.crt` and `<name>.key`. */
export type Signer = 'ca' | 'etcd-ca' | 'front-proxy-ca';

/** A certificate of a year is made anew when less than this is left; the next roll of the instances brings it. */
const RENEW_BEFORE = 120 * DAY;

/** Whether a certificate that ends then is due for another one. */
export function isDue(until: Date, now: Date): boolean {
  return until.getTime() - now.getTime() < RENEW_BEFORE;
}

/** The authorities that a client of the cluster trusts. */
export function trustedAuthorities(files: AuthoritySecret): string {
  return files['ca-bundle.crt'] ?? files['ca.crt'];
}

/** One certificate of a secret: its files are `<file>.crt` and `<file>.key`. */
export interface LeafPlan {
  readonly file: string;
  readonly signer: Signer;
  readonly request: Omit<LeafRequest, 'from' | 'until'>;
}

/** What a secret holds: files taken from the authority under their name here, and certificates made for it. */
export interface SecretPlan {
  readonly copies: Readonly<Record<string, keyof AuthoritySecret>>;
  readonly leaves: readonly LeafPlan[];
}

export interface ClusterIdentityPlan {
  readonly etcd: SecretPlan;
  readonly controlPlane: SecretPlan;
}

type Identified = Pick<ClusterRef, 'name' | 'network' | 'environment' | 'etcdMembers'>;

/** The certificates of a cluster by its name, its /16 network and the number of its members. */
export function planIdentity(cluster: Identified): ClusterIdentityPlan {
  return { etcd: planEtcd(cluster), controlPlane: planControlPlane(cluster) };
}

function planEtcd(cluster: Identified): SecretPlan {
  // Of the first round in every cluster, as those that live have it.
  const addresses = clusterAddresses(cluster.network).etcd.slice(0, Math.max(ROUND, etcdSeats(cluster).length));
  return {
    copies: { 'ca.crt': 'etcd-ca.crt' },
    // Members are servers to clients, and both to each other.
    leaves: [{ file: 'member', signer: 'etcd-ca', request: { commonName: 'etcd', addresses, usages: ['server', 'client'] } }],
  };
}

function planControlPlane(cluster: { name: string; network: string }): SecretPlan {
  const dns = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
    `api.${cluster.name}.sluice.internal`,
  ];
  const addresses = [...clusterAddresses(cluster.network).apiByZone, API_SERVICE_ADDRESS];
  const client = (file: string, commonName: string, organizations: readonly string[] = []): LeafPlan => ({
    file,
    signer: 'ca',
    request: { commonName, organizations, usages: ['client'] },
  });
  return {
    copies: {
      'ca.crt': 'ca-bundle.crt',
      'ca-issuing.crt': 'ca.crt',
      'ca.key': 'ca.key',
      'etcd-ca.crt': 'etcd-ca.crt',
      'front-proxy-ca.crt': 'front-proxy-ca.crt',
      'sa.key': 'sa.key',
      'sa.pub': 'sa.pub',
      'encryption.yaml': 'encryption.yaml',
    },
    leaves: [
      { file: 'apiserver', signer: 'ca', request: { commonName: 'kube-apiserver', dns, addresses, usages: ['server'] } },
      client('kubelet-client', 'kube-apiserver-kubelet-client', ['system:masters']),
      client('controller-manager', 'system:kube-controller-manager'),
      client('scheduler', 'system:kube-scheduler'),
      { file: 'etcd-client', signer: 'etcd-ca', request: { commonName: 'kube-apiserver', usages: ['client'] } },
      { file: 'front-proxy-client', signer: 'front-proxy-ca', request: { commonName: 'front-proxy-client', usages: ['client'] } },
    ],
  };
}

/** The certificate by which Sluice itself enters a cluster's API or etcd. */
export function planClient(target: 'kubernetes' | 'etcd'): { signer: Signer; request: Omit<LeafRequest, 'from' | 'until'> } {
  if (target === 'etcd') return { signer: 'etcd-ca', request: { commonName: 'sluice', usages: ['client'] } };
  return { signer: 'ca', request: { commonName: 'sluice', organizations: ['system:masters'], usages: ['client'] } };
}

export type Validity = Readonly<{ from: Date; until: Date }>;

/** How long a certificate of a kind is valid from `now`: authorities 10 years, leaves 1 year, Sluice's clients 30 minutes. */
export function validity(kind: 'authority' | 'leaf' | 'client', now: Date): Validity {
  const lasts = { authority: AUTHORITY_DAYS * DAY, leaf: LEAF_DAYS * DAY, client: CLIENT_MINUTES * 60 * 1000 }[kind];
  return { from: new Date(now.getTime() - CLOCK_SKEW), until: new Date(now.getTime() + lasts) };
}

/**
 * EncryptionConfiguration of the API server: Secrets are written with secretbox and the first key, read with any of them;
 * `identity` last lets it read what was written before encryption. @param keys `secret` is 32 random bytes as base64
 */
export function encryptionConfiguration(keys: readonly { readonly name: string; readonly secret: string }[]): string {
  return `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets]
    providers:
      - secretbox:
          keys:
${keys.map(({ name, secret }) => `            - name: ${name}\n              secret: ${secret}`).join('\n')}
      - identity: {}
`;
}
