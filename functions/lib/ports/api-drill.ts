import type { RestoreRequest } from './drill.ts';

export interface ApiDrillRequest extends RestoreRequest {
  /** Path of the kube-apiserver. */
  readonly kubeApiserver: string;
  /** The cluster's EncryptionConfiguration, YAML. */
  readonly encryption: string;
}

/** One resource as the API server lists it, against the keys that were there before it started. */
export interface ServedResource {
  /** `<resource>` or `<resource>.<group>`, as kubectl names it. */
  readonly name: string;
  /** Where its objects lie below `/registry/`. */
  readonly prefix: string;
  /** Keys before the API server started. */
  readonly stored: number;
  /** Objects that it lists. */
  readonly listed: number;
  /** `<namespace>/<name>` of keys that are not listed, and of objects that had no key; the first few. */
  readonly missing: readonly string[];
  readonly added: readonly string[];
  readonly missingCount: number;
  readonly addedCount: number;
  /** Why the list could not be read to its end. */
  readonly problem?: string;
  /** It is that time ran out: of the rest nothing is known. */
  readonly late?: boolean;
}

/** What an API server makes of restored data. */
export interface Served {
  /** Of etcd when it booted, and by how much the restore had raised it. */
  readonly revision: number;
  readonly bump: number;
  readonly resources: readonly ServedResource[];
  /** Keys that belong to no resource that is served, by prefix. */
  readonly unserved: Readonly<Record<string, number>>;
  /** APIs that other servers serve: they have no data here. */
  readonly aggregated: readonly string[];
  /** Status that a watch from the snapshot's own revision is answered with. */
  readonly oldWatch: number;
}

/** A real kube-apiserver on a restored etcd, reachable for nobody else, and both ended on every path. */
export interface ApiDrill {
  /** @throws BackupNotProvenError when the snapshot does not restore, or etcd or the API server does not get ready on it; `late` when not in time */
  serve(request: ApiDrillRequest): Promise<Served>;
}
