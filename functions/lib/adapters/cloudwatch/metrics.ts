import type { Clock } from '#ports/clock.ts';
import type { Metrics } from '#ports/metrics.ts';

const NAMESPACE = 'Sluice';

/**
 * Metrics as lines of the log in CloudWatch's embedded metric format: the log group of a Lambda makes metrics of them, without
 * a call or a right. @param write takes a line
 */
export function createMetrics(clock: Clock, write: (line: string) => void): Metrics {
  return {
    put(dimensions, metrics) {
      if (metrics.length === 0) return;
      const directive = {
        Namespace: NAMESPACE,
        Dimensions: [Object.keys(dimensions)],
        Metrics: metrics.map(({ name, unit }) => ({ Name: name, Unit: unit })),
      };
      const values = Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
      write(JSON.stringify({ _aws: { Timestamp: clock.now().getTime(), CloudWatchMetrics: [directive] }, ...dimensions, ...values }));
    },
  };
}
