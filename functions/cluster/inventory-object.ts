import * as z from 'zod';
import { formatId, INVENTORY } from '#domain/inventory.ts';
import { RefusedError, TransientError } from '#model/errors.ts';
import type { Manifest } from '#model/render.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';

/** The inventory's ConfigMap as one step reads and changes it. */
export interface InventoryObject {
  data(): Readonly<Record<string, string>>;
  /** Sets values, or removes those that are null; nothing is written when that changes nothing. @throws ConflictError when it was changed meanwhile, TransientError, RefusedError */
  save(change: Readonly<Record<string, string | null>>): Promise<void>;
}

export async function openInventory(kubernetes: Kubernetes): Promise<InventoryObject> {
  let there = await kubernetes.get(INVENTORY);
  return {
    data: () => dataOf(there),
    async save(change) {
      const before = dataOf(there);
      const isChanged = Object.entries(change).some(([key, value]) => (before[key] ?? null) !== value);
      if (!isChanged) return;
      const resourceVersion = there?.metadata['resourceVersion'];
      there =
        there === undefined
          ? await create(kubernetes, change)
          : await kubernetes.patch(INVENTORY, { metadata: { resourceVersion }, data: change });
    },
  };
}

async function create(kubernetes: Kubernetes, change: Readonly<Record<string, string | null>>): Promise<Manifest | undefined> {
  const { apiVersion, kind, namespace, name } = INVENTORY;
  const data = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== null));
  const metadata = { name, ...(namespace === undefined ? {} : { namespace }), labels: { 'app.kubernetes.io/managed-by': 'sluice' } };
  const { outcome, reason } = await kubernetes.apply({ apiVersion, kind, metadata, data }, { before: '' });
  if (outcome === 'created') return kubernetes.get(INVENTORY);
  // What somebody else has just made was not read.
  if (outcome === 'changed' || outcome === 'unchanged') throw new TransientError(`${formatId(INVENTORY)} was made meanwhile`);
  throw new RefusedError(`${formatId(INVENTORY)} could not be made: ${outcome}: ${reason ?? 'no reason given'}`);
}

/** Data of a ConfigMap. */
function dataOf(configMap: Manifest | undefined): Record<string, string> {
  return z.record(z.string(), z.string()).catch({}).parse(configMap?.['data']);
}
