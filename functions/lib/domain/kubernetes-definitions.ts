import type { FieldSchema } from '#model/kubernetes-schema.ts';
import type { Manifest } from '#model/render.ts';
import { fieldSchemaOf, isRecord } from './kubernetes-schema.ts';
import type { ValuePath } from './yaml-source.ts';

/** A CustomResourceDefinition, as far as its custom resources are checked by it. */
export interface Definition {
  /** `<plural>.<group>`. */
  readonly name: string;
  readonly group: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly versions: readonly DefinedVersion[];
}

interface DefinedVersion {
  readonly name: string;
  readonly served: boolean;
  /** Of the whole object. */
  readonly schema: FieldSchema;
  /** The warning that people get; absent: not deprecated. */
  readonly deprecated?: string;
}

const API_VERSION = 'apiextensions.k8s.io/v1';
const OBJECT_META: FieldSchema = { type: 'ref', ref: 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' };

export function isDefinition({ apiVersion, kind }: Manifest): boolean {
  return apiVersion === API_VERSION && kind === 'CustomResourceDefinition';
}

/** The definition that a manifest makes; undefined when it lacks what every definition has. */
export function definitionOf(manifest: Manifest): Definition | undefined {
  const spec = manifest['spec'];
  const names = isRecord(spec) ? spec['names'] : undefined;
  if (!isDefinition(manifest) || !isRecord(spec) || !isRecord(names)) return undefined;
  const [group, kind] = [spec['group'], names['kind']];
  if (typeof group !== 'string' || typeof kind !== 'string') return undefined;
  const versions = versionsOf(spec).flatMap(({ value }) => definedVersion(group, kind, value));
  return { name: manifest.metadata.name, group, kind, namespaced: spec['scope'] === 'Namespaced', versions };
}

function versionsOf(spec: Readonly<Record<string, unknown>>): { index: number; value: Readonly<Record<string, unknown>> }[] {
  const versions = spec['versions'];
  return Array.isArray(versions) ? versions.flatMap((value: unknown, index) => (isRecord(value) ? [{ index, value }] : [])) : [];
}

function definedVersion(group: string, kind: string, version: Readonly<Record<string, unknown>>): DefinedVersion[] {
  const { name } = version;
  if (typeof name !== 'string') return [];
  const warning = version['deprecationWarning'];
  const deprecated = typeof warning === 'string' ? warning : `${group}/${name} ${kind} is deprecated`;
  return [
    {
      name,
      served: version['served'] === true,
      schema: wholeObject(fieldSchemaOf(rawSchema(version), true)),
      ...(version['deprecated'] === true ? { deprecated } : {}),
    },
  ];
}

function rawSchema(version: Readonly<Record<string, unknown>>): unknown {
  return isRecord(version['schema']) ? version['schema']['openAPIV3Schema'] : undefined;
}

/** Every object has these three, whatever its schema says of them. */
function wholeObject(schema: FieldSchema): FieldSchema {
  if (schema.type !== 'object') return schema;
  const text: FieldSchema = { type: 'string' };
  return { ...schema, properties: { ...schema.properties, apiVersion: text, kind: text, metadata: OBJECT_META } };
}

/** What the API server refuses of a definition beyond its own schema, and where. */
export function definitionProblems(manifest: Manifest): { readonly path: ValuePath; readonly message: string }[] {
  const spec = manifest['spec'];
  if (!isDefinition(manifest) || !isRecord(spec)) return [];
  const problems: { path: ValuePath; message: string }[] = [];
  const plural = isRecord(spec['names']) ? spec['names']['plural'] : undefined;
  const wanted = `${String(plural)}.${String(spec['group'])}`;
  if (typeof plural === 'string' && manifest.metadata.name !== wanted)
    problems.push({ path: ['metadata', 'name'], message: `The definition must be called ${wanted}: plural name, then group.` });
  const versions = versionsOf(spec);
  const stored = versions.filter(({ value }) => value['storage'] === true);
  if (versions.length > 0 && stored.length !== 1) {
    const names = stored.map(({ value }) => String(value['name'])).join(', ');
    const many = stored.length === 0 ? 'none has' : `${names} have`;
    problems.push({ path: ['spec', 'versions'], message: `Exactly one version must have storage: true; ${many}.` });
  }
  for (const { index, value } of versions) {
    const schema = rawSchema(value);
    const at: ValuePath = ['spec', 'versions', index];
    if (!isRecord(schema)) problems.push({ path: at, message: `The version ${String(value['name'])} has no schema.openAPIV3Schema.` });
    else if (schema['type'] !== 'object')
      problems.push({ path: [...at, 'schema', 'openAPIV3Schema'], message: 'The schema of a whole object must have type: object.' });
  }
  return problems;
}
