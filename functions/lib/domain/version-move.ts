import type { Finding } from '#model/checks.ts';
import type { SnapshotFile, Versions } from '#model/configuration.ts';
import type { Manifest } from '#model/render.ts';
import type { Configuration } from './configuration.ts';
import { CONFIGURATION_FOLDER } from './pull-request-kind.ts';
import { findingAt, parseYaml, placeOf } from './yaml-source.ts';

/** What decides where a cluster may go next: whose data it has stored, and what reads it. */
export interface VersionState {
  readonly versions: Pick<Versions, 'kubernetes' | 'etcd'>;
  readonly definitions: readonly StoredDefinition[];
}

/** A CustomResourceDefinition: in which version its objects are written, and which versions it knows. */
export interface StoredDefinition {
  readonly name: string;
  readonly storage: string;
  readonly versions: readonly string[];
}

export interface MoveProblem {
  /** A version in versions.yaml, or a CustomResourceDefinition. */
  readonly about: 'kubernetes' | 'etcd' | 'definition';
  /** Name of the definition; null for a version. */
  readonly name: string | null;
  readonly message: string;
}

/**
 * The patch that each member of an etcd minor must have before the next minor: older ones corrupt the membership on the
 * way (etcd issue 20967) or start with data that the next can't read (https://etcd.io/docs/v3.6/upgrades/).
 */
const ETCD_FLOORS: Readonly<Record<string, number>> = { '3.5': 32, '3.6': 11 };

/**
 * May a cluster go from one state to the other? The one answer for every way there: a merge, a hold, a revert, a rollout that
 * overtakes, a push by force. Never to an API server or etcd of a lower minor (their stored data is already newer, and no
 * step prepares etcd's downgrade), one minor at a time (https://kubernetes.io/releases/version-skew-policy/), etcd to a
 * next minor only from a patch that is fit for it, and no definition without the version that its objects are stored in.
 */
export function decideMove(from: VersionState, to: VersionState): MoveProblem[] {
  return [
    ...minorProblems('kubernetes', from.versions.kubernetes, to.versions.kubernetes),
    ...minorProblems('etcd', from.versions.etcd, to.versions.etcd),
    ...etcdFloorProblems(from.versions.etcd, to.versions.etcd),
    ...from.definitions.flatMap((definition) => definitionProblems(definition, to.definitions)),
  ];
}

function minorProblems(about: 'kubernetes' | 'etcd', from: string, to: string): MoveProblem[] {
  const steps = minorSteps(from, to);
  if (steps < 0)
    return [{ about, name: null, message: `${about} can't go back from ${from} to ${to}: what it stores is of the newer minor.` }];
  if (steps > 1) return [{ about, name: null, message: `${about} can't go from ${from} to ${to} at once. Go one minor at a time.` }];
  return [];
}

function etcdFloorProblems(from: string, to: string): MoveProblem[] {
  const [major = '', minor = '', patch = '0'] = from.split('.');
  const floor = ETCD_FLOORS[`${major}.${minor}`];
  if (minorSteps(from, to) !== 1 || floor === undefined || Number.parseInt(patch, 10) >= floor) return [];
  const message = `etcd can't go from ${from} to ${to}: go to ${major}.${minor}.${floor} or later first, whose data the next minor can read.`;
  return [{ about: 'etcd', name: null, message }];
}

function definitionProblems({ name, storage }: StoredDefinition, next: readonly StoredDefinition[]): MoveProblem[] {
  const after = next.find((definition) => definition.name === name);
  // Taken away whole, it goes with its objects; that is for deletions to say.
  if (after === undefined || after.versions.includes(storage)) return [];
  const message = `Objects of ${name} are stored as ${storage}, which the definition would not know any more. Keep ${storage} in its versions.`;
  return [{ about: 'definition', name, message }];
}

/** Minors from one version to another; a change of the major counts as many. */
function minorSteps(from: string, to: string): number {
  const [fromMajor = 0, fromMinor = 0] = from.split('.').map(Number);
  const [toMajor = 0, toMinor = 0] = to.split('.').map(Number);
  return (toMajor - fromMajor) * 100 + toMinor - fromMinor;
}

/** The CustomResourceDefinitions among objects; one without a storage version stores nothing that could be lost. */
export function definitionsOf(objects: readonly Manifest[]): StoredDefinition[] {
  return objects.flatMap((object) => {
    if (object.kind !== 'CustomResourceDefinition' || !object.apiVersion.startsWith('apiextensions.k8s.io/')) return [];
    const versions = versionsOf(object['spec']);
    const storage = versions.find((version) => version.storage)?.name;
    if (storage === undefined) return [];
    return [{ name: object.metadata.name, storage, versions: versions.map((version) => version.name) }];
  });
}

function versionsOf(spec: unknown): { name: string; storage: boolean }[] {
  if (typeof spec !== 'object' || spec === null || !('versions' in spec) || !Array.isArray(spec.versions)) return [];
  return spec.versions.flatMap((version: unknown) => {
    if (typeof version !== 'object' || version === null || !('name' in version) || typeof version.name !== 'string') return [];
    return [{ name: version.name, storage: 'storage' in version && version.storage === true }];
  });
}

type Side = Pick<Configuration, 'versions' | 'components'>;

/** `decideMove` for a pull request: each problem at the line that would have to be another. */
export function versionMoveFindings(base: Side, head: Side, files: readonly SnapshotFile[]): Finding[] {
  return decideMove(stateOf(base), stateOf(head)).map(({ about, name, message }) => {
    const [path, place] = about === 'definition' ? definitionPlace(head, name) : versionPlace(about, files);
    return findingAt(path, place, 'version-move', message);
  });
}

function stateOf({ versions, components }: Side): VersionState {
  return { versions, definitions: definitionsOf(components.flatMap(({ objects }) => objects.map(({ manifest }) => manifest))) };
}

function versionPlace(key: 'kubernetes' | 'etcd', files: readonly SnapshotFile[]): [string, { line: number; column: number }] {
  const path = `${CONFIGURATION_FOLDER}/versions.yaml`;
  const { value: source } = parseYaml(path, files.find((file) => file.path === 'versions.yaml')?.content ?? '');
  return [path, source === undefined ? { line: 1, column: 1 } : placeOf(source, [key])];
}

function definitionPlace(head: Side, name: string | null): [string, { line: number; column: number }] {
  const objects = head.components.flatMap((component) => component.objects);
  const at = objects.find(({ manifest }) => manifest.kind === 'CustomResourceDefinition' && manifest.metadata.name === name);
  return [at?.path ?? `${CONFIGURATION_FOLDER}/components`, { line: at?.line ?? 1, column: 1 }];
}
