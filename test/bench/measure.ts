/** One measured number and what it must be. */
export interface Measure {
  /** `<bench>.<measure>`. */
  readonly name: string;
  readonly value: number;
  /** Seconds, megabytes, megabytes a second, or times as much. */
  readonly unit: 's' | 'MB' | 'MB/s' | 'x';
  readonly goal: { readonly op: '<=' | '>='; readonly number: number };
}

export interface BenchContext {
  readonly root: string;
  /** An empty folder of this run. */
  readonly directory: string;
  /** Takes a line for a person; measures are not told here. */
  readonly log: (line: string) => void;
}

export interface Bench {
  readonly name: string;
  /** What is measured, from where to where, for docs/benchmarks.md. */
  readonly what: string;
  run(context: BenchContext): Promise<Measure[]>;
}

export function isMet({ value, goal }: Measure): boolean {
  return goal.op === '<=' ? value <= goal.number : value >= goal.number;
}

/** `webhook.p99 0.123 s goal <= 1 ok` */
export function lineOf(measure: Measure): string {
  const { name, value, unit, goal } = measure;
  return `${name} ${valueText(value)} ${unit} goal ${goal.op} ${goal.number} ${isMet(measure) ? 'ok' : 'short'}`;
}

export function valueText(value: number): string {
  return value.toFixed(3);
}

/** Nearest-rank percentile: the smallest value that `percent` of all do not exceed. @throws Error for no values */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  const found = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
  if (found === undefined) throw new Error('nothing was measured');
  return found;
}
