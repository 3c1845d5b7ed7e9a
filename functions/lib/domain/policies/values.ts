import type { ValuePath } from '../yaml-source.ts';

/** A mapping of parsed YAML, whatever its keys. */
export type Mapping = Readonly<Record<string, unknown>>;

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path, or undefined where there is none. Inherited properties are none. */
export function valueAt(value: unknown, path: ValuePath): unknown {
  let current = value;
  for (const key of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined;
    current = Reflect.get(current, key);
  }
  return current;
}

/** The items of a list; of anything else none. */
export function listAt(value: unknown, path: ValuePath): readonly unknown[] {
  const found = valueAt(value, path);
  return Array.isArray(found) ? found : [];
}

/** The entries of a mapping; of anything else none. */
export function entriesAt(value: unknown, path: ValuePath): readonly (readonly [string, unknown])[] {
  const found = valueAt(value, path);
  return isMapping(found) ? Object.entries(found) : [];
}

/** A text or number as text; of anything else undefined. */
export function textAt(value: unknown, path: ValuePath): string | undefined {
  const found = valueAt(value, path);
  if (typeof found === 'string') return found;
  return typeof found === 'number' ? String(found) : undefined;
}

/** A whole number, also written as text; undefined for anything else, such as a percentage or a variable. */
export function numberAt(value: unknown, path: ValuePath): number | undefined {
  const text = textAt(value, path);
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

/** One value or a list of values, as a list: CloudFormation and IAM take both. */
export function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** A Kubernetes quantity as a number (bytes, cores); undefined when it is none. */
export function quantity(text: string | undefined): number | undefined {
  const parts = /^(\d+(?:\.\d+)?)([A-Za-z]{0,2})$/.exec(text ?? '');
  const unit = UNITS[parts?.[2] ?? 'none'];
  return parts === null || unit === undefined ? undefined : Number(parts[1]) * unit;
}
