import type { Finding } from '#model/checks.ts';
import type { ClusterEntry, Settings } from '#model/settings.ts';
import { etcdSeats } from './network.ts';
import { restoreFindings } from './restore-change.ts';
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
  const moved = [...before].flatMap(([name, { entry, channel: channelName }]) => {
    const current = now.get(name);
    if (current === undefined)
      return entry.state === 'decommission' || head.isWhole === false ? [] : [removed(name, channelName, entry, head)];
    return fieldsThatMoved(entry, current.entry).map(({ field, why }) => {
      const place = placeOf(current.channel.source, ['clusters', current.index, field]);
      const words = `${entry[field] ?? 'none'} to ${current.entry[field] ?? 'none'}`;
      const message = `The ${field} of the live cluster ${name} can't change (${words})${why}. Create another cluster, then decommission this one.`;
      return findingAt(current.channel.source.path, place, 'fixed-field', message);
    });
  });
  return [...moved, ...restoreFindings(base, head)];
}

/** What is recorded of a cluster: that it was deleted, or that it is there, perhaps half made. */
export type Life = 'deleted' | 'there';

/** Clusters that a change of settings brings, or takes from the files: whose records tell whether it may. */
export function namesThatMove(base: Settings, head: ParsedSettings): string[] {
  const [before, now] = [entriesOf(base), entriesOf(head.settings)];
  return [...new Set([...before.keys(), ...now.keys()])].filter((name) => !before.has(name) || !now.has(name));
}

/** What the records forbid: an entry goes only after its cluster, and a name is never used again. @param lives by name, of those of which something is recorded */
export function recordFindings(base: Settings, head: ParsedSettings, lives: ReadonlyMap<string, Life>): Finding[] {
  const gone = [...entriesOf(base)].filter(([name, { entry }]) => entry.state === 'decommission' && lives.get(name) === 'there');
  const left = head.isWhole === false ? [] : gone.filter(([name]) => !entriesOf(head.settings).has(name));
  const reused = head.channels.flatMap((channel) =>
    channel.file.clusters.flatMap(({ name }, index) => {
      if (entriesOf(base).has(name) || lives.get(name) !== 'deleted') return [];
      const message = `There was a cluster ${name}, which was deleted. A name is never used again: choose another.`;
      return [findingAt(channel.source.path, placeOf(channel.source, ['clusters', index, 'name']), 'duplicate-cluster', message)];
    }),
  );
  const early = left.map(([name, { channel: channelName }]) => {
    const message = `The cluster ${name} is not deleted yet. Its entry may go once it is: without it nobody looks after what is left.`;
    return removalAt(channelName, head, message);
  });
  return [...early, ...reused];
}

function removalAt(channelName: string, head: ParsedSettings, message: string): Finding {
  const channel = head.channels.find(({ file }) => file.channel === channelName);
  const place = channel === undefined ? { line: 1, column: 1 } : placeOf(channel.source, ['clusters']);
  return findingAt(channel?.source.path ?? `channels/${channelName}.yaml`, place, 'removed-cluster', message);
}

interface MovedField {
  readonly field: (typeof FIXED)[number] | 'environment' | 'etcdMembers';
  readonly why: string;
}

function fieldsThatMoved(before: ClusterEntry, after: ClusterEntry): MovedField[] {
  const moved: MovedField[] = FIXED.filter((field) => before[field] !== after[field]).map((field) => ({ field, why: '' }));
  const [had, wanted] = [before, after].map((entry) => etcdSeats(entry).length);
  const becomes = isProduction(before) !== isProduction(after);
  if (had !== wanted) {
    const field = becomes && before.etcdMembers === after.etcdMembers ? 'environment' : 'etcdMembers';
    return [...moved, { field, why: `: etcd would go from ${had} to ${wanted} members` }];
  }
  // With as many members too: nobody has tried to give a live cluster another control plane and other policies at once.
  return becomes ? [...moved, { field: 'environment', why: '' }] : moved;
}

function isProduction({ environment }: ClusterEntry): boolean {
  return environment === 'production';
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
  return removalAt(channelName, head, `The live cluster ${name} is gone from the file. ${why}`);
}
