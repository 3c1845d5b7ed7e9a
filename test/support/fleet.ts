import { clusterRef, settingsHash } from '#domain/waves.ts';
import type { ClusterRecord } from '#model/records.ts';
import { type ChannelFile, ChannelFile as ChannelFileSchema, type ClusterEntry } from '#model/settings.ts';

const FIRST_NUMBER: Readonly<Record<string, number>> = { dev: 0, alpha: 60, beta: 120 };

/** A made-up revision or commit: the digit 40 times. */
export function gitId(digit: string): string {
  return digit.repeat(40).slice(0, 40);
}

export function clusterEntry(name: string, change: Partial<ClusterEntry> = {}): ClusterEntry {
  // Accounts and networks of different channels never meet.
  const number = (FIRST_NUMBER[name.split('-')[0] ?? ''] ?? 200) + Number(name.replace(/\D/g, ''));
  const account = `2${String(number).padStart(11, '0')}`;
  return { name, account, region: 'eu-central-1', environment: 'test', network: `10.${number}.0.0/16`, state: 'ready', ...change };
}

/** A channel of `count` clusters named `<channel>-<number>`; canary of one, then the rest. */
export function channelFile(channel: string, count: number, change: Partial<ChannelFile> = {}): ChannelFile {
  return ChannelFileSchema.parse({
    channel,
    branch: channel,
    waves: [
      { name: 'canary', count: 1 },
      { name: 'rest', percent: 100 },
    ],
    maxConcurrentClusters: 5,
    soak: '60s',
    clusters: Array.from({ length: count }, (_, index) => clusterEntry(`${channel}-${index + 1}`)),
    ...change,
  });
}

/** Record of a cluster that runs a revision with the settings of its entry. */
export function clusterRecord(entry: ClusterEntry, channel: string, revision: string, change: Partial<ClusterRecord> = {}): ClusterRecord {
  const cluster = clusterRef(entry, { channel });
  return {
    cluster,
    revision,
    settingsHash: settingsHash(cluster),
    renderHash: 'f'.repeat(64),
    versions: { kubernetes: '1.35.4', etcd: '3.6.5', osImage: 'ami-1' },
    execution: `update-${entry.name}`,
    rollout: null,
    backup: null,
    updatedAt: '2026-01-05T07:00:00.000Z',
    ...change,
  };
}
