import type { Finding } from '#model/checks.ts';
import { Manifest } from '#model/render.ts';
import { parseSecretReference, SECRET_PREFIX } from './secret-reference.ts';
import { readShape } from './shape.ts';
import { CLUSTER_VARIABLES, variableFindings } from './variables.ts';
import { shorten } from './yaml-parse.ts';
import { findingAt, type Parsed, parseYaml, placeOf, plainValue, type YamlSource } from './yaml-source.ts';

/** A Kubernetes object as written, with its place in the repository. Variables are not put in yet. */
export interface SourceObject {
  readonly manifest: Manifest;
  readonly path: string;
  readonly line: number;
  /** Index of its document in the file. */
  readonly document: number;
}

/** Reads the objects of one manifest file. */
export type ReadManifests = (path: string, text: string) => Parsed<readonly SourceObject[]>;

/** A reader that parses equal files once: both sides of a change share almost all of them. */
export function createManifestReader(): ReadManifests {
  const known = new Map<string, Parsed<readonly SourceObject[]>>();
  return (path, text) => {
    const key = `${path}\0${text}`;
    const read = known.get(key) ?? parseManifests(path, text);
    known.set(key, read);
    return read;
  };
}

/** Reads the objects of one manifest file. Empty documents are skipped. */
export function parseManifests(path: string, text: string): Parsed<readonly SourceObject[]> {
  const parsed = parseYaml(path, text);
  if (parsed.value === undefined) return { findings: parsed.findings };
  const source = parsed.value;
  const objects: SourceObject[] = [];
  const findings: Finding[] = [];
  source.documents.forEach((_, index) => {
    const plain = plainValue(source, index);
    if (plain.findings.length === 0 && (plain.value === null || plain.value === undefined)) return;
    const shape = readShape(source, Manifest, index, plain);
    findings.push(...shape.findings, ...variableFindings(source, index, CLUSTER_VARIABLES, isSecret(shape.value)));
    if (shape.value === undefined) return;
    findings.push(...refused(source, index, shape.value));
    objects.push({ manifest: shape.value, path, line: placeOf(source, ['apiVersion'], index).line, document: index });
  });
  return { value: objects, findings };
}

/** `Deployment kube-system/coredns`: how people name an object. */
export function objectName(manifest: Manifest): string {
  const { name, namespace } = manifest.metadata;
  return `${shorten(manifest.kind)} ${namespace === undefined ? '' : `${shorten(namespace)}/`}${shorten(name, 253)}`;
}

/** Identity of an object in a cluster: an API group's versions are the same object. */
export function objectKey(manifest: Manifest): string {
  const group = manifest.apiVersion.includes('/') ? manifest.apiVersion.split('/')[0] : '';
  return `${group}/${manifest.kind}/${manifest.metadata.namespace ?? ''}/${manifest.metadata.name}`;
}

type At = (key: string, rule: string, message: string) => Finding;

function isSecret(manifest: Manifest | undefined): boolean {
  return manifest?.kind === 'Secret' && manifest.apiVersion === 'v1';
}

/** A Secret may only say where its values are. */
function secretFindings(source: YamlSource, document: number, manifest: Manifest, at: At): Finding[] {
  const name = shorten(manifest.metadata.name, 253);
  const { apiVersion: _version, kind: _kind, stringData, data, ...rest } = manifest;
  if (data !== undefined || stringData === undefined || stringData === null || typeof stringData !== 'object') {
    const message = `The Secret ${name} is written out in Git. Keep its values in the account's Secrets Manager and write \${SECRET:name} under stringData; consider what is here known.`;
    return [at('kind', 'literal-secret', message)];
  }
  if (JSON.stringify(rest).includes(`\${${SECRET_PREFIX}`))
    return [at('kind', 'unknown-variable', `The Secret ${name} uses \${SECRET:…} outside of stringData.`)];
  const literal = Object.entries(stringData).filter(([, value]) => typeof value !== 'string' || parseSecretReference(value) === undefined);
  return literal.slice(0, MAX_LITERALS).map(([key]) => {
    const place = placeOf(source, ['stringData', key], document);
    const message = `${shorten(key, 253)} of the Secret ${name} is not just a reference. Keep the whole value in the account's Secrets Manager and write \${SECRET:name}; consider what is here known.`;
    return findingAt(source.path, place, 'literal-secret', message);
  });
}

/** Told of one Secret. */
const MAX_LITERALS = 50;

function refused(source: YamlSource, document: number, manifest: Manifest): Finding[] {
  const at = (key: string, rule: string, message: string): Finding =>
    findingAt(source.path, placeOf(source, [key], document), rule, message);
  if (isSecret(manifest)) return secretFindings(source, document, manifest, at);
  if (manifest.kind.endsWith('List') && Array.isArray(manifest['items'])) {
    return [at('kind', 'schema', 'Lists are refused. Write each object as a document of its own.')];
  }
  return [];
}
