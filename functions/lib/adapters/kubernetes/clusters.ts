import { API_PORT, clusterAddresses } from '#domain/network.ts';
import type { ClientIdentity } from '#model/identity.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { KubernetesOf } from '#ports/kubernetes.ts';
import { createKubernetes } from './kubernetes.ts';

/** Finds each cluster's API by its network; @param mint makes the short client certificate */
export function createKubernetesOf(mint: (cluster: ClusterRef) => Promise<ClientIdentity>): KubernetesOf {
  return async (cluster) =>
    createKubernetes({
      ...(await mint(cluster)),
      address: clusterAddresses(cluster.network).api,
      port: API_PORT,
      // In every API server's certificate, and the same for each cluster: the authority tells clusters apart.
      serverName: 'kubernetes',
    });
}
