import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import * as z from 'zod';

/** What is used of GitHub's published OpenAPI description. */
const Description = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.unknown())),
  components: z.record(z.string(), z.record(z.string(), z.unknown())),
});
type Description = z.infer<typeof Description>;

const Parameter = z.object({ name: z.string(), in: z.string(), required: z.boolean().default(false), schema: z.unknown() });
const Operation = z.object({
  parameters: z.array(z.unknown()).default([]),
  requestBody: z
    .object({ required: z.boolean().default(false), content: z.record(z.string(), z.object({ schema: z.unknown() })) })
    .optional(),
});

/** Checks of one operation; each answers what is wrong, in words. */
export interface Checked {
  path(values: Record<string, unknown>): string[];
  query(values: Record<string, unknown>): string[];
  body(value: unknown): string[];
}

const cache = new Map<string, Checked>();
let description: Description | undefined;

/**
 * The checks of an operation, made at its first use. Path and query values are coerced in place.
 * @throws Error when GitHub has no such operation: a route of ours that GitHub does not know is a mistake of ours
 */
export function operation(method: string, path: string): Checked {
  const key = `${method} ${path}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const checked = compile(load(), method, path);
  cache.set(key, checked);
  return checked;
}

function load(): Description {
  const file = createRequire(import.meta.url).resolve('@octokit/openapi/generated/api.github.com.json');
  description ??= Description.parse(JSON.parse(readFileSync(file, 'utf8')));
  return description;
}

function compile(source: Description, method: string, path: string): Checked {
  const raw = source.paths[path]?.[method.toLowerCase()];
  if (raw === undefined) throw new Error(`GitHub's description has no operation ${method} ${path}`);
  const parsed = Operation.parse(raw);
  const parameters = parsed.parameters.map((parameter) => Parameter.parse(inline(source, parameter)));
  const body = parsed.requestBody?.content['application/json']?.schema;
  const validateBody = body === undefined ? undefined : ajv(false).compile(asSchema(inline(source, body)));
  const bodyRequired = parsed.requestBody?.required ?? false;
  return {
    path: checkOf(parameters.filter((parameter) => parameter.in === 'path')),
    query: checkOf(parameters.filter((parameter) => parameter.in === 'query')),
    body(value) {
      if (validateBody === undefined || (value === undefined && !bodyRequired)) return [];
      return run(validateBody, value ?? {});
    },
  };
}

function checkOf(parameters: readonly z.infer<typeof Parameter>[]): (values: Record<string, unknown>) => string[] {
  const validate = ajv(true).compile({
    type: 'object',
    properties: Object.fromEntries(parameters.map((parameter) => [parameter.name, parameter.schema])),
    required: parameters.filter((parameter) => parameter.required).map((parameter) => parameter.name),
  });
  return (values) => run(validate, values);
}

function ajv(coerceTypes: boolean): Ajv {
  const instance = new Ajv({ strict: false, allErrors: true, coerceTypes, logger: false });
  addFormats.default(instance, ['date-time', 'uri', 'date', 'email']);
  return instance;
}

function run(validate: ValidateFunction, value: unknown): string[] {
  if (validate(value)) return [];
  return (validate.errors ?? []).map((error) => `${error.instancePath.replaceAll('/', '.').replace(/^\./, '') || 'body'} ${error.message}`);
}

function asSchema(value: unknown): Record<string, unknown> {
  return z.record(z.string(), z.unknown()).parse(value);
}

/** The value with each `$ref` replaced by what it names; nothing that a request uses refers to itself. */
function inline(source: Description, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => inline(source, item));
  if (value === null || typeof value !== 'object') return value;
  const ref = '$ref' in value ? value.$ref : undefined;
  if (typeof ref === 'string') {
    const [, , kind = '', name = ''] = ref.split('/');
    return inline(source, source.components[kind]?.[name]);
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, inline(source, inner)]));
}
