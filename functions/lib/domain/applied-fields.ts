import { ManagedFields } from '../model/kubernetes.ts';
import type { Manifest } from '../model/render.ts';
import { sameQuantity } from './quantity.ts';

/** Owner of the fields that Sluice applies. */
export const FIELD_OWNER = 'sluice';

type Fields = Readonly<Record<string, unknown>>;

/** Lists longer than this are left to the API server. */
const LONGEST_LIST = 500;
/** Where the APIs of Kubernetes itself hold quantities, by the field above; a map's or list's every value counts. */
const QUANTITIES: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['resources', new Set(['limits', 'requests'])],
  ['spec', new Set(['hard', 'capacity', 'limits', 'overhead'])],
  ['emptyDir', new Set(['sizeLimit'])],
  ['target', new Set(['averageValue', 'value'])],
]);

/**
 * What the APIs of Kubernetes itself put into maps that are owned as a whole, by the field above the map or list: having it
 * and leaving it out mean the same.
 */
const DEFAULTS: ReadonlyMap<string, Fields> = new Map([
  ['fieldRef', { apiVersion: 'v1' }],
  ['resourceFieldRef', { divisor: '0' }],
  ['ports', { protocol: 'TCP' }],
  ['roleRef', { apiGroup: 'rbac.authorization.k8s.io' }],
  ['subjects', { apiGroup: 'rbac.authorization.k8s.io' }],
]);

/** Where the walk is: the field that holds the values, and whether they are quantities. */
interface Place {
  /** Groups without a dot are Kubernetes' own; elsewhere nobody says which text is a quantity. */
  readonly builtIn: boolean;
  readonly name: string;
  readonly quantities: boolean;
}

/**
 * Whether a server-side apply of `desired` would change nothing, told by reading alone: the live object says which fields
 * Sluice applied last (`managedFields`); these must be exactly the fields of `desired`, each with its value. Another
 * client that changes such a field takes it away, so that drift shows twice.
 *
 * Defaults, forms of a value that are equal to the server only, and whatever else is not plain, answer false: then the API
 * server is asked by a real apply, and may still say that nothing changed.
 */
export function isAsApplied(desired: Manifest, live: Manifest): boolean {
  const parsed = ManagedFields.safeParse(live.metadata['managedFields'] ?? []);
  if (!parsed.success) return false;
  const entries = parsed.data.filter(
    ({ manager, operation, subresource }) => manager === FIELD_OWNER && operation === 'Apply' && (subresource ?? '') === '',
  );
  const fields = entries.length === 0 ? {} : entries[0]?.fieldsV1;
  if (entries.length > 1 || fields === undefined) return false;
  if (entries[0] !== undefined && entries[0].apiVersion !== desired.apiVersion) return false;
  const { apiVersion, kind: _kind, metadata, ...content } = desired;
  const { name: _name, namespace: _namespace, ...ownMetadata } = metadata;
  const wanted = Object.keys(ownMetadata).length === 0 ? content : { ...content, metadata: ownMetadata };
  const builtIn = !(apiVersion.split('/').at(-2) ?? '').includes('.');
  return holdsMap(fields, wanted, live, { builtIn, name: '', quantities: false });
}

function holds(fields: Fields, wanted: unknown, live: unknown, place: Place): boolean {
  if (isMap(wanted)) return isMap(live) && holdsMap(fields, wanted, live, place);
  return Array.isArray(wanted) && Array.isArray(live) && holdsList(fields, wanted, live, place);
}

function holdsMap(fields: Fields, wanted: Fields, live: Fields, place: Place): boolean {
  const names = Object.keys(wanted);
  if (namesOf(fields).length !== names.length) return false;
  return names.every((name) => {
    const below = own(fields, `f:${name}`);
    if (!isMap(below)) return false;
    const quantities = place.quantities || (place.builtIn && QUANTITIES.get(place.name)?.has(name) === true);
    const at = { ...place, name, quantities };
    return Object.keys(below).length === 0 ? isSame(wanted[name], own(live, name), at) : holds(below, wanted[name], own(live, name), at);
  });
}

/** Keys of a set of fields but for the mark that the item itself is in it. */
function namesOf(fields: Fields): string[] {
  return Object.keys(fields).filter((key) => key !== '.');
}

/** An associative list, `k:{…}` for each item, or a set, `v:…`; the items of ours must be in our order. */
function holdsList(fields: Fields, wanted: readonly unknown[], live: readonly unknown[], place: Place): boolean {
  const keys = namesOf(fields);
  if (keys.length !== wanted.length || wanted.length > LONGEST_LIST || live.length > LONGEST_LIST) return false;
  const selectors = keys.map((key) => ({ key, value: partOf(key) }));
  const used = new Set<string>();
  let last = -1;
  return wanted.every((item) => {
    const matching = selectors.filter(({ key, value }) => !used.has(key) && selects(key, value, item, true));
    const [selector] = matching;
    if (selector === undefined || matching.length > 1) return false;
    used.add(selector.key);
    const index = live.findIndex((entry) => selects(selector.key, selector.value, entry, false));
    if (index <= last) return false;
    last = index;
    const below = own(fields, selector.key);
    if (!isMap(below)) return false;
    return selector.key.startsWith('v:') ? namesOf(below).length === 0 : holds(below, item, live[index], place);
  });
}

/** @param defaults whether a key that the item does not have may be there by default, as a port's protocol */
function selects(key: string, value: unknown, item: unknown, defaults: boolean): boolean {
  if (key.startsWith('v:')) return !isMap(item) && !Array.isArray(item) && value === item;
  if (!isMap(value) || !isMap(item)) return false;
  return Object.entries(value).every(([name, part]) => own(item, name) === part || (defaults && !Object.hasOwn(item, name)));
}

function partOf(key: string): unknown {
  if (!/^[kv]:/.test(key)) return undefined;
  try {
    return JSON.parse(key.slice(2));
  } catch {
    return undefined;
  }
}

/** A field that is owned as a whole. */
function isSame(wanted: unknown, live: unknown, place: Place): boolean {
  if (wanted === live || (place.quantities && sameQuantity(wanted, live))) return true;
  if (Array.isArray(wanted)) {
    return Array.isArray(live) && wanted.length === live.length && wanted.every((item, index) => isSame(item, live[index], place));
  }
  if (!isMap(wanted) || !isMap(live)) return false;
  const isDefault = (name: string): boolean => place.builtIn && own(DEFAULTS.get(place.name), name) === live[name];
  const added = Object.keys(live).filter((name) => !Object.hasOwn(wanted, name));
  if (!added.every(isDefault)) return false;
  return Object.keys(wanted).every((name) => Object.hasOwn(live, name) && isSame(wanted[name], live[name], { ...place, name }));
}

function own(map: unknown, name: string): unknown {
  return isMap(map) && Object.hasOwn(map, name) ? map[name] : undefined;
}

function isMap(value: unknown): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
