import type { Finding } from '#model/checks.ts';
import { Phase } from '#model/configuration.ts';
import { Environment } from '#model/settings.ts';
import type { Component } from './components.ts';
import { type Apis, kindOf } from './kubernetes-apis.ts';
import { isDefinition } from './kubernetes-definitions.ts';
import { objectName, type SourceObject } from './manifests.ts';
import type { ObjectPlaces } from './object-places.ts';
import { didYouMean } from './suggest.ts';
import { shorten } from './yaml-parse.ts';
import { findingAt } from './yaml-source.ts';

/** Enough to say that something is wrong as a whole. */
export const MAX_FINDINGS = 2000;

/** Kubernetes makes these itself. */
const GIVEN_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** Where an object is applied. */
export interface Situated {
  readonly object: SourceObject;
  /** undefined: load of e2e, which comes after all components. */
  readonly component?: Component;
}

/** Namespaces and CRDs that are not there when something is put into them: never, later, or not in that environment. */
export function orderFindings(all: readonly Situated[], apis: Apis, places: ObjectPlaces): Finding[] {
  const namespaces = providersOf(all, ({ apiVersion, kind }) => apiVersion === 'v1' && kind === 'Namespace');
  const definitions = providersOf(all, isDefinition);
  const findings: Finding[] = [];
  for (const one of all) {
    if (findings.length >= MAX_FINDINGS) break;
    findings.push(...namespaceFindings(one, namespaces, places), ...definitionFindings(one, apis, definitions, places));
  }
  return findings;
}

type Providers = ReadonlyMap<string, readonly Situated[]>;

/** Those that make something, by its name: one of each phase and set of environments, which is all that counts. */
function providersOf(all: readonly Situated[], is: (manifest: SourceObject['manifest']) => boolean): Providers {
  const found = new Map<string, Map<string, Situated>>();
  for (const one of all) {
    if (!is(one.object.manifest)) continue;
    const { name } = one.object.manifest.metadata;
    const where = `${phaseOf(one)} ${environmentsOf(one).join()}`;
    const sameName = found.get(name) ?? new Map<string, Situated>();
    found.set(name, sameName);
    if (!sameName.has(where)) sameName.set(where, one);
  }
  return new Map([...found].map(([name, providers]) => [name, [...providers.values()]]));
}

function namespaceFindings(one: Situated, namespaces: Providers, places: ObjectPlaces): Finding[] {
  const { manifest, path } = one.object;
  const namespace = manifest.metadata.namespace;
  if (namespace === undefined || GIVEN_NAMESPACES.includes(namespace)) return [];
  const at = (rule: string, message: string): Finding => findingAt(path, places(one.object, ['metadata', 'namespace']), rule, message);
  const providers = namespaces.get(namespace) ?? [];
  if (providers.length === 0) {
    const hint = didYouMean(namespace, [...namespaces.keys(), ...GIVEN_NAMESPACES]);
    return [at('missing-namespace', `Nothing creates the namespace ${shorten(namespace)} of ${objectName(manifest)}.${hint}`)];
  }
  const missing = environmentsOf(one).filter((environment) => !providers.some((provider) => isIn(provider, environment)));
  if (missing.length > 0) {
    const message = `Nothing creates the namespace ${shorten(namespace)} in ${missing.join(', ')}, where ${objectName(manifest)} is applied. ${whereOf(providers)}`;
    return [at('missing-namespace', message)];
  }
  const late = lateFor(one, providers);
  if (late === undefined) return [];
  return [
    at(
      'apply-order',
      `The namespace ${shorten(namespace)} is created ${late}. Move it to this phase, or ${objectName(manifest)} to that one.`,
    ),
  ];
}

function definitionFindings(one: Situated, apis: Apis, definitions: Providers, places: ObjectPlaces): Finding[] {
  const { manifest, path } = one.object;
  const definition = kindOf(apis, manifest.apiVersion, manifest.kind)?.definition;
  if (definition === undefined) return [];
  const providers = definitions.get(definition.name) ?? [];
  const at = (rule: string, message: string): Finding => findingAt(path, places(one.object, ['kind']), rule, message);
  const missing = environmentsOf(one).filter((environment) => !providers.some((provider) => isIn(provider, environment)));
  if (missing.length > 0) {
    return [
      at(
        'unknown-kind',
        `The definition ${shorten(definition.name)} is not applied in ${missing.join(', ')}, where ${objectName(manifest)} is. ${whereOf(providers)}`,
      ),
    ];
  }
  const late = lateFor(one, providers);
  if (late === undefined) return [];
  return [
    at(
      'apply-order',
      `The definition ${shorten(definition.name)} is applied ${late}. Move it to this phase, or ${objectName(manifest)} to that one.`,
    ),
  ];
}

/** `later, in phase workloads (component x)` when no provider of some environment comes in time. Within a phase both come first. */
function lateFor(one: Situated, providers: readonly Situated[]): string | undefined {
  const late = environmentsOf(one).some((environment) => {
    const there = providers.filter((provider) => isIn(provider, environment));
    return there.every((provider) => phaseOf(provider) > phaseOf(one));
  });
  const first = providers.find((provider) => phaseOf(provider) > phaseOf(one));
  if (!late || first === undefined) return undefined;
  return first.component === undefined
    ? 'later, with the load of e2e'
    : `later, in phase ${first.component.file.phase} by the component ${first.component.file.name}`;
}

function whereOf(providers: readonly Situated[]): string {
  const names = providers.flatMap(({ component }) =>
    component === undefined
      ? ['the load of e2e']
      : [`${component.file.name} (${(component.file.environments ?? Environment.options).join(', ')})`],
  );
  return `It comes with ${[...new Set(names)].join(', ')}.`;
}

function phaseOf({ component }: Situated): number {
  return component === undefined ? Phase.options.length : Phase.options.indexOf(component.file.phase);
}

/** Load is applied to e2e clusters only. */
function environmentsOf({ component }: Situated): readonly Environment[] {
  return component === undefined ? ['e2e'] : (component.file.environments ?? Environment.options);
}

function isIn(one: Situated, environment: Environment): boolean {
  return environmentsOf(one).includes(environment);
}
