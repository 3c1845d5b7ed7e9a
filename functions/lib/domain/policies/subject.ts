import type { SnapshotFile, Versions } from '#model/configuration.ts';
import type { Manifest } from '#model/render.ts';
import type { Environment } from '#model/settings.ts';
import type { Configuration } from '../configuration.ts';
import { objectName } from '../manifests.ts';
import { CONFIGURATION_FOLDER } from '../pull-request-kind.ts';
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

/** What policies look at: the configuration as written, variables not put in, each value with its place. */
export interface PolicySubject {
  readonly configuration: Configuration;
  readonly versions: Versions;
  readonly objects: readonly PolicyObject[];
  /** ISO 8601. */
  readonly now: string;
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
export function policySubject(configuration: Configuration, files: readonly SnapshotFile[], now: string): PolicySubject {
  const sources = createSources(files);
  const atPlace = (path: string, place: Place, object: string, message: string): Violation => ({
    path: `${CONFIGURATION_FOLDER}/${path}`,
    place,
    object,
    message: `${object}: ${message}`,
  });
  return {
    configuration,
    versions: configuration.versions,
    now,
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
