import { isDeepStrictEqual } from 'node:util';
import type { Manifest } from '#model/render.ts';
import type { FieldConflict } from '#ports/kubernetes.ts';
import { valueAt } from './fields.ts';

type Operation = FieldConflict['operation'];

/** Paths as JSON by `<operation> <owner>`. */
export type Owners = Map<string, Set<string>>;

export function ownedBy(owners: Owners, owner: string, operation: Operation): ReadonlySet<string> {
  return owners.get(`${operation} ${owner}`) ?? new Set();
}

/** Gives `owner` exactly these fields; others keep those of them whose value stays. */
export function takeFields(
  owners: Owners,
  owner: string,
  operation: Operation,
  paths: Set<string>,
  stays: (path: string) => boolean,
): void {
  const key = `${operation} ${owner}`;
  for (const [other, fields] of owners) {
    if (other !== key) for (const path of paths) if (!stays(path)) fields.delete(path);
  }
  owners.set(key, operation === 'Apply' ? paths : new Set([...(owners.get(key) ?? []), ...paths]));
}

/** A field that is gone has no owner. */
export function dropField(owners: Owners, path: string): void {
  for (const fields of owners.values()) fields.delete(path);
}

export function isOnlyOwner(owners: Owners, owner: string, path: string): boolean {
  return ![...owners].some(([key, fields]) => key !== `Apply ${owner}` && fields.has(path));
}

export function conflictsOf(live: Manifest, owners: Owners, owner: string, wanted: ReadonlyMap<string, unknown>): FieldConflict[] {
  return [...owners]
    .filter(([key]) => key !== `Apply ${owner}`)
    .flatMap(([key, fields]) =>
      [...wanted]
        .filter(([path, value]) => fields.has(path) && !isDeepStrictEqual(valueAt(live, JSON.parse(path)), value))
        .map(([path]) => {
          const [operation, name = ''] = key.split(' ');
          const field = `.${JSON.parse(path).join('.')}`;
          return { owner: name, field, operation: operation === 'Apply' ? ('Apply' as const) : ('Update' as const) };
        }),
    );
}

export function conflictText({ owner, field }: FieldConflict): string {
  return `conflict with "${owner}": ${field}`;
}

/** As the API server keeps them; lists count as one field. */
export function managedFields(owners: Owners, apiVersion: string): object[] {
  return [...owners]
    .filter(([, fields]) => fields.size > 0)
    .map(([key, fields]) => {
      const [operation, manager] = key.split(' ');
      const tree: Record<string, unknown> = {};
      for (const path of [...fields].sort()) {
        let at = tree;
        for (const name of JSON.parse(path)) {
          at[`f:${name}`] ??= {};
          at = at[`f:${name}`] as Record<string, unknown>;
        }
      }
      return { manager, operation, apiVersion, fieldsType: 'FieldsV1', fieldsV1: tree };
    });
}
