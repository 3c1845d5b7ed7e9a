import { ETCD_CLIENT_PORT, etcdSeatsOf } from '#domain/network.ts';
import type { ClientIdentity } from '#model/identity.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { EtcdOf } from '#ports/etcd.ts';
import { createEtcd } from './etcd.ts';

/** Finds each cluster's members by its network and their number; @param mint makes the short client certificate */
export function createEtcdOf(mint: (cluster: ClusterRef) => Promise<ClientIdentity>): EtcdOf {
  return async (cluster) => {
    const endpoints = etcdSeatsOf(cluster).map(({ address }) => `https://${address}:${ETCD_CLIENT_PORT}`);
    return createEtcd({ endpoints, identity: await mint(cluster) });
  };
}
