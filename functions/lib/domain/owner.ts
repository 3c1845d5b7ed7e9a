import { ManagedFields } from '../model/kubernetes.ts';
import type { Manifest } from '../model/render.ts';
import { FIELD_OWNER } from './applied-fields.ts';
import { formatId, type Inventory, identityOf, idOf, parseId } from './inventory.ts';

/** Labels, then annotations, by which people say whose an object is; the first that is there counts. */
const LABELS = ['owner', 'team', 'application', 'app.kubernetes.io/part-of', 'app.kubernetes.io/name', 'app'] as const;
const ANNOTATIONS = ['owner', 'team', 'meta.helm.sh/release-name'] as const;

/**
 * Whose an object is, for people: the component that Sluice applies it with, else what its labels say, else who writes it.
 * For example `component ingress`, `team=payments`, `written by kubectl-create`.
 */
export function ownerOf(object: Manifest, inventory: Inventory = new Map()): string {
  const component = componentOf(object, inventory);
  if (component !== undefined) return `component ${component}`;
  const { labels, annotations } = object.metadata;
  const said = named(labels, LABELS) ?? named(annotations, ANNOTATIONS);
  if (said !== undefined) return said;
  const fields = ManagedFields.safeParse(object.metadata['managedFields'] ?? []);
  const managers = fields.success ? fields.data.filter(({ subresource }) => (subresource ?? '') === '').map(({ manager }) => manager) : [];
  const [first] = managers.filter((manager) => manager !== '');
  return first === undefined ? 'owner unknown' : `written by ${first}`;
}

function componentOf(object: Manifest, inventory: Inventory): string | undefined {
  const wanted = identityOf(idOf(object));
  for (const [component, lines] of inventory) {
    const found = lines.some((line) => {
      const id = parseId(line);
      return id !== undefined && identityOf(id) === wanted;
    });
    if (found) return component;
  }
  return undefined;
}

function named(values: unknown, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = values !== null && typeof values === 'object' ? Object.entries(values).find(([key]) => key === name)?.[1] : undefined;
    if (typeof value === 'string' && value !== '') return `${name}=${value}`;
  }
  return undefined;
}

/** `Deployment kube-system/coredns (component coredns)`: an object and whose it is. */
export function withOwner(object: Manifest, inventory: Inventory = new Map()): string {
  return `${shortId(object)} (${ownerOf(object, inventory)})`;
}

/** `Deployment kube-system/coredns`. */
export function shortId(object: Manifest): string {
  return formatId(idOf(object)).split(' ').slice(1).join(' ');
}

/**
 * Whether Sluice has applied the object: it made it, and nobody deleted and made it anew since. An object of which it
 * applied a name only has no fields of anybody, and counts.
 */
export function isOwned(object: Manifest): boolean {
  const fields = ManagedFields.safeParse(object.metadata['managedFields'] ?? []);
  if (!fields.success || fields.data.length === 0) return true;
  return fields.data.some(({ manager, operation }) => manager === FIELD_OWNER && operation === 'Apply');
}
