/** A run as far as it counts here. */
export interface Played {
  readonly scenario: { readonly kind: string; readonly place: string };
  readonly struck: boolean;
}

interface Coverage {
  readonly pairs: number;
  readonly struck: number;
  /** Pairs of a kind of change and a state that no fault has struck: `settings update-cluster/prune`. */
  readonly never: readonly string[];
  /** Those of them that so many runs should have struck. */
  readonly holes: readonly string[];
}

/**
 * Runs of a pair, on the average, from which on it should have been struck. Places are drawn evenly and about one fault in five
 * strikes nothing, so a pair is missed by chance once in exp(0.8 * 12), one of 15,000.
 */
export const ENOUGH = 12;

/** Which pairs of a kind of change and a state were struck. @param places all that each kind walks */
export function coverageOf(played: readonly Played[], places: ReadonlyMap<string, readonly string[]>): Coverage {
  const struck = new Set(played.filter((run) => run.struck).map(({ scenario }) => `${scenario.kind} ${scenario.place}`));
  const runs = new Map<string, number>();
  for (const { scenario } of played) runs.set(scenario.kind, (runs.get(scenario.kind) ?? 0) + 1);
  const all = [...places].flatMap(([kind, walked]) => [...new Set(walked)].map((place) => ({ kind, place, of: new Set(walked).size })));
  const never = all.filter(({ kind, place }) => !struck.has(`${kind} ${place}`));
  const text = ({ kind, place }: { kind: string; place: string }): string => `${kind} ${place}`;
  return {
    pairs: all.length,
    struck: all.length - never.length,
    never: never.map(text),
    holes: never.filter(({ kind, of }) => (runs.get(kind) ?? 0) >= ENOUGH * of).map(text),
  };
}
