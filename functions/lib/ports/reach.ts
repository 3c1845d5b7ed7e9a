import type { ClusterRef } from '#model/settings.ts';

/** Functions of the hub's bundle that run inside each cluster's account. */
export type ClusterSideFunction = 'identity' | 'cluster' | 'etcd' | 'manifest' | 'remover' | 'drill' | 'rehearsal';

/** Runs a step in a cluster's account. */
export interface Reach {
  /**
   * @param payload what the cluster-side handler gets, a step call
   * @throws the step's own error by its name; TransientError when the account or function can't be reached
   */
  invoke(
    cluster: Pick<ClusterRef, 'name' | 'account' | 'region'>,
    target: ClusterSideFunction,
    payload: unknown,
    session: string,
  ): Promise<unknown>;
}
