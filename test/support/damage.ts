import { isRecord } from '#domain/kubernetes-schema.ts';

/** Numbers to decide by, from an endless stream. */
export type Seed = () => number;

export function seedOf(numbers: Iterator<number>): Seed {
  return () => Number(numbers.next().value ?? 0);
}

/** Paths that say which object it is: they are left alone. */
const IDENTITY = new Set(['apiVersion', 'kind', 'metadata', 'metadata.name', 'metadata.namespace']);

const OTHERS: readonly unknown[] = [
  '',
  'wrong value',
  '12',
  12,
  -1,
  1.5,
  2 ** 40,
  true,
  null,
  [],
  {},
  ['a'],
  { a: 'b' },
  [{ a: 1 }],
  'a_b C',
  '1.5Gi',
];

/** An object with one thing wrong, or only different: a field renamed, dropped, doubled, or of another value. */
export function damaged(object: unknown, seed: Seed): unknown {
  const copy: unknown = structuredClone(object);
  const places = placesIn(copy, []).filter(({ path }) => !IDENTITY.has(path.join('.')));
  const place = places[seed() % Math.max(1, places.length)];
  if (place === undefined) return copy;
  const { holder, key } = place;
  const action = ['rename', 'drop', 'double', 'replace', 'replace'][seed() % 5];
  if (Array.isArray(holder)) {
    const index = Number(key);
    if (action === 'double') holder.push(structuredClone(holder[index]));
    else if (action === 'drop') holder.splice(index, 1);
    else holder[index] = OTHERS[seed() % OTHERS.length];
    return copy;
  }
  if (action === 'replace') holder[key] = OTHERS[seed() % OTHERS.length];
  if (action === 'rename' || action === 'double') holder[`${key}${['x', 'S', '_', '0'][seed() % 4]}`] = structuredClone(holder[key]);
  if (action === 'rename' || action === 'drop') delete holder[key];
  return copy;
}

/** The object once for each of its fields and entries, without that one. */
export function withoutEach(object: unknown): unknown[] {
  const count = placesIn(object, []).length;
  return Array.from({ length: count }, (_, index) => index).flatMap((index) => {
    const copy: unknown = structuredClone(object);
    const place = placesIn(copy, [])[index];
    if (place === undefined || IDENTITY.has(place.path.join('.'))) return [];
    if (Array.isArray(place.holder)) place.holder.splice(Number(place.key), 1);
    else delete place.holder[place.key];
    return [copy];
  });
}

type Place =
  | { readonly holder: Record<string, unknown>; readonly key: string; readonly path: readonly string[] }
  | { readonly holder: unknown[]; readonly key: string; readonly path: readonly string[] };

function placesIn(value: unknown, path: readonly string[]): Place[] {
  if (Array.isArray(value)) {
    return value.flatMap((inner: unknown, index) => {
      const here = [...path, String(index)];
      return [{ holder: value as unknown[], key: String(index), path: here }, ...placesIn(inner, here)];
    });
  }
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = [...path, key];
    return [{ holder: value as Record<string, unknown>, key, path: here }, ...placesIn(inner, here)];
  });
}
