import type { Finding } from '#model/checks.ts';
import type { SnapshotFile, Versions } from '#model/configuration.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { Component } from './components.ts';
import { type Apis, customKinds, kindOf, removalOf, type SchemaBook, unknownKind } from './kubernetes-apis.ts';
import { checkValue, type Problem } from './kubernetes-check.ts';
import { definitionOf, definitionProblems, isDefinition } from './kubernetes-definitions.ts';
import { nameProblem } from './kubernetes-names.ts';
import { MAX_FINDINGS, orderFindings, type Situated } from './kubernetes-order.ts';
import { isRecord } from './kubernetes-schema.ts';
import { objectName, type SourceObject } from './manifests.ts';
import { bucketName } from './names.ts';
import { createPlaces, type ObjectPlaces } from './object-places.ts';
import { CONFIGURATION_FOLDER } from './pull-request-kind.ts';
import { clusterVariables, VARIABLE, type Variables } from './variables.ts';
import { findingAt, type ValuePath } from './yaml-source.ts';

/** What is checked: the parts of a configuration that could be read. */
export interface ObjectsToCheck {
  readonly files: readonly SnapshotFile[];
  readonly versions: Versions;
  readonly components: readonly Component[];
  /** Applied to e2e clusters after everything else. */
  readonly load: readonly SourceObject[];
  /** False when a namespace or definition may be in a file that could not be read: then none is missed. */
  readonly objectsAreWhole: boolean;
}

/** A cluster like those that get the configuration: its values stand for variables while objects are checked. */
const SAMPLE: ClusterRef = {
  name: 'sample',
  account: '111111111111',
  region: 'eu-central-1',
  environment: 'production',
  network: '10.0.0.0/16',
  channel: 'sample',
};

/**
 * What an API server of the version in versions.yaml would refuse of the objects, each at its place in the source; what only
 * one of the next minor would refuse is a warning, and that nobody could look at that minor is a notice.
 */
export function objectFindings({ files, versions, components, load, objectsAreWhole }: ObjectsToCheck, book: SchemaBook): Finding[] {
  const minor = versions.kubernetes.replace(/\.\d+$/, '');
  const schemas = book(minor);
  if (schemas === undefined) {
    const message = `Sluice has no schemas of Kubernetes ${minor}: objects were not checked against it. e2e still applies them to a real API server.`;
    return [noSchemas(files, message, 'warning')];
  }
  const variables = clusterVariables(SAMPLE, versions, bucketName(SAMPLE.account, SAMPLE.region));
  const filled = (object: SourceObject): SourceObject => ({ ...object, manifest: fillIn(object.manifest, variables) });
  const all: Situated[] = [
    ...components.flatMap((component) => component.objects.map((object) => ({ object: filled(object), component }))),
    ...load.map((object) => ({ object: filled(object) })),
  ];
  const objects = all.map(({ object }) => object);
  const places = createPlaces(files);
  const definitions = objects.flatMap(({ manifest }) => definitionOf(manifest) ?? []);
  const apis: Apis = { schemas, custom: customKinds(definitions), aggregated: aggregatedOf(objects), whole: objectsAreWhole };
  const nextMinor = minor.replace(/\d+$/, (number) => String(Number(number) + 1));
  const next = book(nextMinor);
  const later = next === undefined ? undefined : { ...apis, schemas: next };
  const findings: Finding[] = [];
  for (const object of objects) if (findings.length <= MAX_FINDINGS) findings.push(...findingsOf(object, apis, later, places));
  const message = `Sluice has no schemas of Kubernetes ${nextMinor}: what it will no longer take of these objects was not looked for.`;
  return [
    ...findings,
    ...(objectsAreWhole ? orderFindings(all, apis, places) : []),
    ...(next === undefined ? [noSchemas(files, message, 'notice')] : []),
  ];
}

function noSchemas(files: readonly SnapshotFile[], message: string, level: Finding['level']): Finding {
  const file = { path: `${CONFIGURATION_FOLDER}/versions.yaml`, document: 0 };
  return findingAt(file.path, createPlaces(files)(file, ['kubernetes']), 'no-schemas', message, level);
}

/** Variables put in, as rendering does; unknown ones are left, another rule tells them. */
function fillIn<T>(value: T, variables: Variables): T;
function fillIn(value: unknown, variables: Variables): unknown {
  if (typeof value === 'string') {
    return value.replace(VARIABLE, (whole: string, escaped: string | undefined, name: string, end: string) => {
      if (escaped !== undefined) return whole.slice(1);
      return end === '' || !Object.hasOwn(variables, name) ? whole : (variables[name] ?? whole);
    });
  }
  if (Array.isArray(value)) return value.map((entry) => fillIn(entry, variables));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, fillIn(entry, variables)]));
}

function aggregatedOf(objects: readonly SourceObject[]): Set<string> {
  return new Set(
    objects.flatMap(({ manifest }) => {
      const spec = manifest['spec'];
      const isService = manifest.apiVersion === 'apiregistration.k8s.io/v1' && manifest.kind === 'APIService';
      return isService && isRecord(spec) ? [`${String(spec['group'])}/${String(spec['version'])}`] : [];
    }),
  );
}

function findingsOf(object: SourceObject, apis: Apis, later: Apis | undefined, places: ObjectPlaces): Finding[] {
  const now = problemsOf(object, apis);
  // What is wrong today is not told again where the next minor only says it in other words.
  const told = new Set(now.map((problem) => (problem.warns === true ? keyOf(problem) : pathOf(problem))));
  // A kind that is not served today is wrong enough; what the next minor says of it adds nothing.
  const served =
    apis.aggregated.has(object.manifest.apiVersion) || kindOf(apis, object.manifest.apiVersion, object.manifest.kind) !== undefined;
  const then =
    later === undefined || !served
      ? []
      : problemsOf(object, later).filter((problem) => !told.has(keyOf(problem)) && !told.has(pathOf(problem)));
  return [
    ...now.map((problem) => problem.at(object.path, places(object, problem.path), levelOf(problem))),
    ...then.map((problem) => asOfNext(problem, later?.schemas.version ?? '').at(object.path, places(object, problem.path), 'warning')),
  ];
}

function keyOf({ path, message }: Problem): string {
  return JSON.stringify([path, message]);
}

function pathOf({ path }: Problem): string {
  return JSON.stringify(path);
}

function asOfNext(problem: Problem, version: string): Problem {
  const message = `From Kubernetes ${version.replace(/\.\d+$/, '')} on: ${problem.message}`;
  return { ...problem, message, at: (file, place, level) => ({ ...problem.at(file, place, level), message }) };
}

function levelOf({ warns }: ObjectProblem): Finding['level'] {
  return warns === true ? 'warning' : 'failure';
}

interface ObjectProblem extends Problem {
  readonly warns?: true;
}

function problem(rule: string, path: ValuePath, message: string, warns?: true): ObjectProblem {
  const at: Problem['at'] = (file, place, level) => findingAt(file, place, rule, message, level);
  return { path, message, at, ...(warns === undefined ? {} : { warns }) };
}

/** Everything wrong with one object by itself. */
function problemsOf({ manifest }: SourceObject, apis: Apis): ObjectProblem[] {
  const { apiVersion, kind } = manifest;
  const known = kindOf(apis, apiVersion, kind);
  if (known === undefined) {
    if (apis.aggregated.has(apiVersion)) return [];
    const removal = removalOf(apiVersion, kind);
    if (removal !== undefined) return [problem('removed-api', ['apiVersion'], removal)];
    return apis.whole ? [problem('unknown-kind', ['kind'], unknownKind(apis, apiVersion, kind))] : [];
  }
  const own = known.definition === undefined;
  return [
    ...(known.deprecated === undefined ? [] : [problem('deprecated-api', ['apiVersion'], `${known.deprecated}.`, true)]),
    ...scopeProblems(manifest, known.namespaced),
    ...nameProblems(manifest),
    ...definitionProblems(manifest).map(({ path, message }) => problem('definition', path, message)),
    ...checkValue(manifest, known.schema, apis.schemas.types, { root: kind, nullIsAbsent: own }).filter(
      // An old generator writes an empty status into definitions; the API server overwrites it.
      ({ path }) => !(isDefinition(manifest) && path[0] === 'status'),
    ),
  ];
}

function scopeProblems(manifest: SourceObject['manifest'], namespaced: boolean): ObjectProblem[] {
  const { namespace } = manifest.metadata;
  if (!namespaced && namespace !== undefined) {
    return [problem('scope', ['metadata', 'namespace'], `A ${manifest.kind} is not in a namespace. Remove the namespace ${namespace}.`)];
  }
  if (!namespaced || namespace !== undefined) return [];
  const message = `${objectName(manifest)} names no namespace, so it goes to default. Write namespace: default if that is meant.`;
  return [problem('scope', ['metadata'], message, true)];
}

function nameProblems({ apiVersion, kind, metadata }: SourceObject['manifest']): ObjectProblem[] {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  const name = nameProblem(group, kind, metadata.name);
  const namespace = metadata.namespace === undefined ? undefined : nameProblem('', 'Namespace', metadata.namespace);
  return [
    ...(name === undefined ? [] : [problem('invalid-value', ['metadata', 'name'], `metadata.name ${name}.`)]),
    ...(namespace === undefined ? [] : [problem('invalid-value', ['metadata', 'namespace'], `metadata.namespace ${namespace}.`)]),
  ];
}
