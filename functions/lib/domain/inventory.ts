import type { Deletion } from '../model/configuration.ts';
import type { Manifest, RenderedComponent } from '../model/render.ts';
import type { ObjectId } from '../ports/kubernetes.ts';

/** Objects that a cluster got from Sluice, by component; the data of ConfigMap `kube-system/sluice-inventory`. */
export type Inventory = ReadonlyMap<string, readonly string[]>;

export const INVENTORY: ObjectId = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'sluice-inventory' };
const PREFIX = 'component.';

/** Never pruned: with them goes data, or everything inside. `deletions.yaml` names them one by one. */
const KEPT_KINDS = new Set(['Namespace', 'CustomResourceDefinition', 'PersistentVolume', 'PersistentVolumeClaim']);

/** Whether pruning leaves objects of this kind alone. */
export function isKept(kind: string): boolean {
  return KEPT_KINDS.has(kind);
}

/** For example `apps/v1 Deployment kube-system/coredns`; a cluster-wide object has nothing before the slash. */
export function formatId(id: ObjectId): string {
  return `${id.apiVersion} ${id.kind} ${id.namespace ?? ''}/${id.name}`;
}

/** undefined when the line isn't an id. */
export function parseId(line: string): ObjectId | undefined {
  const match = /^(\S+) (\S+) ([^/]*)\/(\S+)$/.exec(line);
  if (match === null) return undefined;
  const [, apiVersion = '', kind = '', namespace = '', name = ''] = match;
  return { apiVersion, kind, name, ...(namespace === '' ? {} : { namespace }) };
}

export function idOf({ apiVersion, kind, metadata }: Manifest): ObjectId {
  return { apiVersion, kind, name: metadata.name, ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }) };
}

/** The same object whatever version of its group it is written in: a move from v1beta1 to v1 deletes nothing. */
export function identityOf(id: ObjectId): string {
  const group = id.apiVersion.includes('/') ? id.apiVersion.split('/')[0] : '';
  return `${group} ${id.kind} ${id.namespace ?? ''}/${id.name}`;
}

export function readInventory(data: Readonly<Record<string, string>>): Inventory {
  const entries = Object.entries(data).filter(([key]) => key.startsWith(PREFIX));
  return new Map(entries.map(([key, text]) => [key.slice(PREFIX.length), text.split('\n').filter((line) => line !== '')]));
}

/** As ConfigMap data; components of `before` that are not in `inventory` become null, which a merge patch removes. */
export function writeInventory(revision: string, inventory: Inventory, before: Inventory): Record<string, string | null> {
  const data: Record<string, string | null> = { revision };
  for (const name of before.keys()) data[`${PREFIX}${name}`] = null;
  for (const [name, lines] of inventory) if (lines.length > 0) data[`${PREFIX}${name}`] = [...lines].sort().join('\n');
  return data;
}

/** Before something is applied: what was owned stays owned, so that a run that breaks leaves no object unknown. */
export function withComponents(inventory: Inventory, components: readonly RenderedComponent[]): Inventory {
  const merged = new Map(inventory);
  for (const { name, objects } of components) {
    const lines = objects.map((object) => formatId(idOf(object)));
    merged.set(name, [...new Set([...(inventory.get(name) ?? []), ...lines])]);
  }
  return merged;
}

export interface PrunePlan {
  readonly remove: readonly ObjectId[];
  /** Owned, no longer wanted, but not deleted without an entry in deletions.yaml. */
  readonly keep: readonly ObjectId[];
  /** What is owned once `remove` is deleted. */
  readonly inventory: Inventory;
}

/** What to delete: owned before, not in the new render; objects named by `deletions` go through there. */
export function planPrune(owned: Inventory, components: readonly RenderedComponent[], deletions: readonly Deletion[]): PrunePlan {
  const wanted = new Set(components.flatMap(({ objects }) => objects.map((object) => identityOf(idOf(object)))));
  const named = new Set(deletions.map((deletion) => identityOf(toId(deletion))));
  const remove: ObjectId[] = [];
  const keep: ObjectId[] = [];
  const inventory = new Map<string, string[]>();
  for (const { name, objects } of components) inventory.set(name, [...new Set(objects.map((object) => formatId(idOf(object))))]);
  for (const [component, lines] of owned) {
    for (const line of lines) {
      const id = parseId(line);
      if (id === undefined || wanted.has(identityOf(id)) || named.has(identityOf(id))) continue;
      if (!isKept(id.kind)) {
        remove.push(id);
        continue;
      }
      keep.push(id);
      inventory.set(component, [...(inventory.get(component) ?? []), line]);
    }
  }
  return { remove, keep, inventory };
}

/** Deletions that name an object which is still rendered: they would delete it after each apply. */
export function contradictions(deletions: readonly Deletion[], components: readonly RenderedComponent[]): string[] {
  const wanted = new Map(components.flatMap(({ name, objects }) => objects.map((object) => [identityOf(idOf(object)), name] as const)));
  return deletions.flatMap((deletion) => {
    const component = wanted.get(identityOf(toId(deletion)));
    return component === undefined ? [] : [`${formatId(toId(deletion))} is in deletions.yaml and in component ${component}`];
  });
}

export function toId({ apiVersion, kind, namespace, name }: Deletion): ObjectId {
  return { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) };
}
