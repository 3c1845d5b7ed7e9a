import * as z from 'zod';
import type { Finding } from '#model/checks.ts';
import { didYouMean } from './suggest.ts';
import { shorten } from './yaml-parse.ts';
import { findingAt, type Parsed, placeOf, plainValue, scalarAt, type ValuePath, type YamlSource } from './yaml-source.ts';

/** Told of one document; more say nothing new. */
const MAX_FINDINGS = 50;

/** Reads a document by a schema; each departure is a finding at its key, with a suggestion for a key unknown. */
export function readShape<S extends z.ZodType>(
  source: YamlSource,
  schema: S,
  document = 0,
  plain = plainValue(source, document),
): Parsed<z.infer<S>> {
  if (plain.findings.length > 0) return { findings: plain.findings };
  const result = schema.safeParse(plain.value);
  if (result.success) return { value: result.data, findings: [] };
  const issues = result.error.issues.slice(0, MAX_FINDINGS);
  return { findings: issues.flatMap((issue) => findingsOf(source, schema, issue, document)).slice(0, MAX_FINDINGS) };
}

function findingsOf(source: YamlSource, schema: z.ZodType, issue: z.core.$ZodIssue, document: number): Finding[] {
  if (issue.code !== 'unrecognized_keys') {
    const text = `${describe(issue.path)}${messageOf(issue)}.${meantValue(source, issue, document)}`;
    return [findingAt(source.path, placeOf(source, issue.path, document), 'schema', text)];
  }
  const known = knownKeys(schema, issue.path);
  return issue.keys.slice(0, MAX_FINDINGS).map((key) => {
    const where = issue.path.length === 0 ? '' : ` in ${pathText(issue.path)}`;
    const hint = didYouMean(key, known) || (known.length === 0 ? '' : ` Known are ${known.join(', ')}.`);
    const message = `There is no key ${shorten(key)}${where}.${hint}`;
    return findingAt(source.path, placeOf(source, [...issue.path, key], document), 'schema', message);
  });
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && /received undefined$/.test(issue.message)) return `is missing, it must be a ${issue.expected}`;
  if (issue.code === 'invalid_type') return issue.message.replace(/^Invalid input: expected/, 'must be a');
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`;
  return issue.message.replace(/^Invalid /, 'has an invalid ');
}

/** For a value outside of a closed list: the one that was probably meant. */
function meantValue(source: YamlSource, issue: z.core.$ZodIssue, document: number): string {
  if (issue.code !== 'invalid_value') return '';
  const written = scalarAt(source, issue.path, document);
  return typeof written === 'string' ? didYouMean(written, issue.values.map(String)) : '';
}

function describe(path: ValuePath): string {
  return path.length === 0 ? 'The file ' : `${pathText(path)} `;
}

/** `clusters[2].account`, `metadata.labels["a.b/c"]` */
export function pathText(path: ValuePath): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : keyText(shorten(String(key)), index === 0))).join('');
}

function keyText(key: string, first: boolean): string {
  if (!/^[\w$-]+$/.test(key)) return `["${key}"]`;
  return first ? key : `.${key}`;
}

/** The keys that an object schema has at a path. */
function knownKeys(schema: z.ZodType, path: ValuePath): string[] {
  let current: unknown = unwrapped(schema);
  for (const key of path) {
    if (current instanceof z.ZodObject) current = unwrapped(current.shape[String(key)]);
    else if (current instanceof z.ZodArray) current = unwrapped(current.element);
    else return [];
  }
  return current instanceof z.ZodObject ? Object.keys(current.shape) : [];
}

function unwrapped(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable)
    return unwrapped(schema.unwrap());
  return schema;
}
