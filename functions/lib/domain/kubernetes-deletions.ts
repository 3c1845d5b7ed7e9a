import type { Finding } from '#model/checks.ts';
import type { Deletions } from '#model/configuration.ts';
import { Environment } from '#model/settings.ts';
import type { Component } from './components.ts';
import { identityOf, idOf, isKept, toId } from './inventory.ts';
import { objectName, type SourceObject } from './manifests.ts';
import { CONFIGURATION_FOLDER } from './pull-request-kind.ts';
import { findingAt, type Place, parseYaml, placeOf } from './yaml-source.ts';

/** One side of a change, as far as deletions ask for it. */
export interface DeletionSide {
  readonly components: readonly Component[];
  readonly deletions: Deletions;
}

const PATH = `${CONFIGURATION_FOLDER}/deletions.yaml`;
const START: Place = { line: 1, column: 1 };

/** Entries of deletions.yaml that name what the same revision applies: each update would stop at them. */
export function contradictionFindings({ components, deletions }: DeletionSide, text: string): Finding[] {
  const applied = new Map(components.flatMap(({ objects }) => objects.map((object) => [identityOf(idOf(object.manifest)), object])));
  const { value: source } = parseYaml(PATH, text);
  return (['before', 'after'] as const).flatMap((when) =>
    deletions[when].flatMap((deletion, index) => {
      const object = applied.get(identityOf(toId(deletion)));
      if (object === undefined) return [];
      const place = source === undefined ? START : placeOf(source, [when, index, 'name']);
      const message = `${objectName(object.manifest)} is deleted here and applied in ${object.path} line ${object.line}. Remove one of both.`;
      return [findingAt(PATH, place, 'deletion', message)];
    }),
  );
}

/**
 * Objects that the head no longer has and that pruning keeps (namespaces, CRDs, volumes, claims), without an entry in
 * deletions.yaml: they would stay in the clusters with nobody to look after them.
 */
export function removalFindings(base: DeletionSide, head: DeletionSide): Finding[] {
  const named = new Set([...head.deletions.before, ...head.deletions.after].map((deletion) => identityOf(toId(deletion))));
  const now = environmentsOf(head.components);
  return [...environmentsOf(base.components)].flatMap(([identity, { object, environments }]) => {
    if (!isKept(object.manifest.kind) || named.has(identity)) return [];
    const left = [...environments].filter((environment) => now.get(identity)?.environments.has(environment) !== true);
    if (left.length === 0) return [];
    const where = left.length === Environment.options.length ? '' : ` in ${left.join(', ')}`;
    const message = `${objectName(object.manifest)} is no longer applied${where} (it was in ${object.path} line ${object.line}) and stays in the clusters: a ${object.manifest.kind} is deleted only when deletions.yaml names it. Add it under after if it shall go.`;
    return [findingAt(PATH, START, 'missing-deletion', message, 'warning')];
  });
}

interface Applied {
  readonly object: SourceObject;
  readonly environments: Set<Environment>;
}

function environmentsOf(components: readonly Component[]): Map<string, Applied> {
  const found = new Map<string, Applied>();
  for (const { file, objects } of components) {
    for (const object of objects) {
      const identity = identityOf(idOf(object.manifest));
      const entry = found.get(identity) ?? { object, environments: new Set() };
      for (const environment of file.environments ?? Environment.options) entry.environments.add(environment);
      found.set(identity, entry);
    }
  }
  return found;
}
