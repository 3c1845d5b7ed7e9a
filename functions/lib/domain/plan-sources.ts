import type { SnapshotFile } from '#model/configuration.ts';
import type { Source } from '#model/plan.ts';
import type { Configuration, UserDataName } from './configuration.ts';
import { canonicalJson } from './hash.ts';
import { objectKey, type SourceObject } from './manifests.ts';
import type { ChangedItem } from './plan-compare.ts';
import { mapStrings, OWN_VARIABLES, putShared, unfold } from './plan-fold.ts';
import type { PlanItem } from './plan-items.ts';
import { firstDifference, lineOfDifference, placeOfDifference } from './plan-places.ts';
import { type PlanSide, templateOf } from './plan-sides.ts';
import { CONFIGURATION_FOLDER } from './pull-request-kind.ts';
import { ownVariables } from './render.ts';
import { clusterVariables, poolVariables, VARIABLE, type Variables } from './variables.ts';
import { parseYaml, placeOf, type ValuePath, type YamlSource } from './yaml-source.ts';

/** Finds the lines that cause the changes of one cluster. Files are parsed when they are asked for, once. */
export function createSources(base: PlanSide | undefined, head: PlanSide): (item: ChangedItem) => Source[] {
  const before = base === undefined ? undefined : createSide(base, 'base');
  const after = createSide(head, 'head');
  return (item) => {
    const told = item.after ?? item.before;
    return told === undefined ? [] : unique(sourcesOf({ ...item, told }, before, after));
  };
}

/** A changed item with what it is, or was where it goes. */
interface Told extends ChangedItem {
  readonly told: PlanItem;
}

function sourcesOf(item: Told, before: Side | undefined, after: Side): Source[] {
  const { told } = item;
  if (told.kind === 'object') return objectSources(item, before, after);
  if (told.kind === 'file' || told.kind === 'unit') return userDataSources(told, before, after);
  if (told.kind === 'template') return templateSources(item, before, after);
  if (told.kind === 'parameters') return parameterSources(item, before, after);
  const find = told.kind === 'component' ? componentPlace : deletionPlace;
  const side = item.after === undefined ? before : after;
  return side === undefined ? [] : find(told, side);
}

interface Side {
  readonly name: Source['side'];
  readonly configuration: Configuration;
  readonly values: Variables;
  readonly objects: () => ReadonlyMap<string, PlacedObject>;
  /** undefined for a file that is not in the configuration. */
  readonly yaml: (path: string) => YamlSource | undefined;
}

interface PlacedObject extends SourceObject {
  readonly side: Source['side'];
}

function createSide({ configuration, cluster }: PlanSide, name: Source['side']): Side {
  const files = new Map(configuration.files.map(({ path, content }: SnapshotFile) => [path, content]));
  const parsed = new Map<string, YamlSource | undefined>();
  const own = ownVariables(cluster, configuration.versions);
  // The bucket is a variable of the cluster's own.
  const values = { ...clusterVariables(cluster, configuration.versions, ''), ...own };
  const put = putShared(values, OWN_VARIABLES);
  let objects: Map<string, PlacedObject> | undefined;
  return {
    name,
    configuration,
    values,
    objects: () => {
      objects ??= new Map(
        configuration.components
          .filter(({ file }) => file.environments === undefined || file.environments.includes(cluster.environment))
          .flatMap((component) => component.objects)
          .flatMap((object): [string, PlacedObject][] => {
            const { apiVersion, kind, metadata } = object.manifest;
            const { name: named, namespace } = metadata;
            const identity = {
              apiVersion,
              kind,
              metadata: { name: put(named), ...(namespace === undefined ? {} : { namespace: put(namespace) }) },
            };
            const key = `object ${objectKey(identity)}`;
            const placed = { ...object, side: name };
            // A change that is no other cluster's has the cluster's own key.
            return [
              [unfold(key, own), placed],
              [key, placed],
            ];
          }),
      );
      return objects;
    },
    yaml: (path) => {
      const text = files.get(path);
      if (text !== undefined && !parsed.has(path)) parsed.set(path, parseYaml(path, text).value);
      return parsed.get(path);
    },
  };
}

function objectSources({ key, told }: Told, before: Side | undefined, after: Side): Source[] {
  const [old, now] = [before?.objects().get(key), after.objects().get(key)];
  if (old === undefined || now === undefined) {
    const object = now ?? old;
    return object === undefined ? [] : [...environmentSources(told.part, before, after), at(object, object.line)];
  }
  const difference = firstDifference(old.manifest, now.manifest);
  const written = difference === undefined ? [] : [at(now, objectLine(after, now, difference))];
  return [...written, ...variableSources(usedVariables([old.manifest, now.manifest]), before, after)];
}

function at({ path, side }: PlacedObject, line: number): Source {
  return { path, line, side };
}

/** Line of a value of an object; where the object begins when its file is none of the configuration's own. */
function objectLine(side: Side, object: SourceObject, difference: { path: ValuePath; line: number }): number {
  const source = side.yaml(object.path.slice(CONFIGURATION_FOLDER.length + 1));
  return source === undefined ? object.line : placeOfDifference(source, object.document, difference);
}

/** An object also comes and goes with the environments of its component. */
function environmentSources(part: string, before: Side | undefined, after: Side): Source[] {
  const [old, now] = [before && componentOf(before, part), componentOf(after, part)];
  if (before === undefined || now === undefined) return [];
  if (canonicalJson(old?.file.environments ?? null) === canonicalJson(now.file.environments ?? null)) return [];
  return [{ path: now.source.path, line: placeOf(now.source, ['environments']).line, side: after.name }];
}

function userDataSources({ kind, name, part }: PlanItem, before: Side | undefined, after: Side): Source[] {
  const list = kind === 'file' ? 'files' : 'units';
  const [old, now] = [before && userData(before, part, list, name), userData(after, part, list, name)];
  const variables = variableSources(usedVariables([old?.value, now?.value]), before, after, part);
  const found = now ?? old;
  const difference = firstDifference(old?.value, now?.value);
  if (found === undefined || difference === undefined) return variables;
  const path = `user-data/${found.file}.yaml`;
  const source = found.side.yaml(path);
  if (source === undefined) return variables;
  const line = placeOfDifference(source, 0, { ...difference, path: [list, found.index, ...difference.path] });
  return [{ path: full(path), line, side: found.side.name }, ...variables];
}

interface UserDataEntry {
  readonly side: Side;
  readonly file: UserDataName;
  readonly index: number;
  readonly value: unknown;
}

/** The entry that counts: that of the instances before the common one. */
function userData(side: Side, role: string, list: 'files' | 'units', name: string): UserDataEntry | undefined {
  const own: UserDataName = role === 'etcd' || role === 'control-plane' ? role : 'node';
  for (const file of [own, 'common'] as const) {
    const entries: readonly { readonly path?: string; readonly name?: string }[] = side.configuration.userData[file][list];
    const index = entries.findLastIndex((entry) => (list === 'files' ? entry.path : entry.name) === name);
    if (index >= 0) return { side, file, index, value: entries[index] };
  }
  return undefined;
}

function templateSources({ after: right, told: { part: role } }: Told, before: Side | undefined, after: Side): Source[] {
  const { path, text } = templateOf(after.configuration, role);
  const old = before && templateOf(before.configuration, role).text;
  if (old !== undefined && old !== text) return [{ path, line: lineOfDifference(old, text), side: 'head' }];
  // With the same text it is the stack itself that comes or goes: with its pool, or with the cluster.
  return role.startsWith('pool-') ? poolSources(role, right === undefined ? before : after) : [{ path, line: 1, side: 'head' }];
}

const POOL_FIELDS: Readonly<Record<string, string>> = {
  InstanceType: 'instanceType',
  Market: 'market',
  PoolSize: 'size',
  PoolMaxSize: 'maxSize',
  PoolGeneration: 'generation',
};
const VERSION_FIELDS: Readonly<Record<string, string>> = {
  KUBERNETES_VERSION: 'kubernetes',
  KubernetesVersion: 'kubernetes',
  ETCD_VERSION: 'etcd',
  EtcdVersion: 'etcd',
  OS_IMAGE: 'osImage',
  OsImage: 'osImage',
};

function parameterSources(item: Told, before: Side | undefined, after: Side): Source[] {
  const { before: left, after: right, told } = item;
  if (right === undefined || left === undefined || before === undefined) return templateSources(item, before, after);
  const role = told.part;
  const [old, now] = [recordOf(left.value), recordOf(right.value)];
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])].filter((name) => old[name] !== now[name]);
  return names.flatMap((name): Source[] => {
    if (name in old && name in now) {
      const field = POOL_FIELDS[name];
      return field === undefined ? versionSources([name], after) : poolSources(role, after, [field]);
    }
    const side = name in now ? after : before;
    const { path, source } = templateOf(side.configuration, role);
    return [{ path, line: placeOf(source, ['Parameters', name]).line, side: side.name }];
  });
}

/** Lines of fields of a pool; without fields, that of the pool. */
function poolSources(role: string, side: Side | undefined, fields?: readonly string[]): Source[] {
  if (side === undefined) return [];
  const index = side.configuration.pools.findIndex(({ name }) => `pool-${name}` === role);
  const paths: ValuePath[] = fields?.map((field) => ['pools', index, field]) ?? [['pools', index]];
  return paths.flatMap((path) => placeIn(side, 'pools.yaml', path));
}

function versionSources(names: readonly string[], after: Side): Source[] {
  const fields = [...new Set(names.flatMap((name) => VERSION_FIELDS[name] ?? []))];
  return fields.flatMap((field) => placeIn(after, 'versions.yaml', [field]));
}

function placeIn(side: Side, file: string, path: ValuePath): Source[] {
  const source = side.yaml(file);
  return source === undefined ? [] : [{ path: full(file), line: placeOf(source, path).line, side: side.name }];
}

/** Lines that give the used variables another value. */
function variableSources(used: ReadonlySet<string>, before: Side | undefined, after: Side, role?: string): Source[] {
  if (before === undefined) return [];
  const changed = [...used].filter((name) => before.values[name] !== after.values[name]);
  return [...versionSources(changed, after), ...poolVariableSources(used, before, after, role)];
}

function poolVariableSources(used: ReadonlySet<string>, before: Side, after: Side, role: string | undefined): Source[] {
  const poolOf = (side: Side) => side.configuration.pools.find(({ name }) => `pool-${name}` === role);
  const [old, now] = [poolOf(before), poolOf(after)];
  if (old === undefined || now === undefined) return [];
  const values: [Variables, Variables] = [poolVariables(old), poolVariables(now)];
  if (![...used].some((name) => values[0][name] !== values[1][name])) return [];
  const fields = (['generation', 'labels', 'instanceType'] as const).filter(
    (field) => canonicalJson(old[field]) !== canonicalJson(now[field]),
  );
  return poolSources(`pool-${now.name}`, after, fields);
}

/** Variables that the texts of values name. */
function usedVariables(values: readonly unknown[]): Set<string> {
  const used = new Set<string>();
  mapStrings(values, (text) => {
    for (const [, mark, name] of text.matchAll(VARIABLE)) if (mark === undefined && name !== undefined) used.add(name);
    return text;
  });
  return used;
}

function componentOf(side: Side, part: string): Configuration['components'][number] | undefined {
  return side.configuration.components.find(({ file }) => file.name === part);
}

function componentPlace({ part }: PlanItem, side: Side): Source[] {
  const component = componentOf(side, part);
  return component === undefined ? [] : [{ path: component.source.path, line: placeOf(component.source, ['phase']).line, side: side.name }];
}

function deletionPlace({ part, value }: PlanItem, side: Side): Source[] {
  const list = part === 'before' ? side.configuration.deletions.before : side.configuration.deletions.after;
  const index = list.findIndex((deletion) => canonicalJson(deletion) === canonicalJson(value));
  return placeIn(side, 'deletions.yaml', [part, index]);
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function full(path: string): string {
  return `${CONFIGURATION_FOLDER}/${path}`;
}

function unique(sources: readonly Source[]): Source[] {
  return [...new Map(sources.map((source) => [`${source.side} ${source.path}:${source.line}`, source])).values()];
}
