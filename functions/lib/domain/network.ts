import type { ClusterRef } from '#model/settings.ts';

/**
 * Addresses of a cluster, a pure function of its /16 network: one /20 per zone; the API's load balancer has host 10 of
 * each zone's subnet; etcd's members a, b and c have host 11 of their zone's, d and e host 12 of zones a and b. Fixed
 * addresses let certificates, flags and endpoints be rendered before anything exists.
 */
export interface ClusterAddresses {
  /** CIDR of each zone's subnet, zones a, b, c. */
  readonly subnets: readonly [string, string, string];
  /** The load balancer in the first zone: where Sluice itself calls. */
  readonly api: string;
  /** The load balancer in each zone. */
  readonly apiByZone: readonly [string, string, string];
  /** By seat, a to e, whether or not the cluster has a member there. */
  readonly etcd: readonly [string, string, string, string, string];
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
    etcd: [`${zone(0)}.11`, `${zone(1)}.11`, `${zone(2)}.11`, `${zone(0)}.12`, `${zone(1)}.12`],
  };
}

/** Places of etcd's members, in the order in which they are filled: a round over the zones, then the next. */
export const ETCD_SEATS = ['a', 'b', 'c', 'd', 'e'] as const;
export type EtcdSeat = (typeof ETCD_SEATS)[number];
/** Seats whose zone has a member already, with that zone's letter. */
const SECOND_OF_ZONE: Readonly<Record<string, string>> = { d: 'a', e: 'b' };

/** What says how many members a cluster's etcd has. */
type Sized = Pick<ClusterRef, 'environment' | 'etcdMembers'>;

/** Seats of a cluster's etcd: as many as its entry says; three in production, so that one may be missing, and one elsewhere. */
export function etcdSeats({ environment, etcdMembers }: Sized): readonly EtcdSeat[] {
  return ETCD_SEATS.slice(0, etcdMembers ?? (environment === 'production' ? 3 : 1));
}

/** Letter of the zone in which a seat's member stands. */
export function zoneOfSeat(seat: string): string {
  return SECOND_OF_ZONE[seat] ?? seat;
}

/** A seat in words; the second of a zone is named. */
export function seatText(seat: string): string {
  const zone = zoneOfSeat(seat);
  return zone === seat ? `zone ${zone}` : `zone ${zone} (etcd-${seat})`;
}

/** One member of a cluster's etcd: what follows from its entry. */
export interface EtcdSeatOf {
  readonly seat: EtcdSeat;
  /** The member's own name. Its zone's for the first three, so that it reads as where it stands. */
  readonly name: string;
  readonly address: string;
}

/** The members that a cluster's etcd has, by seat. */
export function etcdSeatsOf(cluster: Sized & Pick<ClusterRef, 'region' | 'network'>): readonly EtcdSeatOf[] {
  const addresses = clusterAddresses(cluster.network).etcd;
  return etcdSeats(cluster).map((seat, index) => ({ seat, name: memberName(cluster.region, seat), address: addresses[index] ?? '' }));
}

/** Name of the member at a seat (user-data/etcd.yaml). */
export function memberName(region: string, seat: string): string {
  return `etcd-${region}${seat}`;
}
