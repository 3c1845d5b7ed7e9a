import type { LayerVerdict } from '../model/backup-records.ts';
import type { Served, ServedResource } from '../ports/api-drill.ts';
import { resourceOf, verdict } from './backup.ts';

/** Names that are shown of many. */
const SHOWN = 5;

/**
 * Where built-in resources lie whose place is not their name (SpecialDefaultResourcePrefixes of
 * kubernetes/pkg/kubeapiserver/default_storage_factory_builder.go, and the two groups of extension servers).
 */
const PLACES: Readonly<Record<string, string>> = {
  replicationcontrollers: 'controllers',
  endpoints: 'services/endpoints',
  nodes: 'minions',
  services: 'services/specs',
  ingresses: 'ingress',
  customresourcedefinitions: 'apiextensions.k8s.io/customresourcedefinitions',
  apiservices: 'apiregistration.k8s.io/apiservices',
};

/** Keys of the API server itself, which are no objects: who serves, and which addresses and ports Services have. */
export const OWN_KEYS: ReadonlySet<string> = new Set(['masterleases', 'peerserverleases', 'ranges']);

/** What an API server makes by itself when it starts, if it is not there. */
const MADE_AT_START: ReadonlySet<string> = new Set([
  'apiregistration.k8s.io/apiservices',
  'clusterrolebindings',
  'clusterroles',
  'configmaps',
  'endpointslices',
  'events',
  'flowschemas',
  'ipaddresses',
  'leases',
  'namespaces',
  'priorityclasses',
  'prioritylevelconfigurations',
  'rolebindings',
  'roles',
  'servicecidrs',
  'services/endpoints',
  'services/specs',
]);

/**
 * What an API server takes away by itself: an event after an hour, the entry of an API that no definition makes any more, and
 * the address of a Service that is not there (a Service's address is written before it, and removed after it; repairip.go of
 * kubernetes/pkg/registry/core/service/ipallocator/controller removes what is older than a minute).
 */
const MAY_END: ReadonlySet<string> = new Set(['events', 'apiregistration.k8s.io/apiservices', 'ipaddresses']);

/** And the lease by which an API server says that it lives. */
function mayEnd(prefix: string, path: string): boolean {
  return MAY_END.has(prefix) || (prefix === 'leases' && path.startsWith('kube-system/apiserver-'));
}

/** What an API server of another version may take away when it starts: priority levels that it does not have. */
const GONE_WITH_VERSION: ReadonlySet<string> = new Set(['flowschemas', 'prioritylevelconfigurations']);

/** @param custom whether a CustomResourceDefinition makes it */
export function placeOf(group: string, resource: string, custom: boolean): string {
  if (custom) return `${group}/${resource}`;
  return PLACES[resource] ?? resource;
}

/** The keys of an API server by the place of their resource: what is left of each is `[<namespace>/]<name>`. */
export type StoredKeys = Map<string, Set<string>>;

export function addKey(stored: StoredKeys, key: string): void {
  const place = resourceOf(key);
  const path = key.slice(`/registry/${place}/`.length);
  const paths = stored.get(place);
  if (paths === undefined) stored.set(place, new Set([path]));
  else paths.add(path);
}

/** Compares a list with the keys, object by object; the keys that were found are taken out of `stored`. */
export function createComparison(name: string, prefix: string, stored: StoredKeys) {
  const keys = stored.get(prefix) ?? new Set<string>();
  stored.delete(prefix);
  const before = keys.size;
  const added: string[] = [];
  let [listed, addedCount] = [0, 0];
  return {
    see(object: { namespace?: string | undefined; name: string }): void {
      listed += 1;
      const path = object.namespace === undefined ? object.name : `${object.namespace}/${object.name}`;
      if (keys.delete(path)) return;
      addedCount += 1;
      if (added.length < SHOWN) added.push(path);
    },
    result(unread?: { readonly problem: string; readonly late: boolean }): ServedResource {
      const missing = [...keys].filter((path) => !mayEnd(prefix, path));
      return {
        name,
        prefix,
        stored: before,
        listed,
        missing: missing.slice(0, SHOWN),
        missingCount: missing.length,
        added,
        addedCount,
        ...unread,
      };
    },
  };
}

export function unservedOf(stored: StoredKeys): Record<string, number> {
  return Object.fromEntries([...stored].filter(([place]) => !OWN_KEYS.has(place)).map(([place, paths]) => [place, paths.size]));
}

/** A CustomResourceDefinition, as far as it says what is served. */
export interface Definition {
  readonly group: string;
  readonly plural: string;
  /** Its names are accepted and a version of it is served. */
  readonly established: boolean;
}

/** Places of definitions that the API server says it serves, and does not: their objects would go unread. */
export function unservedDefinitions(definitions: readonly Definition[], places: ReadonlySet<string>): string[] {
  return definitions
    .filter(({ established }) => established)
    .map(({ group, plural }) => placeOf(group, plural, true))
    .filter((place) => !places.has(place));
}

export interface ApiDrillFacts {
  /** Of the kube-apiserver, and of the one that wrote the data. */
  readonly version: string;
  readonly writtenBy: string;
  /** Newest revision in the snapshot. */
  readonly revision: number;
  readonly seconds: number;
}

/**
 * L6: each resource is listed, with the very objects that have keys, Secrets among them; a client that watched before the
 * restore is told to list anew. What the API server makes at its start, and what ends by itself, is no difference. Keys that
 * nobody serves (of a definition or a version of Kubernetes that is gone) are told: the live cluster, of which L3 says that it
 * holds the same, does not serve them either.
 */
export function servedVerdict(served: Served, { version, writtenBy, revision, seconds }: ApiDrillFacts): LayerVerdict {
  const wrong: string[] = [];
  if (served.revision !== revision + served.bump) {
    wrong.push(`etcd boots at revision ${served.revision}, not at ${revision} raised by ${served.bump}`);
  }
  if (served.resources.length === 0) wrong.push('no resource is served');
  for (const resource of served.resources) wrong.push(...wrongWith(resource, version !== writtenBy));
  if (served.oldWatch !== 410) {
    wrong.push(`a watch from revision ${revision} is answered ${served.oldWatch}, not 410: clients would not notice the restore`);
  }
  const server = `kube-apiserver ${version}`;
  if (wrong.length > 0) return verdict('L6', 'fails', `${server}: ${told(wrong)}`, seconds);
  return verdict('L6', 'holds', `${server} ${holding(served)}`, seconds);
}

/** Objects in an older version of their kind go through a webhook in the cluster, which is not there. Their keys were counted. */
function needsWebhook({ problem }: ServedResource): boolean {
  return problem?.includes('conversion webhook') === true;
}

function wrongWith(resource: ServedResource, otherVersion: boolean): string[] {
  const { name, prefix, problem, missing, missingCount, added, addedCount } = resource;
  if (needsWebhook(resource)) return [];
  if (problem !== undefined) return [`${name} can't be listed: ${problem}`];
  const lost = missingCount > 0 && !(otherVersion && GONE_WITH_VERSION.has(prefix));
  return [
    ...(lost ? [`${missingCount} ${name} of the snapshot are not listed: ${missing.join(', ')}`] : []),
    ...(addedCount > 0 && !MADE_AT_START.has(prefix)
      ? [`${addedCount} ${name} are listed that the snapshot does not have: ${added.join(', ')}`]
      : []),
  ];
}

function holding({ resources, unserved, aggregated }: Served): string {
  const objects = resources.reduce((sum, { stored }) => sum + stored, 0);
  const secrets = resources.find(({ name }) => name === 'secrets')?.listed ?? 0;
  const webhooks = resources.filter(needsWebhook).map(({ name }) => name);
  const left = Object.entries(unserved).map(([place, count]) => `${count} of ${place}`);
  return [
    `serves ${resources.length} resources with ${objects} objects, each by its key, ${secrets} Secrets decrypted; an old watch is told to list anew`,
    ...(aggregated.length > 0 ? [`not asked, since other servers serve them: ${told(aggregated)}`] : []),
    ...(webhooks.length > 0 ? [`not read, since their webhook converts them: ${told(webhooks)}`] : []),
    ...(left.length > 0 ? [`not served, by the live cluster neither: ${told(left)}`] : []),
  ].join('; ');
}

function told(items: readonly string[]): string {
  const more = items.length - SHOWN;
  return `${items.slice(0, SHOWN).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
