import { expect } from 'vitest';
import { parseComponents } from '#domain/components.ts';
import type { Configuration, UserDataName } from '#domain/configuration.ts';
import { parseManifests } from '#domain/manifests.ts';
import type { Policy } from '#domain/policies/policy.ts';
import { policySubject } from '#domain/policies/subject.ts';
import { readShape } from '#domain/shape.ts';
import type { TemplateName } from '#domain/stack-parameters.ts';
import { parseTemplate } from '#domain/template.ts';
import { parseYaml } from '#domain/yaml-source.ts';
import { Pools, UserDataFile, Versions } from '#model/configuration.ts';
import { referenceConfiguration } from './reference-configuration.ts';
import { referenceSnapshot } from './reference-fleet.ts';

const FOLDER = 'channels/cluster/';
/** Stands in a test's text before each place at which something is to be found. */
const MARK = '▸';
export const NOW = '2026-01-05T08:00:00.000Z';

const reference = referenceConfiguration();

/** Text without its marks, and the places that they marked. */
export function unmarked(text: string): { text: string; places: { line: number; column: number }[] } {
  const places = [...text.matchAll(new RegExp(MARK, 'g'))].map(({ index }) => {
    const before = text.slice(0, index).replaceAll(MARK, '');
    return { line: before.split('\n').length, column: before.length - before.lastIndexOf('\n') };
  });
  return { text: text.replaceAll(MARK, ''), places };
}

/** The reference configuration with some files of other text, read part by part: quicker than to read all of it again. */
export function configurationWith(files: Readonly<Record<string, string>>): Configuration {
  return Object.entries(files).reduce((configuration, [path, text]) => withFile(configuration, path, text, files), reference);
}

function withFile(configuration: Configuration, path: string, text: string, files: Readonly<Record<string, string>>): Configuration {
  const whole = `${FOLDER}${path}`;
  const source = () => needed(parseYaml(whole, text).value, path);
  if (path === 'pools.yaml') return { ...configuration, pools: needed(readShape(source(), Pools).value, path).pools };
  if (path === 'versions.yaml') return { ...configuration, versions: needed(readShape(source(), Versions).value, path) };
  if (path === 'tests/conformance.txt') return { ...configuration, conformance: text.split('\n') };
  if (path.startsWith('tests/load/')) return { ...configuration, load: needed(parseManifests(whole, text).value, path) };
  if (path.startsWith('components/')) {
    const own = Object.entries(files).map(([name, content]) => ({ path: name, content }));
    const { components, findings } = parseComponents(own, FOLDER);
    expect(findings).toEqual([]);
    return { ...configuration, components };
  }
  const name = path.replace(/^user-data\//, '').replace('.yaml', '');
  if (!path.startsWith('user-data/')) {
    return {
      ...configuration,
      templates: { ...configuration.templates, [name as TemplateName]: needed(parseTemplate(whole, text).value, path) },
    };
  }
  const file = needed(readShape(source(), UserDataFile).value, path);
  return { ...configuration, userData: { ...configuration.userData, [name as UserDataName]: file } };
}

function needed<T>(value: T | undefined, path: string): T {
  if (value === undefined) throw new Error(`${path} can't be read`);
  return value;
}

/** Checks a policy on a file: it finds something at each mark, saying this, and nowhere else. */
export function expectFound(policy: Policy, path: string, marked: string, messages: readonly string[] = [], now = NOW): void {
  const { text, places } = unmarked(marked);
  const files = path.startsWith('components/')
    ? { 'components/probe/component.yaml': 'name: probe\nphase: workloads\n', [path]: text }
    : { [path]: text };
  const snapshot = referenceSnapshot(files);

  const found = policy.check(policySubject(configurationWith(files), snapshot.files, now));

  expect(found.map(({ place }) => place)).toEqual(places);
  expect(found.map((violation) => violation.path)).toEqual(places.map(() => `${FOLDER}${path}`));
  expect(found.map(({ message }) => message)).toEqual(messages);
  for (const { object, message } of found) expect(message.startsWith(`${object}: `)).toBe(true);
}

/** As expectFound, for objects of a component of their own. */
export function expectInObjects(policy: Policy, marked: string, messages: readonly string[] = [], now = NOW): void {
  expectFound(policy, 'components/probe/objects.yaml', marked, messages, now);
}

/** A file of the reference configuration with a part replaced; the new part may have marks. */
export function expectInEdited(policy: Policy, path: string, part: string, marked: string, messages: readonly string[] = []): void {
  const text = referenceSnapshot().files.find((file) => file.path === path)?.content ?? '';
  if (!text.includes(part)) throw new Error(`${path} has no "${part}"`);
  expectFound(
    policy,
    path,
    text.replace(part, () => marked),
    messages,
  );
}
