import type { Finding } from '#model/checks.ts';
import { Manifest } from '#model/render.ts';
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
    findings.push(...shape.findings, ...variableFindings(source, index, CLUSTER_VARIABLES));
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

function refused(source: YamlSource, document: number, manifest: Manifest): Finding[] {
  const at = (key: string, rule: string, message: string): Finding =>
    findingAt(source.path, placeOf(source, [key], document), rule, message);
  if (manifest.kind === 'Secret' && manifest.apiVersion === 'v1') {
    const message = `The Secret ${shorten(manifest.metadata.name, 253)} is written out in Git. Keep it in the account's Secrets Manager and remove it here; consider its value known.`;
    return [at('kind', 'literal-secret', message)];
  }
  if (manifest.kind.endsWith('List') && Array.isArray(manifest['items'])) {
    return [at('kind', 'schema', 'Lists are refused. Write each object as a document of its own.')];
  }
  return [];
}
