import type { SnapshotFile } from '#model/configuration.ts';
import type { Source } from '#model/plan.ts';
import type { Configuration, UserDataName } from './configuration.ts';
import { canonicalJson } from './hash.ts';
import { objectKey, type SourceObject } from './manifests.ts';
import type { ChangedItem } from './plan-compare.ts';
import { mapStrings, OWN_VARIABLES, putShared, unfold } from './plan-fold.ts';
import { firstDifference, lineOfDifference, placeOfDifference } from './plan-places.ts';
import type { PlanSide } from './plan-sides.ts';
import { CONFIGURATION_FOLDER } from './pull-request-kind.ts';
import { ownVariables } from './render.ts';
import { clusterVariables, poolVariables, VARIABLE, type Variables } from './variables.ts';
import { parseYaml, placeOf, type ValuePath, type YamlSource } from './yaml-source.ts';

/** Finds the lines that cause the changes of one cluster. Files are parsed when they are asked for, once. */
export function createSources(base: PlanSide | undefined, head: PlanSide): (item: ChangedItem) => Source[] {
  const before = base === undefined ? undefined : createSide(base, 'base');
  const after = createSide(head, 'head');
  return (item) => {
    const { kind } = item.after ?? item.before ?? { kind: 'object' };
    if (kind === 'object') return unique(objectSources(item, before, after));
    if (kind === 'file' || kind === 'unit') return unique(userDataSources(item, before, after));
    if (kind === 'template') return unique(templateSources(item, before, after));
    if (kind === 'parameters') return unique(parameterSources(item, before, after));
    const find = kind === 'component' ? componentPlace : deletionPlace;
    const own = item.after === undefined ? before : after;
    return own === undefined ? [] : unique(find(item, own));
  };
}

interface Side {
  readonly name: Source['side'];
  readonly configuration: Configuration;
  readonly values: Variables;
  readonly objects: () => ReadonlyMap<string, SourceObject>;
  readonly text: (path: string) => string | undefined;
  readonly yaml: (path: string) => YamlSource | undefined;
}

function createSide({ configuration, cluster }: PlanSide, name: Source['side']): Side {
  const files = new Map(configuration.files.map(({ path, content }: SnapshotFile) => [path, content]));
  const parsed = new Map<string, YamlSource | undefined>();
  const own = ownVariables(cluster, configuration.versions);
  const values = { ...clusterVariables(cluster, configuration.versions, own['BUCKET'] ?? ''), ...own };
  const put = putShared(values, OWN_VARIABLES);
  let objects: Map<string, SourceObject> | undefined;
  const text = (path: string): string | undefined => files.get(path);
  return {
    name,
    configuration,
    values,
    text,
    objects: () => {
      objects ??= new Map(
        configuration.components
          .filter(({ file }) => file.environments === undefined || file.environments.includes(cluster.environment))
          .flatMap((component) => component.objects)
          .flatMap((object): [string, SourceObject][] => {
            const { apiVersion, kind, metadata } = object.manifest;
            const { name: named, namespace } = metadata;
            const identity = {
              apiVersion,
              kind,
              metadata: { name: put(named), ...(namespace === undefined ? {} : { namespace: put(namespace) }) },
            };
            const key = `object ${objectKey(identity)}`;
            // A change that is no other cluster's has the cluster's own key.
            return [
              [unfold(key, own), object],
              [key, object],
            ];
          }),
      );
      return objects;
    },
    yaml: (path) => {
      if (!parsed.has(path)) parsed.set(path, parseYaml(path, text(path) ?? '').value);
      return parsed.get(path);
    },
  };
}

function objectSources(item: ChangedItem, before: Side | undefined, after: Side): Source[] {
  const [old, now] = [before?.objects().get(item.key), after.objects().get(item.key)];
  if (old === undefined || now === undefined) {
    const side = now === undefined ? before : after;
    const object = now ?? old;
    if (side === undefined || object === undefined) return [];
    return [...environmentSources(item, before, after), { path: object.path, line: object.line, side: side.name }];
  }
  const difference = firstDifference(old.manifest, now.manifest);
  const written = difference === undefined ? [] : [{ path: now.path, line: objectLine(after, now, difference), side: after.name }];
  return [...written, ...variableSources(usedVariables([old.manifest, now.manifest]), before, after)];
}

/** Line of a value of an object: its document is the one that begins where the object does. */
function objectLine(side: Side, object: SourceObject, difference: { path: ValuePath; line: number }): number {
  const source = side.yaml(object.path.slice(CONFIGURATION_FOLDER.length + 1));
  if (source === undefined) return object.line;
  const document = source.documents.findIndex((_, index) => placeOf(source, ['apiVersion'], index).line === object.line);
  return document < 0 ? object.line : placeOfDifference(source, document, difference);
}

/** An object also comes and goes with the environments of its component. */
function environmentSources({ before: left, after: right }: ChangedItem, before: Side | undefined, after: Side): Source[] {
  const part = (right ?? left)?.part ?? '';
  const environments = (side: Side | undefined): unknown =>
    side?.configuration.components.find(({ file }) => file.name === part)?.file.environments ?? null;
  const component = after.configuration.components.find(({ file }) => file.name === part);
  if (before === undefined || component === undefined || canonicalJson(environments(before)) === canonicalJson(environments(after)))
    return [];
  return [{ path: component.source.path, line: placeOf(component.source, ['environments']).line, side: after.name }];
}

function userDataSources(item: ChangedItem, before: Side | undefined, after: Side): Source[] {
  const { kind, name, part } = item.after ?? item.before ?? { kind: 'file', name: '', part: '' };
  const list = kind === 'file' ? 'files' : 'units';
  const [old, now] = [before === undefined ? undefined : userData(before, part, list, name), userData(after, part, list, name)];
  const side = now === undefined ? before : after;
  const found = now ?? old;
  const variables = variableSources(usedVariables([old?.value, now?.value]), before, after, part);
  if (side === undefined || found === undefined) return variables;
  const path = `user-data/${found.file}.yaml`;
  const source = side.yaml(path);
  const difference = firstDifference(old?.value, now?.value);
  if (source === undefined || difference === undefined) return variables;
  const line = placeOfDifference(source, 0, { ...difference, path: [list, found.index, ...difference.path] });
  return [{ path: full(path), line, side: side.name }, ...variables];
}

/** The entry that counts: that of the instances before the common one. */
function userData(
  side: Side,
  role: string,
  list: 'files' | 'units',
  name: string,
): { file: UserDataName; index: number; value: unknown } | undefined {
  const own: UserDataName = role === 'etcd' || role === 'control-plane' ? role : 'node';
  for (const file of [own, 'common'] as const) {
    const entries: readonly { readonly path?: string; readonly name?: string }[] = side.configuration.userData[file][list];
    const index = entries.findLastIndex((entry) => (list === 'files' ? entry.path : entry.name) === name);
    if (index >= 0) return { file, index, value: entries[index] };
  }
  return undefined;
}

function templateSources({ before: left, after: right }: ChangedItem, before: Side | undefined, after: Side): Source[] {
  const role = (right ?? left)?.part ?? '';
  const pools = role.startsWith('pool-') && (left === undefined || right === undefined);
  const path = `${role.startsWith('pool-') ? 'node-pool' : role}.yaml`;
  const [old, now] = [before?.text(path), after.text(path)];
  if (old !== undefined && now !== undefined && old !== now) {
    return [{ path: full(path), line: lineOfDifference(old, now), side: 'head' }];
  }
  // The stack itself comes or goes with its pool.
  return pools ? poolSources(role, right === undefined ? before : after, undefined) : [{ path: full(path), line: 1, side: 'head' }];
}

const POOL_FIELDS: Readonly<Record<string, string>> = {
  PoolName: 'name',
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

function parameterSources({ before: left, after: right }: ChangedItem, before: Side | undefined, after: Side): Source[] {
  const { part: role } = right ?? left ?? { part: '' };
  const [old, now] = [recordOf(left?.value), recordOf(right?.value)];
  if (right === undefined || left === undefined) return templateSources({ key: '', before: left, after: right, hash: '' }, before, after);
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])].filter((name) => old[name] !== now[name]);
  return names.flatMap((name): Source[] => {
    if (name in old && name in now) {
      const field = POOL_FIELDS[name];
      return field === undefined ? versionSources([name], after) : poolSources(role, after, [field]);
    }
    const side = name in now ? after : before;
    const path = `${role.startsWith('pool-') ? 'node-pool' : role}.yaml`;
    const template = Object.values(side?.configuration.templates ?? {}).find((one) => one.path === full(path));
    if (template === undefined || side === undefined) return [];
    return [{ path: template.path, line: placeOf(template.source, ['Parameters', name]).line, side: side.name }];
  });
}

function poolSources(role: string, side: Side | undefined, fields: readonly string[] | undefined): Source[] {
  const source = side?.yaml('pools.yaml');
  const index = side?.configuration.pools.findIndex(({ name }) => `pool-${name}` === role) ?? -1;
  if (side === undefined || source === undefined || index < 0) return [];
  const paths: ValuePath[] = fields === undefined ? [['pools', index]] : fields.map((field) => ['pools', index, field]);
  return paths.map((path) => ({ path: full('pools.yaml'), line: placeOf(source, path).line, side: side.name }));
}

function versionSources(names: readonly string[], after: Side): Source[] {
  const source = after.yaml('versions.yaml');
  if (source === undefined) return [];
  const fields = [...new Set(names.flatMap((name) => VERSION_FIELDS[name] ?? []))];
  return fields.map((field) => ({ path: full('versions.yaml'), line: placeOf(source, [field]).line, side: after.name }));
}

/** Lines that give the used variables another value. */
function variableSources(used: ReadonlySet<string>, before: Side | undefined, after: Side, role = ''): Source[] {
  if (before === undefined) return [];
  const changed = [...used].filter((name) => before.values[name] !== after.values[name]);
  return [...versionSources(changed, after), ...poolVariableSources(used, before, after, role)];
}

function poolVariableSources(used: ReadonlySet<string>, before: Side, after: Side, role: string): Source[] {
  const poolOf = (side: Side) => side.configuration.pools.find(({ name }) => `pool-${name}` === role);
  const [old, now] = [poolOf(before), poolOf(after)];
  if (old === undefined || now === undefined) return [];
  const values: [Variables, Variables] = [poolVariables(old), poolVariables(now)];
  if (![...used].some((name) => values[0][name] !== values[1][name])) return [];
  const fields = (['generation', 'labels', 'instanceType'] as const).filter(
    (field) => canonicalJson(old[field]) !== canonicalJson(now[field]),
  );
  return poolSources(role, after, fields);
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

function componentPlace({ before, after }: ChangedItem, side: Side): Source[] {
  const part = (after ?? before)?.part ?? '';
  const component = side.configuration.components.find(({ file }) => file.name === part);
  return component === undefined ? [] : [{ path: component.source.path, line: placeOf(component.source, ['phase']).line, side: side.name }];
}

function deletionPlace({ before, after }: ChangedItem, side: Side): Source[] {
  const item = after ?? before;
  const source = side.yaml('deletions.yaml');
  if (item === undefined || source === undefined) return [];
  const list = item.part === 'before' ? side.configuration.deletions.before : side.configuration.deletions.after;
  const index = list.findIndex((deletion) => canonicalJson(deletion) === canonicalJson(item.value));
  return [{ path: full('deletions.yaml'), line: placeOf(source, [item.part, index]).line, side: side.name }];
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
