import type { Environment } from '#model/settings.ts';

/**
 * Addresses of a cluster, a pure function of its /16 network: one /20 per zone; the API's load balancer has host 10 of
 * each zone's subnet, etcd member i host 11 of zone i's. Fixed addresses let certificates, flags and endpoints be
 * rendered before anything exists.
 */
export interface ClusterAddresses {
  /** CIDR of each zone's subnet, zones a, b, c. */
  readonly subnets: readonly [string, string, string];
  /** The load balancer in the first zone: where Sluice itself calls. */
  readonly api: string;
  /** The load balancer in each zone. */
  readonly apiByZone: readonly [string, string, string];
  readonly etcd: readonly [string, string, string];
}

/** The API's port at its load balancer and on each control plane instance. */
export const API_PORT = 6443;
export const ETCD_CLIENT_PORT = 2379;
export const ETCD_PEER_PORT = 2380;
/** Service network, inside each cluster; the API's Service has its first address, DNS its tenth. */
export const SERVICE_NETWORK = '10.96.0.0/16';
export const API_SERVICE_ADDRESS = '10.96.0.1';
export const DNS_SERVICE_ADDRESS = '10.96.0.10';

/** @param network an IPv4 /16, for example `10.20.0.0/16` */
export function clusterAddresses(network: string): ClusterAddresses {
  const [first, second] = network.split('.');
  const zone = (index: number): string => `${first}.${second}.${index * 16}`;
  return {
    subnets: [`${zone(0)}.0/20`, `${zone(1)}.0/20`, `${zone(2)}.0/20`],
    api: `${zone(0)}.10`,
    apiByZone: [`${zone(0)}.10`, `${zone(1)}.10`, `${zone(2)}.10`],
    etcd: [`${zone(0)}.11`, `${zone(1)}.11`, `${zone(2)}.11`],
  };
}

/** Letters of the zones in which an etcd member runs: three in production, so that one may be missing; one elsewhere. */
export function etcdZones(environment: Environment): readonly ('a' | 'b' | 'c')[] {
  return environment === 'production' ? ['a', 'b', 'c'] : ['a'];
}
