// Makes functions/plan/schemas/<minor>.json from real API servers: `node cli/kubernetes-schemas.ts --binaries FOLDER`, where
// FOLDER has etcd and <version>/kube-apiserver. With `--check` it only tells whether the files are fresh.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { brotliCompressSync, constants } from 'node:zlib';
import * as z from 'zod';
import { fieldSchemaOf } from '#domain/kubernetes-schema.ts';
import { API_PORT } from '#domain/network.ts';
import type { FieldSchema, KubernetesSchemas, SchemaFile, ServedKind } from '#model/kubernetes-schema.ts';
import { KUBERNETES_VERSIONS } from '../local/toolchain/versions.ts';
import { startControlPlane } from '../test/support/control-plane.ts';
import { get } from '../test/support/tls.ts';

const FOLDER = join(import.meta.dirname, '../functions/plan/schemas');

/**
 * Fields that OpenAPI calls required and that the API server fills or does without; found by leaving out every field of many
 * objects in turn (test/contract/kubernetes-schemas.test.ts).
 */
const NOT_REQUIRED: Readonly<Record<string, readonly string[]>> = {
  'io.k8s.api.core.v1.LimitRangeSpec': ['limits'],
  'io.k8s.api.discovery.v1.EndpointSlice': ['endpoints'],
  'io.k8s.api.rbac.v1.RoleRef': ['apiGroup'],
  'io.k8s.api.scheduling.v1.PriorityClass': ['value'],
  'io.k8s.api.storage.v1.CSIDriver': ['spec'],
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion': ['served'],
};

const Index = z.object({ paths: z.record(z.string(), z.object({ serverRelativeURL: z.string() })) });
const Kind = z.object({ group: z.string(), version: z.string(), kind: z.string() });
const Operation = z.looseObject({ 'x-kubernetes-group-version-kind': Kind.optional() });
const Document = z.looseObject({
  paths: z.record(z.string(), z.looseObject({ patch: Operation.optional() })).default({}),
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()).default({}) }).default({ schemas: {} }),
});
type Document = z.infer<typeof Document>;

/** Answer of a GET to the API server: its body, and the `Warning` header when there is one. */
type Read = (path: string) => Promise<{ body: string; warning: string | undefined }>;

/** What a real API server of the version serves by default. `SLUICE_TEST_BINARIES` says where it is. */
export async function schemasOf(version: string): Promise<KubernetesSchemas> {
  const plane = await startControlPlane({ version });
  try {
    const identity = await plane.client('kubernetes');
    return await readSchemas(version, async (path) => {
      const answer = await get(plane.address, API_PORT, path, identity, 'kubernetes');
      if (answer?.status !== 200) throw new Error(`GET ${path} answered ${answer?.status ?? 'nothing'}`);
      return { body: answer.body, warning: answer.warning };
    });
  } finally {
    await plane.stop();
  }
}

async function readSchemas(version: string, read: Read): Promise<KubernetesSchemas> {
  const index = Index.parse(JSON.parse((await read('/openapi/v3')).body));
  const kinds: Record<string, ServedKind> = {};
  const all: Record<string, unknown> = {};
  for (const [path, { serverRelativeURL }] of Object.entries(index.paths)) {
    if (!/^apis?\/.*v\d/.test(path)) continue;
    const document = Document.parse(JSON.parse((await read(serverRelativeURL)).body));
    Object.assign(all, document.components.schemas);
    for (const [name, served] of await kindsOf(document, read)) kinds[name] = served;
  }
  const types = reachable(
    Object.values(kinds).map(({ type }) => type),
    all,
  );
  return { version, kinds: inOrder(kinds), types };
}

/** Kinds with a PATCH on one object, which server-side apply needs; subresources are left out. */
async function kindsOf(document: Document, read: Read): Promise<[string, ServedKind][]> {
  const found: [string, ServedKind][] = [];
  for (const [path, { patch }] of Object.entries(document.paths)) {
    const kind = patch?.['x-kubernetes-group-version-kind'];
    if (kind === undefined || !path.endsWith('/{name}')) continue;
    const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
    const type = typeOf(kind, document);
    const { warning } = await read(path.replace('/namespaces/{namespace}', '').replace(/\/\{name\}$/, '?limit=1'));
    // RFC 9110 once had `299 - "text"` here; the text is all that people need.
    const deprecated = /^299 \S+ "(.*)"$/.exec(warning ?? '')?.[1];
    const served = { type, namespaced: path.includes('/namespaces/{namespace}/'), ...(deprecated === undefined ? {} : { deprecated }) };
    found.push([`${apiVersion} ${kind.kind}`, served]);
  }
  return found;
}

const Marked = z.looseObject({ 'x-kubernetes-group-version-kind': z.array(Kind).default([]) });

function typeOf(kind: z.infer<typeof Kind>, document: Document): string {
  const isIt = (schema: unknown): boolean =>
    Marked.parse(schema)['x-kubernetes-group-version-kind'].some(
      (one) => one.group === kind.group && one.version === kind.version && one.kind === kind.kind,
    );
  const found = Object.entries(document.components.schemas).find(([, schema]) => isIt(schema));
  if (found === undefined) throw new Error(`the OpenAPI document has no type of ${kind.group}/${kind.version} ${kind.kind}`);
  return found[0];
}

function reachable(roots: readonly string[], all: Readonly<Record<string, unknown>>): Record<string, FieldSchema> {
  const types: Record<string, FieldSchema> = {};
  const open = [...roots];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name in types) continue;
    if (!(name in all)) throw new Error(`the OpenAPI documents have no type ${name}`);
    // OpenAPI writes Quantity as text or number; Kubernetes reads more of it than that.
    const type: FieldSchema = name.endsWith('.api.resource.Quantity')
      ? { type: 'quantity' }
      : asServed(name, fieldSchemaOf(all[name], false));
    types[name] = type;
    open.push(...refsOf(type));
  }
  return inOrder(types);
}

function asServed(name: string, type: FieldSchema): FieldSchema {
  const optional = NOT_REQUIRED[name];
  if (optional === undefined || type.type !== 'object') return type;
  const { required = [], ...rest } = type;
  const left = required.filter((field) => !optional.includes(field));
  return { ...rest, ...(left.length > 0 ? { required: left } : {}) };
}

function refsOf(schema: FieldSchema): string[] {
  if (schema.type === 'ref') return [schema.ref];
  if (schema.type === 'list') return refsOf(schema.items);
  if (schema.type === 'map') return refsOf(schema.values);
  return schema.type === 'object' ? Object.values(schema.properties).flatMap(refsOf) : [];
}

function inOrder<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([left], [right]) => (left < right ? -1 : 1)));
}

/** The text of a schema file. */
function schemaFile(schemas: KubernetesSchemas): string {
  const json = JSON.stringify(schemas);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: json.length };
  const file: SchemaFile = { version: schemas.version, brotli: brotliCompressSync(json, { params }).toString('base64') };
  return `${JSON.stringify(file, null, 2)}\n`;
}

async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options: { binaries: { type: 'string' }, check: { type: 'boolean', default: false } } });
  if (values.binaries !== undefined) process.env['SLUICE_TEST_BINARIES'] = values.binaries;
  let stale = 0;
  for (const version of KUBERNETES_VERSIONS) {
    const path = join(FOLDER, `${version.replace(/\.\d+$/, '')}.json`);
    const schemas = await schemasOf(version);
    const text = schemaFile(schemas);
    const fresh = existsSync(path) && readFileSync(path, 'utf8') === text;
    if (!values.check) writeFileSync(path, text);
    if (!fresh) stale += 1;
    const size = `${Object.keys(schemas.kinds).length} kinds, ${Object.keys(schemas.types).length} types, ${(text.length / 1024).toFixed(0)} KiB`;
    process.stdout.write(`${path}: ${size}, ${fresh ? 'fresh' : values.check ? 'stale' : 'written'}\n`);
  }
  return values.check && stale > 0 ? 1 : 0;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
