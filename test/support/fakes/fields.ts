import type { Manifest } from '#model/render.ts';

type Path = readonly string[];

/** Leaf fields of an object by their path as JSON; lists and empty maps count as one field. Identity fields have no owner. */
export function fieldsOf(object: Manifest): Map<string, unknown> {
  const found = new Map<string, unknown>();
  const visit = (value: unknown, path: Path): void => {
    if (value !== null && typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length > 0) {
      for (const [name, entry] of Object.entries(value)) visit(entry, [...path, name]);
      return;
    }
    found.set(JSON.stringify(path), value);
  };
  const { apiVersion: _version, kind: _kind, ...rest } = object;
  if (Object.keys(rest).length > 0) visit(rest, []);
  for (const path of [
    ['metadata', 'name'],
    ['metadata', 'namespace'],
  ])
    found.delete(JSON.stringify(path));
  return found;
}

export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, name) => (isRecord(at) ? at[name] : undefined), value);
}

export function setAt(target: unknown, pathText: string, value: unknown): void {
  const path: string[] = JSON.parse(pathText);
  let at = target as Record<string, unknown>;
  for (const name of path.slice(0, -1)) {
    if (!isRecord(at[name])) at[name] = {};
    at = at[name] as Record<string, unknown>;
  }
  at[path.at(-1) ?? ''] = structuredClone(value);
}

/** Whether `value` is an empty map where there is a map already: it stays as it is. */
export function isEmptyOverMap(target: unknown, pathText: string, value: unknown): boolean {
  return isRecord(value) && Object.keys(value).length === 0 && isRecord(valueAt(target, JSON.parse(pathText)));
}

export function removeAt(target: unknown, pathText: string): void {
  const path: string[] = JSON.parse(pathText);
  const parent = valueAt(target, path.slice(0, -1));
  if (isRecord(parent)) delete parent[path.at(-1) ?? ''];
}

/** JSON merge patch, RFC 7386. */
export function mergePatch(target: Manifest, patch: unknown): Manifest {
  return merged(target, patch) as Manifest;
}

function merged(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return structuredClone(patch);
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merged(result[name], value);
  }
  return result;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
