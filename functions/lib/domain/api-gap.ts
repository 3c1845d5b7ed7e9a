import type { ApiWatch } from '#model/progress.ts';

/** One probe of the API: when it began, how long it took, whether a ready server answered. */
export interface TimedProbe {
  readonly at: Date;
  readonly milliseconds: number;
  readonly ready: boolean;
}

export const UNWATCHED: ApiWatch = { probes: 0, failed: 0, longestGapMilliseconds: 0, lastGood: null, failing: false };

/**
 * What probes, in the order of time, add to what is known of the API's gaps. A gap is from the last answer before a failed probe
 * to the first one after it: never shorter than what clients met between two probes, and as much longer as nobody asked. An
 * API that has never answered has no gap.
 */
export function watchApi(before: ApiWatch, probes: readonly TimedProbe[]): ApiWatch {
  return probes.reduce(addProbe, before);
}

function addProbe(known: ApiWatch, { at, milliseconds, ready }: TimedProbe): ApiWatch {
  const probes = known.probes + 1;
  if (!ready) return { ...known, probes, failed: known.failed + 1, failing: known.lastGood !== null };
  const end = new Date(at.getTime() + milliseconds);
  const gap = known.failing && known.lastGood !== null ? end.getTime() - Date.parse(known.lastGood) : 0;
  return {
    probes,
    failed: known.failed,
    longestGapMilliseconds: Math.max(known.longestGapMilliseconds, gap),
    lastGood: end.toISOString(),
    failing: false,
  };
}

/** For people, for example `0 of 96 probes of the API failed` or `3 of 96 probes of the API failed, longest gap 812 ms`. */
export function describeGap({ probes, failed, longestGapMilliseconds, failing }: ApiWatch): string {
  const gap = failed === 0 ? '' : failing ? ', the last one too' : `, longest gap ${longestGapMilliseconds} ms`;
  return `${failed} of ${probes} probes of the API failed${gap}`;
}
