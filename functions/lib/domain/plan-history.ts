import type { History, Plan } from '#model/plan.ts';
import type { ChannelProof } from '#model/records.ts';
import type { ChangeClass } from '#model/render.ts';
import type { ChannelFile } from '#model/settings.ts';
import { durationSeconds } from './duration.ts';
import { planWaves, type Records } from './waves.ts';

/** What is recorded of the fleet's past; empty where a plan is made without the fleet. */
export interface FleetPast {
  /** Records of clusters by name. */
  readonly records: Records;
  /** Proofs by channel. */
  readonly proofs: ReadonlyMap<string, readonly ChannelProof[]>;
  /** By channel, the revision that it began with, where nothing is proven yet. */
  readonly begins?: ReadonlyMap<string, string>;
  /** Class of an update that was planned, by `stepName` of its two revisions. */
  readonly classes: ReadonlyMap<string, ChangeClass>;
}

export const NO_PAST: FleetPast = { records: new Map(), proofs: new Map(), classes: new Map() };

/** Names the update from one revision to another. */
export function stepName(base: string, head: string): string {
  return `${base}-${head}`;
}

/** The updates that a channel's proofs stand for: each proof with the one that finished before it, the oldest first. */
export function pastSteps(proofs: readonly ChannelProof[]): { readonly name: string; readonly proof: ChannelProof }[] {
  const sorted = proofs.toSorted((left, right) => Date.parse(left.finishedAt) - Date.parse(right.finishedAt));
  return sorted.map((proof, index) => ({ name: stepName(sorted[index - 1]?.revision ?? '', proof.revision), proof }));
}

/**
 * How long updates of this class took in a channel; of any class when none of this one is recorded. undefined without
 * history. The creation of a cluster is never compared with an update of one.
 */
export function historyOf(name: ChangeClass, proofs: readonly ChannelProof[], classes: FleetPast['classes']): History | undefined {
  const steps = pastSteps(proofs).map((step) => ({ ...step, class: classes.get(step.name) }));
  const same = steps.filter((step) => step.class === name).flatMap(({ proof }) => secondsOf(proof));
  const others = name === 'creation' ? [] : steps.filter((step) => step.class !== 'creation').flatMap(({ proof }) => secondsOf(proof));
  const seconds = (same.length > 0 ? same : others).sort((left, right) => left - right);
  const median = seconds[Math.floor((seconds.length - 1) / 2)];
  const longest = seconds.at(-1);
  if (median === undefined || longest === undefined) return undefined;
  return { of: same.length > 0 ? 'class' : 'any', updates: seconds.length, medianSeconds: median, longestSeconds: longest };
}

function secondsOf({ clusters }: ChannelProof): number[] {
  return clusters.map(({ durationSeconds: seconds }) => seconds);
}

/**
 * How long the rollout of a channel takes by the waves it would have: in each, as many at a time as the channel allows,
 * as long as the slowest group; then the soak. undefined when a group has no history, or nothing is to be done.
 */
export function rolloutSeconds(
  channel: ChannelFile,
  revision: string,
  plan: Plan,
  history: Readonly<Record<string, History>>,
  records: Records,
): number | undefined {
  const changed = plan.groups.filter((group) => group.class !== 'nothing' && group.held !== true);
  if (changed.length === 0 || changed.some(({ hash }) => history[hash] === undefined)) return undefined;
  const slowest = new Map(
    changed.flatMap(({ hash, clusters }) => clusters.map((name) => [name, history[hash]?.medianSeconds ?? 0] as const)),
  );
  const waves = planWaves(channel, revision, records, { rolloutId: 'plan', progress: null });
  return waves.reduce((sum, { items, maxConcurrency, soaks }) => {
    const seconds = Math.max(0, ...items.map(({ cluster }) => slowest.get(cluster.name) ?? 0));
    return sum + Math.ceil(items.length / maxConcurrency) * seconds + (soaks ? durationSeconds(channel.soak) : 0);
  }, 0);
}
