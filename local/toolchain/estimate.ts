import type { Cost, Progress } from './recipe.ts';

/** A build that has ended on this machine. */
export interface Finished {
  readonly cost: Cost;
  /** Packages it had to compile. */
  readonly compiled: number;
  readonly seconds: number;
}

/** Share of a cold build's time that goes into linking and the like, whatever is cached. */
const FIXED_SHARE = 0.08;
/** A build that compiled less than this share tells nothing about the machine's speed. */
const TELLING_SHARE = 0.3;

/** Seconds on this machine per second of the reference (two idle cores), from what was built here; cores at first. */
export function slownessOf(finished: readonly Finished[], cores: number): number {
  let expected = 0;
  let actual = 0;
  for (const build of finished) {
    if (shareOf(build) < TELLING_SHARE) continue;
    expected += build.cost.seconds * (FIXED_SHARE + (1 - FIXED_SHARE) * shareOf(build));
    actual += build.seconds;
  }
  return expected > 0 ? actual / expected : Math.min(2, Math.max(0.3, 2 / cores));
}

/** Share of its packages that a build not yet looked at will compile: as those before it; all at first. */
export function coldnessOf(finished: readonly Finished[]): number {
  const counted = finished.filter((build) => build.cost.packages > 0);
  if (counted.length === 0) return 1;
  return counted.reduce((sum, build) => sum + shareOf(build), 0) / counted.length;
}

/** Seconds that a build not yet begun will take. */
export function expectedSeconds(cost: Cost, finished: readonly Finished[], cores: number): number {
  return cost.seconds * slownessOf(finished, cores) * (FIXED_SHARE + (1 - FIXED_SHARE) * coldnessOf(finished));
}

/**
 * Seconds that a running build still takes. At first from the table and this machine's speed, then more and more from
 * its own pace (packages compiled in the time so far). Never below a small part of the whole: it isn't done yet.
 */
export function remainingSeconds(
  cost: Cost,
  progress: Progress | undefined,
  elapsed: { readonly total: number; readonly compiling: number },
  finished: readonly Finished[],
  cores: number,
): number {
  const slowness = slownessOf(finished, cores);
  const fixed = cost.seconds * slowness * FIXED_SHARE;
  if (progress?.phase === 'linking') return Math.max(1, fixed * 0.8);
  const counted = progress?.total !== undefined && cost.packages > 0;
  if (!counted) return Math.max(expectedSeconds(cost, finished, cores) - elapsed.total, fixed);

  const total = progress.total ?? 0;
  const part = total === 0 ? 1 : Math.min(1, (progress.done ?? 0) / total);
  const fromTable = cost.seconds * slowness * (1 - FIXED_SHARE) * Math.min(1, total / cost.packages) * (1 - part);
  const fromPace = part === 0 ? fromTable : (elapsed.compiling / part) * (1 - part);
  return fixed + fromTable * (1 - part) + fromPace * part;
}

function shareOf(build: Finished): number {
  return build.cost.packages === 0 ? 1 : Math.min(1, build.compiled / build.cost.packages);
}
