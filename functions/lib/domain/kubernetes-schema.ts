import type { FieldSchema, Scalar } from '#model/kubernetes-schema.ts';

type Raw = Readonly<Record<string, unknown>>;

const ANY: FieldSchema = { type: 'any' };
/** Deeper than any schema of sense; a schema inside itself can't be written in a CRD, but nesting can. */
const MAX_DEPTH = 64;

/**
 * A field's schema from OpenAPI v3 as the API server publishes it, or from a CRD's `openAPIV3Schema`. What validation does
 * not need is left out: descriptions, patterns (RE2, which JavaScript does not have) and CEL rules.
 * @param closed whether an object without properties takes no fields (custom resources) or any (Kubernetes' own)
 */
export function fieldSchemaOf(raw: unknown, closed: boolean, depth = 0): FieldSchema {
  if (!isRecord(raw) || depth > MAX_DEPTH) return ANY;
  const schema = withoutCommon(raw, closed, depth);
  const fallback = raw['default'];
  return {
    ...schema,
    ...(isScalar(fallback) && fallback !== '' ? { default: fallback } : {}),
    ...(raw['nullable'] === true ? { nullable: true as const } : {}),
  };
}

function withoutCommon(raw: Raw, closed: boolean, depth: number): FieldSchema {
  const ref = refOf(raw);
  if (ref !== undefined) return { type: 'ref', ref };
  if (raw['x-kubernetes-int-or-string'] === true || raw['format'] === 'int-or-string') return { type: 'int-or-string' };
  switch (raw['type']) {
    case 'object':
      return objectOf(raw, closed, depth);
    case 'array':
      return {
        type: 'list',
        items: fieldSchemaOf(raw['items'], closed, depth + 1),
        ...uniqueOf(raw),
        ...bounds(raw, 'minItems', 'maxItems'),
      };
    case 'string':
      return { type: 'string', ...enumOf(raw), ...formatOf(raw), ...bounds(raw, 'minLength', 'maxLength') };
    case 'integer':
    case 'number':
      return { type: raw['type'], ...enumOf(raw), ...numberBounds(raw) };
    case 'boolean':
      return { type: 'boolean' };
    default:
      // Without a type only x-kubernetes-preserve-unknown-fields says that objects have properties worth a look.
      return isRecord(raw['properties']) ? objectOf(raw, closed, depth) : ANY;
  }
}

function objectOf(raw: Raw, closed: boolean, depth: number): FieldSchema {
  const values = raw['additionalProperties'];
  const size = bounds(raw, 'minProperties', 'maxProperties');
  if (isRecord(values)) return { type: 'map', values: fieldSchemaOf(values, closed, depth + 1), ...size };
  if (values === true) return { type: 'map', values: ANY, ...size };
  const named = isRecord(raw['properties']) ? Object.entries(raw['properties']) : [];
  const properties = Object.fromEntries(named.map(([name, property]) => [name, fieldSchemaOf(property, closed, depth + 1)]));
  const required = textsOf(raw['required']);
  const kept = raw['x-kubernetes-preserve-unknown-fields'] === true || raw['x-kubernetes-embedded-resource'] === true;
  const open = kept || (!closed && named.length === 0);
  return { type: 'object', properties, ...(required.length > 0 ? { required } : {}), ...(open ? { open: true as const } : {}) };
}

/** The name behind `$ref`; the API server writes a reference with a default as `allOf` of one. */
function refOf(raw: Raw): string | undefined {
  const all = raw['allOf'];
  const only: unknown = Array.isArray(all) && all.length === 1 ? all[0] : undefined;
  const ref = raw['$ref'] ?? (isRecord(only) ? only['$ref'] : undefined);
  return typeof ref === 'string' ? ref.slice(ref.lastIndexOf('/') + 1) : undefined;
}

function uniqueOf(raw: Raw): { unique?: 'set' | readonly string[] } {
  if (raw['x-kubernetes-list-type'] === 'set') return { unique: 'set' };
  const keys = textsOf(raw['x-kubernetes-list-map-keys']);
  return raw['x-kubernetes-list-type'] === 'map' && keys.length > 0 ? { unique: keys } : {};
}

function enumOf(raw: Raw): { enum?: readonly Scalar[] } {
  const values = raw['enum'];
  return Array.isArray(values) && values.length > 0 && values.every(isScalar) ? { enum: values } : {};
}

function formatOf(raw: Raw): { format?: 'byte' | 'date-time' } {
  const format = raw['format'];
  return format === 'byte' || format === 'date-time' ? { format } : {};
}

function bounds(raw: Raw, least: string, most: string): { atLeast?: number; atMost?: number } {
  const [atLeast, atMost] = [raw[least], raw[most]];
  return { ...(typeof atLeast === 'number' ? { atLeast } : {}), ...(typeof atMost === 'number' ? { atMost } : {}) };
}

const INT32 = 2 ** 31;

function numberBounds(raw: Raw): { atLeast?: number; atMost?: number } {
  const int32 = raw['format'] === 'int32' ? { atLeast: -INT32, atMost: INT32 - 1 } : {};
  return { ...int32, ...bounds(raw, 'minimum', 'maximum') };
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];
}

export function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
