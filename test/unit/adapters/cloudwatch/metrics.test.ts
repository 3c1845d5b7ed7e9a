import { expect, it } from 'vitest';
import { createMetrics } from '#adapters/cloudwatch/metrics.ts';

it('writes a line in the embedded metric format for each set of dimensions, and none for no metric', () => {
  const lines: string[] = [];
  const metrics = createMetrics({ now: () => new Date('2026-01-05T08:00:00Z') }, (line) => lines.push(line));

  metrics.put({ Cluster: 'beta-1', Channel: 'beta' }, [
    { name: 'ProvenBackupAge', value: 60, unit: 'Seconds' },
    { name: 'BackupFailures', value: 0, unit: 'Count' },
  ]);
  metrics.put({}, []);

  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      _aws: {
        Timestamp: Date.UTC(2026, 0, 5, 8),
        CloudWatchMetrics: [
          {
            Namespace: 'Sluice',
            Dimensions: [['Cluster', 'Channel']],
            Metrics: [
              { Name: 'ProvenBackupAge', Unit: 'Seconds' },
              { Name: 'BackupFailures', Unit: 'Count' },
            ],
          },
        ],
      },
      Cluster: 'beta-1',
      Channel: 'beta',
      ProvenBackupAge: 60,
      BackupFailures: 0,
    },
  ]);
});
