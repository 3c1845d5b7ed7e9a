export type MetricUnit = 'Seconds' | 'Bytes' | 'Count' | 'None';

export interface Metric {
  readonly name: string;
  readonly value: number;
  readonly unit: MetricUnit;
}

/** CloudWatch metrics of the namespace `Sluice`. */
export interface Metrics {
  /** @param dimensions for example `{ Cluster: 'beta-1' }`; empty for the fleet */
  put(dimensions: Readonly<Record<string, string>>, metrics: readonly Metric[]): void;
}
