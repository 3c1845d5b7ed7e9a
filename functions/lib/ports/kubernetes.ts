import type { Manifest } from '#model/render.ts';
import type { ClusterRef } from '#model/settings.ts';

export interface ObjectId {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** A field that another owner holds with another value. */
export interface FieldConflict {
  readonly owner: string;
  /** For example `.spec.replicas`. */
  readonly field: string;
  /** `Apply`: the other one declares the field; `Update`: it changed it. */
  readonly operation: 'Apply' | 'Update';
  /** Where the other one did it, for example `scale`; absent: the object itself. */
  readonly subresource?: string;
}

/** Result of one server-side apply. */
export interface ApplyResult {
  readonly id: ObjectId;
  /**
   * `blocked`: the server can't take it now and may later, for something in the cluster does not answer (a webhook) or is
   * on its way out (a namespace).
   */
  readonly outcome: 'created' | 'changed' | 'unchanged' | 'conflict' | 'refused' | 'blocked';
  /** For all but the first three: the API server's words, with the other field owner. */
  readonly reason?: string;
  /** For a conflict: each field. */
  readonly conflicts?: readonly FieldConflict[];
}

export interface ApplyHow {
  /** `metadata.resourceVersion` as it was read just before, '' when the object was absent; not given: it is read first. */
  readonly before?: string;
  /** Takes conflicting fields from their owners. */
  readonly force?: boolean;
}

/** What one new connection to the API met. */
export interface ApiProbe {
  /** /readyz answered ok. */
  readonly ready: boolean;
  /** Version of the API server behind this connection, when it answered. */
  readonly version?: string;
  /** The own address of that server, without port, as it advertises itself. */
  readonly server?: string;
  readonly milliseconds: number;
  /** Why it isn't ready, for people: the failing checks of /readyz or the connection's error. */
  readonly reason: string;
}

/** What a path of the API answered. */
export interface PathAnswer {
  /** 0 when there was no answer. */
  readonly status: number;
  readonly milliseconds: number;
  /** For people: the beginning of the answer, or why there was none. */
  readonly reason: string;
}

/** The API of one cluster, entered by a short client certificate of the cluster's authority. */
export interface Kubernetes {
  /** True when /readyz answers ok. Never throws for a server that is down. */
  ready(): Promise<boolean>;
  /**
   * Asks over a connection of its own: through the load balancer each probe may meet another instance, at an `address` that of
   * one instance it meets this one. Never throws.
   */
  probe(address?: string): Promise<ApiProbe>;
  /** GET of any path. Never throws for a server or a path that is down. */
  ask(path: string): Promise<PathAnswer>;
  /** The API server's version, for example `1.36.3`. @throws ClusterUnreachableError */
  version(): Promise<string>;
  /** Server-side apply with field owner `sluice`. @throws ClusterUnreachableError */
  apply(object: Manifest, how?: ApplyHow): Promise<ApplyResult>;
  /** undefined when absent. @throws ClusterUnreachableError */
  get(id: ObjectId): Promise<Manifest | undefined>;
  /** As `get` for many, in the given order, with few requests. @throws ClusterUnreachableError */
  getAll(ids: readonly ObjectId[]): Promise<(Manifest | undefined)[]>;
  /**
   * All objects of a kind, in one namespace or all.
   * @param fields field selector, for example `type=Warning`
   * @throws ClusterUnreachableError
   */
  list(apiVersion: string, kind: string, namespace?: string, fields?: string): Promise<Manifest[]>;
  /** JSON merge patch. @throws ClusterUnreachableError, NotFoundError, ConflictError when metadata.resourceVersion is given and stale */
  patch(id: ObjectId, patch: unknown): Promise<Manifest>;
  /** false when it was absent already, or with `uid` when another one has its name now. @throws ClusterUnreachableError */
  delete(id: ObjectId, options?: { readonly uid?: string }): Promise<boolean>;
  /** Evicts a pod (policy/v1), with `uid` only this very one. @throws ClusterUnreachableError, also when the API is overloaded */
  evict(namespace: string, pod: string, uid?: string): Promise<Eviction>;
}

export type Eviction =
  | { readonly outcome: 'evicted' | 'gone' }
  /**
   * With the server's words: a disruption budget forbids it now, more than one selects the pod, its budget's pods have not been
   * counted since it was written, or somebody else refuses it.
   */
  | { readonly outcome: 'blocked'; readonly by: 'budget' | 'budgets' | 'uncounted' | 'refusal'; readonly reason: string };

/** The API of a cluster by its reference. @throws NotFoundError when the cluster has no identity yet */
export type KubernetesOf = (cluster: ClusterRef) => Promise<Kubernetes>;
