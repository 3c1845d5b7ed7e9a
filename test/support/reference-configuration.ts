import type * as z from 'zod';
import { parseComponents } from '#domain/components.ts';
import { type Configuration, parseConfiguration, type UserDataName } from '#domain/configuration.ts';
import { createManifestReader } from '#domain/manifests.ts';
import { readShape } from '#domain/shape.ts';
import type { TemplateName } from '#domain/stack-parameters.ts';
import { parseTemplate } from '#domain/template.ts';
import { type Parsed, parseYaml } from '#domain/yaml-source.ts';
import { Deletions, Pools, UserDataFile, Versions } from '#model/configuration.ts';
import { referenceSnapshot } from './reference-fleet.ts';

const FOLDER = 'channels/cluster/';
const manifests = createManifestReader();
const reference = needed(parseConfiguration(referenceSnapshot(), manifests));

/**
 * The reference configuration with files replaced (or, by undefined, left out). Only what is replaced is read again, file
 * by file: most tests change one of many. @throws Error when one of these is not valid by itself
 */
export function referenceConfiguration(
  changed: Readonly<Record<string, string | undefined>> = {},
  revision = reference.revision,
): Configuration {
  const { files } = referenceSnapshot(changed);
  const start: Configuration = { ...reference, files, revision };
  const paths = Object.keys(changed);
  const components = paths.some((path) => path.startsWith('components/'))
    ? wholeComponents(parseComponents(files, FOLDER, manifests))
    : start.components;
  return paths.reduce((configuration, path) => withFile(configuration, path, changed[path]), { ...start, components });
}

function wholeComponents({ components, findings }: ReturnType<typeof parseComponents>): Configuration['components'] {
  if (findings.length > 0) throw new Error(JSON.stringify(findings));
  return components;
}

function withFile(configuration: Configuration, path: string, text: string | undefined): Configuration {
  if (path.startsWith('components/')) return configuration;
  if (text === undefined) throw new Error(`${path} can't be left out here`);
  const shape = <S extends z.ZodType>(schema: S): z.infer<S> => needed(readShape(needed(parseYaml(`${FOLDER}${path}`, text)), schema));
  if (path === 'versions.yaml') return { ...configuration, versions: shape(Versions) };
  if (path === 'pools.yaml') return { ...configuration, pools: shape(Pools).pools };
  if (path === 'deletions.yaml') return { ...configuration, deletions: shape(Deletions) };
  if (path === 'tests/conformance.txt') return { ...configuration, conformance: text.split('\n') };
  const name = path.replace(/^user-data\//, '').replace('.yaml', '');
  if (path.startsWith('user-data/')) {
    return { ...configuration, userData: { ...configuration.userData, [name as UserDataName]: shape(UserDataFile) } };
  }
  return {
    ...configuration,
    templates: { ...configuration.templates, [name as TemplateName]: needed(parseTemplate(`${FOLDER}${path}`, text)) },
  };
}

function needed<T>({ value, findings }: Parsed<T>): T {
  if (value === undefined) throw new Error(JSON.stringify(findings));
  return value;
}
