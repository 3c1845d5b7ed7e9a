import * as z from 'zod';
import { parsePath } from '../asl/paths.ts';

/** A JSON schema as far as is looked at; `{}` is anything. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly const?: unknown;
}

export const ANYTHING: Schema = {};

const made = { input: new WeakMap<z.ZodType, Schema>(), output: new WeakMap<z.ZodType, Schema>() };

export function schemaOf(type: z.ZodType, io: 'input' | 'output'): Schema {
  const schema = made[io].get(type) ?? (z.toJSONSchema(type, { io, unrepresentable: 'any' }) as Schema);
  made[io].set(type, schema);
  return schema;
}

/** An object that has all of these. */
export function objectSchema(properties: Readonly<Record<string, Schema>>): Schema {
  return { type: 'object', properties, required: Object.keys(properties) };
}

/** One of several; the same ones once. */
export function either(schemas: readonly Schema[]): Schema {
  const distinct = new Map(schemas.flatMap(branches).map((schema) => [JSON.stringify(schema), schema]));
  const [first, ...more] = distinct.values();
  if (first === undefined || distinct.has('{}')) return ANYTHING;
  return more.length === 0 ? first : { anyOf: [first, ...more] };
}

function branches(schema: Schema): readonly Schema[] {
  return schema.anyOf ?? schema.oneOf ?? [schema];
}

function isAnything(schema: Schema): boolean {
  const { type, properties, anyOf, oneOf, const: constant } = schema;
  return [type, properties, anyOf, oneOf, constant].every((part) => part === undefined);
}

/**
 * What a path selects when it is sure to be there; undefined when it may be missing. Of a union one branch that has it is
 * enough: a Choice tells them apart.
 */
export function schemaAt(schema: Schema, path: string): Schema | undefined {
  return parsePath(path).selectors.reduce<Schema | undefined>((at, selector) => {
    if (at === undefined || isAnything(at)) return at;
    if (selector.kind !== 'name') return either(branches(at).flatMap(({ items }) => (items === undefined ? [] : [items])));
    const having = branches(at).filter(({ required }) => required?.includes(selector.name));
    return having.length === 0 ? undefined : either(having.map(({ properties }) => properties?.[selector.name] ?? ANYTHING));
  }, schema);
}

/** What of `need` is not sure to be in `have`, as paths with reasons. Empty when `have` always fits. */
export function missing(need: Schema, have: Schema, at = '$'): string[] {
  if (isAnything(need) || isAnything(have)) return [];
  const haves = branches(have);
  // A union of ours is told apart by a Choice before: one branch that fits is enough.
  const results = haves.map((branch) => branches(need).map((wanted) => missingOf(wanted, branch, at)));
  const fits = results.find((one) => one.some((problems) => problems.length === 0));
  return fits === undefined ? (results[0]?.toSorted((left, right) => left.length - right.length)[0] ?? []) : [];
}

function missingOf(need: Schema, have: Schema, at: string): string[] {
  if (isAnything(need) || isAnything(have)) return [];
  const types = [typesOf(need), typesOf(have)] as const;
  if (types[0].length > 0 && types[1].length > 0 && !types[1].every((type) => types[0].includes(type))) {
    return [`${at} is ${types[1].join(' or ')}, wanted is ${types[0].join(' or ')}`];
  }
  if (need.items !== undefined && have.items !== undefined) return missing(need.items, have.items, `${at}[]`);
  return (need.required ?? []).flatMap((name) => {
    if (have.required?.includes(name) !== true) return [`${at}.${name} may be absent`];
    return missing(need.properties?.[name] ?? ANYTHING, have.properties?.[name] ?? ANYTHING, `${at}.${name}`);
  });
}

function typesOf({ type, const: constant }: Schema): readonly string[] {
  if (type === undefined) return constant === undefined ? [] : typesOfConstant(constant);
  // An integer is a number.
  return [type].flat().flatMap((one) => (one === 'integer' ? ['integer', 'number'] : [one]));
}

function typesOfConstant(constant: unknown): readonly string[] {
  if (constant === null) return ['null'];
  return [Array.isArray(constant) ? 'array' : typeof constant];
}
