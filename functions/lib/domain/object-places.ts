import type { SnapshotFile } from '#model/configuration.ts';
import type { SourceObject } from './manifests.ts';
import { CONFIGURATION_FOLDER } from './pull-request-kind.ts';
import { type Place, parseYaml, placeOf, type ValuePath, type YamlSource } from './yaml-source.ts';

/** Where a value of an object stands in its file, or the nearest value around it. */
export type ObjectPlaces = (object: Pick<SourceObject, 'path' | 'document'>, path: ValuePath) => Place;

/**
 * Finds places by parsing a file once more, and only files of which something is told: keeping every parsed file would take
 * more memory than all else together.
 */
export function createPlaces(files: readonly SnapshotFile[]): ObjectPlaces {
  const texts = new Map(files.map(({ path, content }) => [`${CONFIGURATION_FOLDER}/${path}`, content]));
  // Findings come file by file: the last one is enough.
  let last: { readonly path: string; readonly source: YamlSource | undefined } | undefined;
  return ({ path, document }, valuePath) => {
    if (last?.path !== path) last = { path, source: parseYaml(path, texts.get(path) ?? '').value };
    return last.source === undefined ? { line: 1, column: 1 } : placeOf(last.source, valuePath, document);
  };
}
