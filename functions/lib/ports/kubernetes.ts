import type { Manifest } from '#model/render.ts';
import type { ClusterRef } from '#model/settings.ts';

export interface ObjectId {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** Result of one server-side apply. */
export interface ApplyResult {
  readonly id: ObjectId;
  readonly outcome: 'created' | 'changed' | 'unchanged' | 'conflict' | 'refused';
  /** For a conflict or refusal: the API server's words, with the other field owner. */
  readonly reason?: string;
}

/** What one new connection to the API met. */
export interface ApiProbe {
  /** /readyz answered ok. */
  readonly ready: boolean;
  /** Version of the API server behind this connection, when it answered. */
  readonly version?: string;
  readonly milliseconds: number;
  /** Why it isn't ready, for people: the failing checks of /readyz or the connection's error. */
  readonly reason: string;
}

/** The API of one cluster, entered by a short client certificate of the cluster's authority. */
export interface Kubernetes {
  /** True when /readyz answers ok. Never throws for a server that is down. */
  ready(): Promise<boolean>;
  /** Asks over a connection of its own: through a load balancer each probe may meet another instance. Never throws. */
  probe(): Promise<ApiProbe>;
  /** The API server's version, for example `1.36.3`. @throws ClusterUnreachableError */
  version(): Promise<string>;
  /** Server-side apply with field owner `sluice`. @throws ClusterUnreachableError */
  apply(object: Manifest): Promise<ApplyResult>;
  /** undefined when absent. @throws ClusterUnreachableError */
  get(id: ObjectId): Promise<Manifest | undefined>;
  /** All objects of a kind, in one namespace or all. @throws ClusterUnreachableError */
  list(apiVersion: string, kind: string, namespace?: string): Promise<Manifest[]>;
  /** JSON merge patch. @throws ClusterUnreachableError, NotFoundError, ConflictError when metadata.resourceVersion is given and stale */
  patch(id: ObjectId, patch: unknown): Promise<Manifest>;
  /** false when it was absent already. @throws ClusterUnreachableError */
  delete(id: ObjectId): Promise<boolean>;
  /** Evicts a pod (policy/v1). `blocked` with the API server's words when a disruption budget forbids it now. @throws ClusterUnreachableError */
  evict(namespace: string, pod: string): Promise<{ outcome: 'evicted' | 'gone' } | { outcome: 'blocked'; reason: string }>;
}

/** The API of a cluster by its reference. @throws NotFoundError when the cluster has no identity yet */
export type KubernetesOf = (cluster: ClusterRef) => Promise<Kubernetes>;
