import type { ResourceChange } from '#model/plan.ts';
import { canonicalJson } from './hash.ts';
import { replacementOf } from './plan-replacements.ts';
import type { ResolvedResource } from './plan-template.ts';
import { referencesOf, walk } from './template.ts';

type Resources = ReadonlyMap<string, ResolvedResource>;

/** What differs between the resources of a stack, by name; a hint made without AWS. */
export function resourceChanges(role: string, before: Resources, after: Resources): ResourceChange[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  const changes = names.flatMap((name) => changesOf(role, name, before.get(name), after.get(name)));
  return withDependents(changes, role, after);
}

function changesOf(
  role: string,
  resource: string,
  before: ResolvedResource | undefined,
  after: ResolvedResource | undefined,
): ResourceChange[] {
  if (before === undefined || after === undefined) {
    const action = before === undefined ? 'add' : 'remove';
    const type = (after ?? before)?.Type ?? '';
    return [{ role, resource, type, action, replacement: 'never', properties: [] }];
  }
  const { type, properties, others } = differences(before, after);
  if (type !== undefined) return [{ role, resource, type, action: 'modify', replacement: 'always', properties: ['Type'] }];
  if (properties.length === 0 && others.length === 0) return [];
  return [modified(role, resource, after.Type, properties, others)];
}

function differences(before: ResolvedResource, after: ResolvedResource): { type?: string; properties: string[]; others: string[] } {
  if (before.Type !== after.Type) return { type: after.Type, properties: [], others: [] };
  const attributes = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => key !== 'Type' && key !== 'Properties');
  const others = attributes.filter((key) => canonicalJson(before[key]) !== canonicalJson(after[key])).sort();
  return { properties: changedPaths(before.Properties, after.Properties, ''), others };
}

/** Paths (`A/B`) of the innermost mappings' keys that differ; a list is one value. */
function changedPaths(before: unknown, after: unknown, path: string): string[] {
  if (canonicalJson(before) === canonicalJson(after)) return [];
  if (!isPlain(before) || !isPlain(after)) return [path === '' ? 'Properties' : path];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.flatMap((key) => changedPaths(before[key], after[key], path === '' ? key : `${path}/${key}`));
}

function modified(role: string, resource: string, type: string, properties: readonly string[], others: readonly string[]): ResourceChange {
  const told = properties.map((property) => ({ property, replacement: replacementOf(type, property) }));
  const rank = { always: 0, unknown: 1, may: 2, never: 3 } as const;
  const sorted = told.toSorted((left, right) => rank[left.replacement] - rank[right.replacement]);
  return {
    role,
    resource,
    type,
    action: 'modify',
    replacement: sorted[0]?.replacement ?? 'never',
    properties: [...sorted.map(({ property }) => property), ...others],
  };
}

/** A resource that names a replaced one in a property that replaces is replaced with it. */
function withDependents(changes: readonly ResourceChange[], role: string, after: Resources): ResourceChange[] {
  const all = new Map(changes.map((change) => [change.resource, change]));
  const queue = changes.filter(({ replacement }) => replacement === 'always').map(({ resource }) => resource);
  for (let replaced = queue.shift(); replaced !== undefined; replaced = queue.shift()) {
    for (const [resource, { Type, Properties }] of after) {
      const known = all.get(resource);
      if (known?.replacement === 'always' || known?.action === 'add') continue;
      const property = propertyNaming(Properties, replaced);
      if (property === undefined || replacementOf(Type, property) !== 'always') continue;
      const cause = `${property} (${replaced} is replaced)`;
      const properties = [cause, ...(known?.properties ?? [])];
      all.set(resource, { role, resource, type: Type, action: 'modify', replacement: 'always', properties });
      queue.push(resource);
    }
  }
  return [...all.values()];
}

function propertyNaming(properties: unknown, resource: string): string | undefined {
  if (!isPlain(properties)) return undefined;
  return Object.keys(properties).find((key) => {
    let found = false;
    walk(properties[key], [], (value) => {
      if (referencesOf(value).includes(resource)) found = true;
    });
    return found;
  });
}

/** A mapping that is no intrinsic function. */
function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return !Object.keys(value).some((key) => key === 'Ref' || key.startsWith('Fn::'));
}

/** How many instances the Auto Scaling groups of a stack keep; undefined when a size is not known here. */
export function instancesOf(resources: Resources): number | undefined {
  const groups = [...resources.values()].filter(({ Type }) => Type === 'AWS::AutoScaling::AutoScalingGroup');
  const sizes = groups.map(({ Properties }) =>
    Number(isPlain(Properties) ? (Properties['DesiredCapacity'] ?? Properties['MinSize']) : undefined),
  );
  return groups.length === 0 || sizes.some((size) => !Number.isInteger(size)) ? undefined : sizes.reduce((sum, size) => sum + size, 0);
}
