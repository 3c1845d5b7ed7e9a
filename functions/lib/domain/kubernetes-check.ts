import type { Finding } from '#model/checks.ts';
import type { FieldSchema, Scalar } from '#model/kubernetes-schema.ts';
import { labelProblem } from './kubernetes-names.ts';
import { isRecord, isScalar } from './kubernetes-schema.ts';
import { pathText } from './shape.ts';
import { didYouMean } from './suggest.ts';
import { shorten } from './yaml-parse.ts';
import { findingAt, type Place, type ValuePath } from './yaml-source.ts';

/** What is wrong with one value of an object, without its place in the source: that is looked up only when it is told. */
export interface Problem {
  readonly path: ValuePath;
  readonly message: string;
  at(file: string, place: Place, level: Finding['level']): Finding;
}

/** Problems told of one object; more of them say nothing new. */
const MAX_PROBLEMS = 50;
/** Depth of types that hold themselves (a CRD's schema); what is written is bounded before. */
const MAX_DEPTH = 200;

type Types = Readonly<Record<string, FieldSchema>>;

interface Check {
  readonly types: Types;
  /** Kubernetes' own kinds take null for an absent field; custom resources only where their schema says nullable. */
  readonly nullIsAbsent: boolean;
  readonly problems: Problem[];
}

/**
 * What the API server would refuse of a value by its schema: unknown fields, wrong types, missing fields, values outside of
 * a list, bounds, equal entries of lists that have keys, and labels. @param root how messages call the value itself
 */
export function checkValue(
  value: unknown,
  schema: FieldSchema,
  types: Types,
  options: { readonly root: string; readonly nullIsAbsent: boolean; readonly path?: ValuePath },
): Problem[] {
  const check: Check = { types, nullIsAbsent: options.nullIsAbsent, problems: [] };
  visit(check, value, schema, options.path ?? [], options.root, 0);
  return check.problems;
}

function add(check: Check, rule: string, path: ValuePath, message: string): void {
  if (check.problems.length >= MAX_PROBLEMS) return;
  check.problems.push({ path, message, at: (file, place, level) => findingAt(file, place, rule, message, level) });
}

function visit(check: Check, value: unknown, schema: FieldSchema, path: ValuePath, root: string, depth: number): void {
  if (depth > MAX_DEPTH || value === undefined) return;
  const where = path.length === 0 ? root : pathText(path);
  if (value === null) {
    const known = schema.type === 'ref' ? (typeNamed(check.types, schema.ref) ?? schema) : schema;
    if (check.nullIsAbsent || schema.nullable === true || known.type === 'any') return;
    if (schema.default === undefined) add(check, 'wrong-type', path, `${where} must be ${nameOf(known)}; it is empty.`);
    return;
  }
  if (schema.type === 'ref') visitRef(check, value, schema.ref, path, root, depth);
  else if (schema.type === 'object') visitObject(check, value, schema, path, where, depth);
  else if (schema.type === 'map') visitMap(check, value, schema, path, where, depth);
  else if (schema.type === 'list') visitList(check, value, schema, path, where, depth);
  else if (schema.type !== 'any') visitScalar(check, value, schema, path, where);
}

function visitRef(check: Check, value: unknown, ref: string, path: ValuePath, root: string, depth: number): void {
  const type = typeNamed(check.types, ref);
  if (type === undefined) return;
  visit(check, value, type, path, root, depth + 1);
  if (ref.endsWith('.meta.v1.ObjectMeta')) visitLabels(check, value, path);
}

function typeNamed(types: Types, name: string): FieldSchema | undefined {
  return Object.hasOwn(types, name) ? types[name] : undefined;
}

type Of<T extends FieldSchema['type']> = Extract<FieldSchema, { readonly type: T }>;

function visitObject(check: Check, value: unknown, schema: Of<'object'>, path: ValuePath, where: string, depth: number): void {
  if (!isRecord(value)) {
    wrongType(check, value, schema, path, where);
    return;
  }
  for (const name of schema.required ?? []) {
    // Kubernetes' own kinds can't tell null from absent.
    const there = Object.hasOwn(value, name) && !(value[name] === null && check.nullIsAbsent);
    if (!there) add(check, 'missing-field', path, `${path.length === 0 ? '' : `${where}.`}${name} is missing.`);
  }
  for (const [name, inner] of Object.entries(value)) {
    // Comparing thousands of wrong names with the right ones would take longer than all else.
    if (check.problems.length >= MAX_PROBLEMS) return;
    const property = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    if (property !== undefined) visit(check, inner, property, [...path, name], where, depth + 1);
    else if (schema.open !== true) add(check, 'unknown-field', [...path, name], unknownField(where, name, schema.properties));
  }
}

function unknownField(where: string, name: string, properties: Readonly<Record<string, FieldSchema>>): string {
  const known = Object.keys(properties);
  const few = known.length > 0 && known.length <= 8 ? ` It has ${known.join(', ')}.` : '';
  return `${where} has no field ${shorten(name)}.${didYouMean(name, known) || few}`;
}

function visitMap(check: Check, value: unknown, schema: Of<'map'>, path: ValuePath, where: string, depth: number): void {
  if (!isRecord(value)) {
    wrongType(check, value, schema, path, where);
    return;
  }
  const entries = Object.entries(value);
  countWithin(check, entries.length, schema, path, `${where} has ${entries.length} entries`);
  for (const [name, inner] of entries) visit(check, inner, schema.values, [...path, name], where, depth + 1);
}

function visitList(check: Check, value: unknown, schema: Of<'list'>, path: ValuePath, where: string, depth: number): void {
  if (!Array.isArray(value)) {
    wrongType(check, value, schema, path, where);
    return;
  }
  countWithin(check, value.length, schema, path, `${where} has ${value.length} entries`);
  for (const [index, inner] of value.entries()) visit(check, inner, schema.items, [...path, index], where, depth + 1);
  if (schema.unique !== undefined) visitUnique(check, value, schema, schema.unique, path, where);
}

/** Server-side apply merges such lists by their keys and refuses two entries of one key. */
function visitUnique(
  check: Check,
  entries: readonly unknown[],
  schema: Of<'list'>,
  unique: 'set' | readonly string[],
  path: ValuePath,
  where: string,
): void {
  const items = schema.items.type === 'ref' ? typeNamed(check.types, schema.items.ref) : schema.items;
  const first = new Map<string, number>();
  for (const [index, entry] of entries.entries()) {
    const key = unique === 'set' ? entry : keysOf(entry, unique, items);
    if (key === undefined) continue;
    const text = JSON.stringify(key);
    const earlier = first.get(text);
    if (earlier === undefined) first.set(text, index);
    else add(check, 'invalid-value', [...path, index], `${where}[${index}] has the same ${sameOf(unique, key)} as ${where}[${earlier}].`);
  }
}

function sameOf(unique: 'set' | readonly string[], key: unknown): string {
  const values: readonly unknown[] = Array.isArray(key) ? key : [key];
  return unique === 'set'
    ? `value ${shown(key)}`
    : unique
        .map((name, index) => (values[index] === null ? undefined : `${name} ${shown(values[index])}`))
        .filter((text) => text !== undefined)
        .join(' and ');
}

/** The values of an entry's keys, defaults put in; undefined when one that has no default is missing: that is told itself. */
function keysOf(entry: unknown, names: readonly string[], items: FieldSchema | undefined): unknown[] | undefined {
  if (!isRecord(entry)) return undefined;
  const keys: unknown[] = [];
  for (const name of names) {
    const property = items?.type === 'object' && Object.hasOwn(items.properties, name) ? items.properties[name] : undefined;
    const required = items?.type === 'object' && items.required?.includes(name) === true;
    const value = entry[name] ?? (required ? undefined : (property?.default ?? null));
    if (value === undefined) return undefined;
    keys.push(value);
  }
  return keys;
}

function visitScalar(
  check: Check,
  value: unknown,
  schema: Exclude<FieldSchema, Of<'ref'> | Of<'object'> | Of<'map'> | Of<'list'>>,
  path: ValuePath,
  where: string,
): void {
  if (!isOfType(value, schema.type)) {
    wrongType(check, value, schema, path, where);
    return;
  }
  const outside = outsideOf(value, 'enum' in schema ? schema.enum : undefined);
  if (outside !== undefined) add(check, 'unknown-value', path, `${where} is ${shown(value)}; it must be ${outside}`);
  if (schema.type === 'integer' || schema.type === 'number')
    countWithin(check, Number(value), schema, path, `${where} is ${String(value)}`);
  if (schema.type === 'quantity' && !QUANTITY.test(String(value))) {
    add(check, 'invalid-value', path, `${where} is ${shown(value)}; it must be a quantity, for example 500m, 2 or 1.5Gi.`);
  }
  if (schema.type !== 'string' || typeof value !== 'string') return;
  if (schema.atLeast !== undefined || schema.atMost !== undefined) {
    const length = [...value].length;
    countWithin(check, length, schema, path, `${where} has ${length} characters`);
  }
  if (schema.format === 'byte' && !isBase64(value)) add(check, 'invalid-value', path, `${where} must be Base64.`);
  if (schema.format === 'date-time' && !DATE_TIME.test(value)) {
    add(check, 'invalid-value', path, `${where} is ${shown(value)}; it must be a time, for example 2026-01-31T08:00:00Z.`);
  }
}

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
const QUANTITY = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/;
/** RFC 3339. */
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

function isBase64(text: string): boolean {
  const plain = text.replaceAll(/[\r\n]/g, '');
  return plain.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(plain);
}

/** Of a scalar's type; what is none has no scalar for a value. */
function isOfType(value: unknown, type: FieldSchema['type']): boolean {
  switch (type) {
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value);
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'int-or-string':
      // IntOrString has 32 bits; the API server answers 500 to more.
      return typeof value === 'string' || (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 31);
    case 'quantity':
      return typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value));
    default:
      return false;
  }
}

/** What a value outside of the list must be, or undefined for one inside. */
function outsideOf(value: unknown, allowed: readonly Scalar[] | undefined): string | undefined {
  if (allowed === undefined || !isScalar(value) || allowed.includes(value)) return undefined;
  const known = allowed.map(String);
  return `one of ${known.map((one) => (one === '' ? '""' : one)).join(', ')}.${typeof value === 'string' ? didYouMean(value, known) : ''}`;
}

function countWithin(
  check: Check,
  count: number,
  { atLeast, atMost }: { readonly atLeast?: number; readonly atMost?: number },
  path: ValuePath,
  what: string,
): void {
  if (atLeast !== undefined && count < atLeast) add(check, 'invalid-value', path, `${what}; at least ${atLeast} is needed.`);
  if (atMost !== undefined && count > atMost) add(check, 'invalid-value', path, `${what}; at most ${atMost} is allowed.`);
}

const NAMES: Readonly<Record<FieldSchema['type'], string>> = {
  any: 'a value',
  ref: 'a mapping',
  object: 'a mapping',
  map: 'a mapping',
  list: 'a list',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  'int-or-string': 'a whole number or text',
  quantity: 'a quantity',
};

function nameOf(schema: FieldSchema): string {
  return NAMES[schema.type];
}

function wrongType(check: Check, value: unknown, schema: FieldSchema, path: ValuePath, where: string): void {
  const quoted = typeof value === 'string' && /^(?:true|false|-?\d+(?:\.\d+)?)$/.test(value);
  const fits = quoted && isOfType(JSON.parse(unpadded(value)), schema.type);
  const hint = fits ? ' Remove the quotes.' : schema.type === 'string' && isScalar(value) ? ' Put it in quotes.' : '';
  add(check, 'wrong-type', path, `${where} must be ${nameOf(schema)}; it is ${described(value)}.${hint}`);
}

/** JSON has no numbers with leading zeros. */
function unpadded(text: string): string {
  return text.replace(/^(-?)0+(?=\d)/, '$1');
}

function described(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (isRecord(value)) return 'a mapping';
  return typeof value === 'string' ? `the text ${shown(value)}` : shown(value);
}

function shown(value: unknown): string {
  return shorten(JSON.stringify(value) ?? String(value));
}

function visitLabels(check: Check, metadata: unknown, path: ValuePath): void {
  if (!isRecord(metadata)) return;
  for (const kind of ['labels', 'annotations'] as const) {
    const entries = metadata[kind];
    if (!isRecord(entries)) continue;
    for (const [key, value] of Object.entries(entries)) {
      const problem = labelProblem(kind, key, value);
      if (problem !== undefined) add(check, 'invalid-value', [...path, kind, key], `${pathText([...path, kind])} ${problem}`);
    }
  }
}
