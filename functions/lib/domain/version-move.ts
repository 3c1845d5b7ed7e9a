import type { Finding } from '#model/checks.ts';
import type { SnapshotFile, Versions } from '#model/configuration.ts';
import type { Manifest } from '#model/render.ts';
import type { Configuration } from './configuration.ts';
import { CONFIGURATION_FOLDER } from './pull-request-kind.ts';
import { identityOf, ROTATED_KINDS, rotationProblem } from './rotation.ts';
import { etcdStepProblem, minorSteps, tooFar } from './version-steps.ts';
import { findingAt, parseYaml, placeOf } from './yaml-source.ts';

/** What decides where a cluster may go next: whose data it has stored, and what reads it. */
export interface VersionState {
  readonly versions: Pick<Versions, 'kubernetes' | 'etcd' | 'identity'>;
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
  readonly about: 'kubernetes' | 'etcd' | 'identity' | 'definition';
  /** Name of the definition; null for a version. */
  readonly name: string | null;
  readonly message: string;
}

/**
 * May a cluster go from one state to the other? The one answer for every way there: a merge, a hold, a revert, a rollout that
 * overtakes, a push by force. Never to an API server of a lower minor (its stored data is already newer), one minor at a time
 * (https://kubernetes.io/releases/version-skew-policy/), etcd between minors only where both are fit to run side by side, no
 * definition without the version that its objects are stored in, and keys of the identity one move of their rotation at a time.
 */
export function decideMove(from: VersionState, to: VersionState): MoveProblem[] {
  return [
    ...kubernetesProblems(from.versions.kubernetes, to.versions.kubernetes),
    ...etcdProblems(from.versions.etcd, to.versions.etcd),
    ...identityProblems(from.versions, to.versions),
    ...from.definitions.flatMap((definition) => definitionProblems(definition, to.definitions)),
  ];
}

function kubernetesProblems(from: string, to: string): MoveProblem[] {
  const steps = minorSteps(from, to);
  if (steps < 0) return [problem('kubernetes', `kubernetes can't go back from ${from} to ${to}: what it stores is of the newer minor.`)];
  return steps > 1 ? [problem('kubernetes', tooFar('kubernetes', from, to))] : [];
}

function etcdProblems(from: string, to: string): MoveProblem[] {
  const message = etcdStepProblem(from, to);
  return message === undefined ? [] : [problem('etcd', message)];
}

function problem(about: 'kubernetes' | 'etcd', message: string): MoveProblem {
  return { about, name: null, message };
}

function identityProblems(from: VersionState['versions'], to: VersionState['versions']): MoveProblem[] {
  const [before, after] = [identityOf(from), identityOf(to)];
  return ROTATED_KINDS.flatMap((kind): MoveProblem[] => {
    const message = rotationProblem(kind, before[kind], after[kind]);
    return message === undefined ? [] : [{ about: 'identity', name: null, message }];
  });
}

function definitionProblems({ name, storage }: StoredDefinition, next: readonly StoredDefinition[]): MoveProblem[] {
  const after = next.find((definition) => definition.name === name);
  // Taken away whole, it goes with its objects; that is for deletions to say.
  if (after === undefined || after.versions.includes(storage)) return [];
  const message = `Objects of ${name} are stored as ${storage}, which the definition would not know any more. Keep ${storage} in its versions.`;
  return [{ about: 'definition', name, message }];
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

function versionPlace(key: 'kubernetes' | 'etcd' | 'identity', files: readonly SnapshotFile[]): [string, { line: number; column: number }] {
  const path = `${CONFIGURATION_FOLDER}/versions.yaml`;
  const { value: source } = parseYaml(path, files.find((file) => file.path === 'versions.yaml')?.content ?? '');
  return [path, source === undefined ? { line: 1, column: 1 } : placeOf(source, [key])];
}

function definitionPlace(head: Side, name: string | null): [string, { line: number; column: number }] {
  const objects = head.components.flatMap((component) => component.objects);
  const at = objects.find(({ manifest }) => manifest.kind === 'CustomResourceDefinition' && manifest.metadata.name === name);
  return [at?.path ?? `${CONFIGURATION_FOLDER}/components`, { line: at?.line ?? 1, column: 1 }];
}
