import type { Finding } from '#model/checks.ts';
import type { Pool, SnapshotFile, UserDataFile, Versions } from '#model/configuration.ts';
import type { Manifest } from '#model/render.ts';
import type { Environment } from '#model/settings.ts';
import type { Component } from '../components.ts';
import type { UserDataName } from '../configuration.ts';
import { objectName, type SourceObject } from '../manifests.ts';
import { CONFIGURATION_FOLDER } from '../pull-request-kind.ts';
import type { TemplateName } from '../stack-parameters.ts';
import type { Template } from '../template.ts';
import { type Place, parseYaml, placeOf, type ValuePath, type YamlSource } from '../yaml-source.ts';
import type { Violation } from './policy.ts';

const START: Place = { line: 1, column: 1 };

/** A Kubernetes object of a component, as a policy sees it. */
export interface PolicyObject {
  readonly manifest: Manifest;
  readonly name: string;
  readonly component: string;
  /** Where it is applied; absent: everywhere. */
  readonly environments: readonly Environment[] | undefined;
  /** A violation at a path in the object. */
  violation(path: ValuePath, message: string): Violation;
}

/** What could be read of a configuration, or a whole one: policies are asked about each part that is there. */
export interface ReadConfiguration {
  readonly versions: Versions | undefined;
  /** None when their file could not be read. */
  readonly pools: readonly Pool[];
  readonly templates: Readonly<Record<TemplateName, Template | undefined>>;
  readonly userData: Readonly<Record<UserDataName, UserDataFile | undefined>>;
  readonly components: readonly Component[];
  readonly conformance: readonly string[];
  readonly load: readonly SourceObject[];
  /** False when an object may be missing because its file could not be read; absent: all are there. */
  readonly objectsAreRead?: boolean;
  /** What is wrong with the files themselves; absent: nothing. */
  readonly findings?: readonly Finding[];
}

/**
 * What policies look at: the configuration as written, variables not put in, each value with its place. What could not be
 * read is not there, so a policy that finds something missing asks first whether all was read.
 */
export interface PolicySubject {
  /** undefined when the file could not be read. */
  readonly versions: Versions | undefined;
  readonly pools: readonly Pool[];
  /** Templates that were read. */
  readonly templates: readonly Template[];
  readonly userData: ReadConfiguration['userData'];
  readonly conformance: readonly string[];
  readonly load: readonly SourceObject[];
  readonly objects: readonly PolicyObject[];
  /** Whether those are all: else nothing may be said to be missing. */
  readonly objectsAreRead: boolean;
  /** ISO 8601. */
  readonly now: string;
  /** undefined when it could not be read. */
  template(name: TemplateName): Template | undefined;
  /** Whether nothing fails in a file by itself; in another a resource may be there by a wrong name. `path` as findings have it. */
  isSound(path: string): boolean;
  /** Source of a file; undefined when it is not there or can't be read. `path` is relative to `channels/cluster/`. */
  source(path: string): YamlSource | undefined;
  /** A violation at a path in a file that has one document. */
  inFile(path: string, valuePath: ValuePath, object: string, message: string): Violation;
  /** A violation at a path in a template. */
  inTemplate(template: Template, valuePath: ValuePath, object: string, message: string): Violation;
  /** A violation at a line. */
  atPlace(path: string, place: Place, object: string, message: string): Violation;
}

/** @param files of the snapshot that the configuration was read from; read again only where something is found */
export function policySubject(configuration: ReadConfiguration, files: readonly SnapshotFile[], now: string): PolicySubject {
  const sources = createSources(files);
  const failing = new Set((configuration.findings ?? []).filter(({ level }) => level === 'failure').map(({ path }) => path));
  const atPlace = (path: string, place: Place, object: string, message: string): Violation => ({
    path: `${CONFIGURATION_FOLDER}/${path}`,
    place,
    object,
    message: `${object}: ${message}`,
  });
  return {
    versions: configuration.versions,
    pools: configuration.pools,
    templates: Object.values(configuration.templates).flatMap((template) => template ?? []),
    userData: configuration.userData,
    conformance: configuration.conformance,
    load: configuration.load,
    now,
    objectsAreRead: configuration.objectsAreRead ?? true,
    template: (name) => configuration.templates[name],
    isSound: (path) => !failing.has(path),
    objects: configuration.components.flatMap(({ file, objects }) =>
      objects.map(({ manifest, path, line, document }): PolicyObject => {
        const name = objectName(manifest);
        const relative = path.slice(CONFIGURATION_FOLDER.length + 1);
        const at = (valuePath: ValuePath): Place => placeOfObject(sources(relative), line, document, valuePath);
        return {
          manifest,
          name,
          component: file.name,
          environments: file.environments,
          violation: (valuePath, message) => ({
            ...atPlace(relative, at(valuePath), name, message),
            ...(file.environments === undefined ? {} : { environments: file.environments }),
          }),
        };
      }),
    ),
    source: sources,
    inFile: (path, valuePath, object, message) => {
      const source = sources(path);
      return atPlace(path, source === undefined ? START : placeOf(source, valuePath), object, message);
    },
    inTemplate: (template, valuePath, object, message) => ({
      path: template.path,
      place: placeOf(template.source, valuePath),
      object,
      message: `${object}: ${message}`,
    }),
    atPlace,
  };
}

/** Each file is parsed at most once, and only when asked for. */
function createSources(files: readonly SnapshotFile[]): (path: string) => YamlSource | undefined {
  const known = new Map<string, YamlSource | undefined>();
  return (path) => {
    if (!known.has(path)) {
      const file = files.find((candidate) => candidate.path === path);
      known.set(path, file === undefined ? undefined : parseYaml(`${CONFIGURATION_FOLDER}/${path}`, file.content).value);
    }
    return known.get(path);
  };
}

function placeOfObject(source: YamlSource | undefined, line: number, document: number, path: ValuePath): Place {
  return source === undefined ? { line, column: 1 } : placeOf(source, path, document);
}
