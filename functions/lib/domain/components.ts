import type { Finding } from '#model/checks.ts';
import { ComponentFile, Phase, type SnapshotFile } from '#model/configuration.ts';
import { objectKey, objectName, parseManifests, type ReadManifests, type SourceObject } from './manifests.ts';
import { readShape } from './shape.ts';
import { didYouMean } from './suggest.ts';
import { shorten } from './yaml-parse.ts';
import { findingAt, type Place, parseSingle, placeOf, type YamlSource } from './yaml-source.ts';

/** One folder of `components/`. */
export interface Component {
  readonly file: ComponentFile;
  readonly source: YamlSource;
  readonly objects: readonly SourceObject[];
}

const START: Place = { line: 1, column: 1 };

/** Reads all components, in the order in which they are applied: by phase, each after what it needs, else by name. */
export function parseComponents(
  files: readonly SnapshotFile[],
  folder: string,
  read: ReadManifests = parseManifests,
): { components: Component[]; findings: Finding[] } {
  const findings: Finding[] = [];
  const byName = new Map<string, SnapshotFile[]>();
  for (const file of files) {
    const [, name = '', rest] = /^components\/([^/]+)\/(.+)$/.exec(file.path) ?? [];
    if (rest !== undefined) byName.set(name, [...(byName.get(name) ?? []), file]);
  }
  const components = [...byName].flatMap(([name, own]) => {
    const { component, findings: found } = parseComponent(name, own, folder, read);
    findings.push(...found);
    return component === undefined ? [] : [component];
  });
  findings.push(...duplicateFindings(components), ...needFindings(components, new Set(byName.keys())));
  return { components: findings.length === 0 ? inOrder(components) : components, findings };
}

function parseComponent(
  name: string,
  files: readonly SnapshotFile[],
  folder: string,
  readFile: ReadManifests,
): { component?: Component; findings: Finding[] } {
  const own = files.find((file) => file.path === `components/${name}/component.yaml`);
  const first = files[0];
  if (own === undefined) {
    const path = `${folder}${first?.path ?? `components/${name}`}`;
    return { findings: [findingAt(path, START, 'missing-file', `The component ${name} has no component.yaml.`)] };
  }
  const path = `${folder}${own.path}`;
  const parsed = parseSingle(path, own.content);
  if (parsed.value === undefined) return { findings: [...parsed.findings] };
  const shape = readShape(parsed.value, ComponentFile);
  const manifests = files.filter((file) => file !== own && file.path.endsWith('.yaml'));
  const read = manifests.map((file) => readFile(`${folder}${file.path}`, file.content));
  const findings = [...shape.findings, ...read.flatMap((result) => result.findings)];
  if (shape.value === undefined) return { findings };
  if (shape.value.name !== name) {
    const message = `The component in the folder ${name} calls itself ${shape.value.name}. Both must be the same.`;
    findings.push(findingAt(path, placeOf(parsed.value, ['name']), 'component-name', message));
  }
  return { component: { file: shape.value, source: parsed.value, objects: read.flatMap((result) => result.value ?? []) }, findings };
}

/** The same object twice, in components that meet in some environment: the second would overwrite the first. */
function duplicateFindings(components: readonly Component[]): Finding[] {
  const seen = new Map<string, { component: Component; object: SourceObject }[]>();
  const findings: Finding[] = [];
  for (const component of components) {
    for (const object of component.objects) {
      const key = objectKey(object.manifest);
      const earlier = seen.get(key) ?? [];
      seen.set(key, earlier);
      const clash = earlier.find((other) => meet(other.component.file, component.file));
      if (clash !== undefined && findings.length < MAX_DUPLICATES) {
        const message = `${objectName(object.manifest)} is there already, in ${clash.object.path} line ${clash.object.line}.`;
        findings.push(findingAt(object.path, { line: object.line, column: 1 }, 'duplicate-object', message));
      }
      earlier.push({ component, object });
    }
  }
  return findings;
}

function meet(left: ComponentFile, right: ComponentFile): boolean {
  if (left.environments === undefined || right.environments === undefined) return true;
  const others = right.environments;
  return left.environments.some((environment) => others.includes(environment));
}

/** Told of all components. */
const MAX_DUPLICATES = 2000;
/** Told of one component. */
const MAX_FINDINGS = 50;

/** @param folders of all components: one that can't be read has findings of its own, and is there */
function needFindings(components: readonly Component[], folders: ReadonlySet<string>): Finding[] {
  const byName = new Map(components.map((component) => [component.file.name, component]));
  const circles = circlesOf(byName);
  return components.flatMap((component) => {
    const findings: Finding[] = [];
    for (const [index, need] of component.file.needs.entries()) {
      if (findings.length === MAX_FINDINGS) break;
      if (folders.has(need) && !byName.has(need)) continue;
      const message = needProblem(component, need, byName, circles);
      if (message !== undefined)
        findings.push(findingAt(component.source.path, placeOf(component.source, ['needs', index]), 'component-needs', message));
    }
    return findings;
  });
}

function needProblem(
  component: Component,
  need: string,
  byName: ReadonlyMap<string, Component>,
  circles: ReadonlyMap<string, number>,
): string | undefined {
  const { name, phase } = component.file;
  const needed = byName.get(need);
  if (needed === undefined) return `There is no component ${shorten(need)}.${didYouMean(need, [...byName.keys()])}`;
  if (phaseIndex(needed.file.phase) > phaseIndex(phase)) {
    return `${name} (phase ${phase}) can't need ${need}: that comes later, in phase ${needed.file.phase}.`;
  }
  return circles.get(name) === circles.get(need) ? `${name} and ${need} need each other. One must come first.` : undefined;
}

/** A number for each component; those that need each other, directly or by others, have the same (Kosaraju). */
function circlesOf(byName: ReadonlyMap<string, Component>): Map<string, number> {
  const needs = new Map([...byName].map(([name, { file }]) => [name, [...new Set(file.needs)].filter((need) => byName.has(need))]));
  const neededBy = new Map<string, string[]>([...byName.keys()].map((name) => [name, []]));
  for (const [name, needed] of needs) for (const need of needed) neededBy.get(need)?.push(name);
  const circles = new Map<string, number>();
  for (const name of leavingOrder(needs).reverse()) {
    const open = [name];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (circles.has(next)) continue;
      circles.set(next, circles.get(name) ?? circles.size);
      for (const above of neededBy.get(next) ?? []) open.push(above);
    }
  }
  return circles;
}

/** Names in the order in which a walk along the needs is through with them: each after all it needs, but for circles. */
function leavingOrder(needs: ReadonlyMap<string, readonly string[]>): string[] {
  const order: string[] = [];
  const seen = new Set<string>();
  const open = [...needs.keys()].reverse().map((name) => ({ name, leave: false }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.leave) order.push(next.name);
    if (next.leave || seen.has(next.name)) continue;
    seen.add(next.name);
    open.push({ name: next.name, leave: true });
    for (const name of [...(needs.get(next.name) ?? [])].reverse()) if (!seen.has(name)) open.push({ name, leave: false });
  }
  return order;
}

/** By phase, each after what it needs, else by name. */
function inOrder(components: readonly Component[]): Component[] {
  const byName = new Map(components.map((component) => [component.file.name, component]));
  const byPhase = [...components].sort(
    (left, right) => phaseIndex(left.file.phase) - phaseIndex(right.file.phase) || (left.file.name < right.file.name ? -1 : 1),
  );
  const order = leavingOrder(new Map(byPhase.map(({ file }) => [file.name, [...file.needs].sort()])));
  return order.flatMap((name) => byName.get(name) ?? []);
}

function phaseIndex(phase: Phase): number {
  return Phase.options.indexOf(phase);
}
