import type { Artifact } from '#model/records.ts';
import { durationText } from './duration.ts';

/** An artifact as it was looked for: undefined when its index is not published. */
export interface LookedFor {
  readonly name: string;
  readonly version: string;
  readonly artifact: Artifact | undefined;
}

export type ArtifactDecision =
  | { readonly decision: 'ready'; readonly reason: string }
  | { readonly decision: 'wait'; readonly reason: string; readonly waitSeconds: number }
  | { readonly decision: 'refuse'; readonly reason: string };

/** Longest wait for binaries, from the execution's start: what a cold build of all of them may take, twice. */
export const DEADLINE_SECONDS = 60 * 60;
/** Seconds between two looks when nothing is known of the end. */
const LOOK_SECONDS = 15;

/** Are all binaries there? If not, which one is waited for and how long it should still take. */
export function decideArtifacts(looked: readonly LookedFor[], startedAt: Date, now: Date): ArtifactDecision {
  const missing = looked.filter(({ artifact }) => artifact?.state !== 'ready');
  const [first] = missing;
  if (first === undefined) return { decision: 'ready', reason: looked.map((one) => `${title(one.name)} ${one.version}`).join(', ') };
  const passed = (now.getTime() - startedAt.getTime()) / 1000;
  const reason = missing.map((one) => reasonOf(one, now)).join('; ');
  if (passed >= DEADLINE_SECONDS) {
    return { decision: 'refuse', reason: `${reason}; waited ${durationText(passed)}. Publish it, then re-run the check` };
  }
  return { decision: 'wait', reason, waitSeconds: waitSeconds(missing, now) };
}

function reasonOf({ name, version, artifact }: LookedFor, now: Date): string {
  if (artifact === undefined) return `artifact ${name} ${version} is not published`;
  const left = secondsLeft(artifact, now);
  return `building ${title(name)} ${version}${left === undefined ? '' : left > 0 ? `, ${durationText(left)} left` : ', longer than expected'}`;
}

function secondsLeft(artifact: Artifact, now: Date): number | undefined {
  return artifact.readyAt === undefined ? undefined : (Date.parse(artifact.readyAt) - now.getTime()) / 1000;
}

/** At the expected end when that is near, never more than a minute apart, so that the reason stays true. */
function waitSeconds(missing: readonly LookedFor[], now: Date): number {
  const left = missing.map(({ artifact }) => (artifact === undefined ? undefined : secondsLeft(artifact, now)));
  const known = left.filter((seconds) => seconds !== undefined && seconds > 0).map((seconds) => Math.ceil(seconds ?? 0));
  return known.length < missing.length ? LOOK_SECONDS : Math.max(3, Math.min(60, ...known));
}

function title(name: string): string {
  return name === 'kubernetes' ? 'Kubernetes' : name === 'e2e' ? 'Kubernetes e2e tests' : name;
}
