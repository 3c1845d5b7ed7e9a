import type { IdentityVersions, KeyGenerations, Versions } from '../model/configuration.ts';

/** Kinds of keys that are rotated, and what people call them. */
export const ROTATED = { clusterCa: 'cluster authority', serviceAccounts: 'service account key', encryption: 'encryption key' } as const;
export type Rotated = keyof typeof ROTATED;
export const ROTATED_KINDS: readonly Rotated[] = ['clusterCa', 'serviceAccounts', 'encryption'];

const FIRST: KeyGenerations = { trusted: [1], issues: 1 };

/** Generations of each kind that a configuration asks for; without a word the first of each. */
export function identityOf(versions: Pick<Versions, 'identity'>): IdentityVersions {
  const { clusterCa = FIRST, serviceAccounts = FIRST, encryption = FIRST } = versions.identity ?? {};
  return { clusterCa, serviceAccounts, encryption };
}

/**
 * Why a cluster can't go from one state of a kind to the other at once, or undefined. While instances are replaced both are
 * in use side by side, so each must trust what the other issues. That makes three moves of a rotation: trust both, issue the
 * new one, drop the old one. An old generation that was dropped is gone; new ones count on.
 */
export function rotationProblem(kind: Rotated, from: KeyGenerations, to: KeyGenerations): string | undefined {
  const name = ROTATED[kind];
  if (!from.trusted.includes(to.issues))
    return `The ${name} ${to.issues} can't be issued before it is trusted everywhere. Go through trusted: [${[...from.trusted, to.issues].join(', ')}], issues: ${from.issues} first.`;
  if (!to.trusted.includes(from.issues))
    return `The ${name} ${from.issues} can't be dropped while it is issued. Go through trusted: [${from.trusted.join(', ')}], issues: ${to.issues} first.`;
  const next = Math.max(...from.trusted) + 1;
  const wrong = to.trusted.filter((generation) => !from.trusted.includes(generation) && generation !== next);
  if (wrong.length > 0) return `There is no ${name} ${wrong.join(', ')}: a dropped one is gone, and the next one is ${next}.`;
  return undefined;
}

/** Text of the state of some kinds: in user data, so that instances are replaced when it changes. */
export function identityText(versions: Pick<Versions, 'identity'>, kinds: readonly Rotated[]): string {
  const identity = identityOf(versions);
  return kinds.map((kind) => `${kind}:${identity[kind].trusted.join('+')}:${identity[kind].issues}`).join(' ');
}

/** Whether two configurations want another identity. */
export function isRotated(before: Pick<Versions, 'identity'>, after: Pick<Versions, 'identity'>): boolean {
  return identityText(before, ROTATED_KINDS) !== identityText(after, ROTATED_KINDS);
}
