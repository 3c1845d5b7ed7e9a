import type { Finding } from '#model/checks.ts';
import type { ClusterEntry, Settings } from '#model/settings.ts';
import { etcdZones } from './network.ts';
import type { ParsedSettings } from './settings.ts';
import { findingAt, placeOf } from './yaml-source.ts';

/** Fields of a live cluster that can't change: they are what the cluster is made of. */
const FIXED = ['account', 'region', 'network'] as const;

/** What a change of settings may not do to clusters that live. */
export function settingsChangeFindings(base: Settings, head: ParsedSettings): Finding[] {
  const before = entriesOf(base);
  const now = new Map(
    head.channels.flatMap((channel) => channel.file.clusters.map((entry, index) => [entry.name, { channel, entry, index }] as const)),
  );
  return [...before].flatMap(([name, { entry, channel: channelName }]) => {
    const current = now.get(name);
    if (current === undefined) return entry.state === 'decommission' ? [] : [removed(name, channelName, entry, head)];
    return fieldsThatMoved(entry, current.entry).map(({ field, why }) => {
      const place = placeOf(current.channel.source, ['clusters', current.index, field]);
      const message = `The ${field} of the live cluster ${name} can't change (${entry[field]} to ${current.entry[field]})${why}. Create another cluster, then decommission this one.`;
      return findingAt(current.channel.source.path, place, 'fixed-field', message);
    });
  });
}

function fieldsThatMoved(before: ClusterEntry, after: ClusterEntry): { field: (typeof FIXED)[number] | 'environment'; why: string }[] {
  const moved = FIXED.filter((field) => before[field] !== after[field]).map((field) => ({ field, why: '' }));
  const [had, wanted] = [before, after].map(({ environment }) => etcdZones(environment).length);
  return had === wanted ? moved : [...moved, { field: 'environment' as const, why: `: etcd would go from ${had} to ${wanted} members` }];
}

function entriesOf(settings: Settings): Map<string, { entry: ClusterEntry; channel: string }> {
  return new Map(
    settings.channels.flatMap((channel) => channel.clusters.map((entry) => [entry.name, { entry, channel: channel.channel }] as const)),
  );
}

function removed(name: string, channelName: string, entry: ClusterEntry, head: ParsedSettings): Finding {
  const channel = head.channels.find(({ file }) => file.channel === channelName);
  const renamed = channel?.file.clusters.find((other) => other.account === entry.account)?.name;
  const why =
    renamed === undefined
      ? 'A live cluster is deleted by state: decommission, then its entry may go.'
      : `It can't be renamed to ${renamed}: a name is a cluster's identity.`;
  const path = channel?.source.path ?? `channels/${channelName}.yaml`;
  const place = channel === undefined ? { line: 1, column: 1 } : placeOf(channel.source, ['clusters']);
  return findingAt(path, place, 'removed-cluster', `The live cluster ${name} is gone from the file. ${why}`);
}
