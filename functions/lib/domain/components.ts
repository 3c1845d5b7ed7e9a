import type { Finding } from '#model/checks.ts';
import { ComponentFile, Phase, type SnapshotFile } from '#model/configuration.ts';
import { objectKey, objectName, parseManifests, type ReadManifests, type SourceObject } from './manifests.ts';
import { readShape } from './shape.ts';
import { didYouMean } from './suggest.ts';
import { findingAt, type Place, parseYaml, placeOf, type YamlSource } from './yaml-source.ts';

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
  findings.push(...duplicateFindings(components), ...needFindings(components));
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
  const parsed = parseYaml(path, own.content);
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
      const clash = earlier.find((other) => meet(other.component.file, component.file));
      if (clash !== undefined) {
        const message = `${objectName(object.manifest)} is there already, in ${clash.object.path} line ${clash.object.line}.`;
        findings.push(findingAt(object.path, { line: object.line, column: 1 }, 'duplicate-object', message));
      }
      seen.set(key, [...earlier, { component, object }]);
    }
  }
  return findings;
}

function meet(left: ComponentFile, right: ComponentFile): boolean {
  if (left.environments === undefined || right.environments === undefined) return true;
  const others = right.environments;
  return left.environments.some((environment) => others.includes(environment));
}

function needFindings(components: readonly Component[]): Finding[] {
  const names = components.map((component) => component.file.name);
  return components.flatMap((component) =>
    component.file.needs.flatMap((need, index) => {
      const message = needProblem(component, need, components, names);
      return message === undefined
        ? []
        : [findingAt(component.source.path, placeOf(component.source, ['needs', index]), 'component-needs', message)];
    }),
  );
}

function needProblem(component: Component, need: string, components: readonly Component[], names: readonly string[]): string | undefined {
  const { name, phase } = component.file;
  const needed = components.find((candidate) => candidate.file.name === need);
  if (needed === undefined) return `There is no component ${need}.${didYouMean(need, names)}`;
  if (phaseIndex(needed.file.phase) > phaseIndex(phase)) {
    return `${name} (phase ${phase}) can't need ${need}: that comes later, in phase ${needed.file.phase}.`;
  }
  return reaches(needed, name, components, new Set()) ? `${name} and ${need} need each other. One must come first.` : undefined;
}

function reaches(from: Component, target: string, components: readonly Component[], seen: Set<string>): boolean {
  if (from.file.name === target) return true;
  if (seen.has(from.file.name)) return false;
  seen.add(from.file.name);
  return components.some((next) => from.file.needs.includes(next.file.name) && reaches(next, target, components, seen));
}

function inOrder(components: readonly Component[]): Component[] {
  const ordered: Component[] = [];
  const visit = (component: Component): void => {
    if (ordered.includes(component)) return;
    for (const need of [...component.file.needs].sort()) {
      const needed = components.find((candidate) => candidate.file.name === need);
      if (needed !== undefined) visit(needed);
    }
    ordered.push(component);
  };
  const byPhase = [...components].sort(
    (left, right) => phaseIndex(left.file.phase) - phaseIndex(right.file.phase) || (left.file.name < right.file.name ? -1 : 1),
  );
  for (const component of byPhase) visit(component);
  return ordered;
}

function phaseIndex(phase: Phase): number {
  return Phase.options.indexOf(phase);
}
