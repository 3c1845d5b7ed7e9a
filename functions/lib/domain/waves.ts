import type { CheckRef } from '#model/checks.ts';
import type { ClusterRecord } from '#model/records.ts';
import type { ChannelFile, ClusterEntry, ClusterRef } from '#model/settings.ts';
import { holdOf } from './evidence.ts';
import { hashOf } from './hash.ts';
import { executionName } from './names.ts';

/** One cluster's part of a rollout, as it is pinned in `rollouts/<id>/waves/<n>.json` and given to the Map's child. */
export interface WaveItem {
  readonly cluster: ClusterRef;
  readonly revision: string;
  readonly settingsHash: string;
  /** Name of the `update-cluster` execution. */
  readonly executionName: string;
  readonly rolloutId: string;
  readonly wave: number;
  readonly progress: CheckRef | null;
}

export interface Wave {
  readonly name: string;
  readonly maxConcurrency: number;
  /** False for clusters that did not exist: nobody depends on them yet. */
  readonly soaks: boolean;
  readonly items: readonly WaveItem[];
}

/** What is wanted of one cluster, before it is given a wave. */
export interface Wanted {
  readonly entry: ClusterEntry;
  readonly channel: ChannelFile;
  readonly revision: string;
}

export interface RolloutRef {
  readonly rolloutId: string;
  readonly progress: CheckRef | null;
}

/** Records of clusters by name; a deleted cluster has none. */
export type Records = ReadonlyMap<string, ClusterRecord>;

/** Name of the wave of clusters that do not exist yet. */
const CREATIONS = 'new clusters';

/** What a step must know of a cluster: its entry, its channel and the fleet's own policies. */
export function clusterRef(entry: ClusterEntry, { channel, policies }: Pick<ChannelFile, 'channel' | 'policies'>): ClusterRef {
  const { name, account, region, environment, network, etcdMembers, owner } = entry;
  return {
    name,
    account,
    region,
    environment,
    network,
    ...(etcdMembers === undefined ? {} : { etcdMembers }),
    ...(owner === undefined ? {} : { owner }),
    channel,
    ...(policies === undefined ? {} : { policies }),
  };
}

/** Hash of a cluster's settings: with the revision, its desired state. */
export function settingsHash(cluster: ClusterRef): string {
  return hashOf(cluster);
}

/** True when the record says that the cluster runs this revision whole: an update that was left half-way is neither of both, and a restore takes back what was applied. */
export function runsRevision(record: ClusterRecord | undefined, revision: string): record is ClusterRecord {
  return record !== undefined && record.revision === revision && record.updating === undefined && record.restored === undefined;
}

/** True when the record says that the cluster runs this revision with these settings, on all its nodes. */
export function isUpToDate(record: ClusterRecord | undefined, revision: string, hash: string): boolean {
  return runsRevision(record, revision) && record.settingsHash === hash && record.nodesLater === undefined;
}

/**
 * Waves of a rollout of one revision to a channel: the canary first and alone, each cluster in exactly one wave in the
 * order of the channel file. Shares are taken of all existing clusters, so that a resumed rollout has the same waves;
 * then clusters that are up to date are left out, and waves without a cluster. Clusters that do not exist yet come
 * together at the end, after the canary has proven the revision. Decommissioned clusters are not touched. A held cluster
 * goes to the revision of its hold.
 */
export function planWaves(channel: ChannelFile, revision: string, records: Records, rollout: RolloutRef): Wave[] {
  const live = channel.clusters.filter((entry) => entry.state === 'ready');
  const wanted = live.map((entry) => ({ entry, channel, revision: holdOf(entry, channel)?.revision ?? revision }));
  const existing = wanted.filter(({ entry }) => records.has(entry.name));
  const groups = [...split(existing, channel), { name: CREATIONS, wanted: wanted.filter(({ entry }) => !records.has(entry.name)) }];
  return numbered(groups, channel.maxConcurrentClusters, records, rollout);
}

/**
 * Waves of a change of settings: existing clusters by their channels' waves, channel after channel in the given order,
 * then all new clusters of all channels together.
 */
export function planSettingsWaves(wanted: readonly Wanted[], records: Records, rollout: RolloutRef): Wave[] {
  const channels = [...new Map(wanted.map(({ channel }) => [channel.channel, channel])).values()];
  const existing = channels.flatMap((channel) =>
    split(
      wanted.filter((one) => one.channel.channel === channel.channel && records.has(one.entry.name)),
      channel,
    ).map((group) => ({ ...group, name: `${channel.channel} ${group.name}` })),
  );
  const created = wanted.filter(({ entry }) => !records.has(entry.name));
  const most = Math.max(1, ...channels.map((channel) => channel.maxConcurrentClusters));
  return numbered([...existing, { name: CREATIONS, wanted: created }], most, records, rollout);
}

interface Group {
  readonly name: string;
  readonly wanted: readonly Wanted[];
}

/** A wave has at least one cluster while any is left; what the policy leaves over is a wave of its own. */
function split(existing: readonly Wanted[], channel: ChannelFile): Group[] {
  let rest = existing;
  const groups = channel.waves.map(({ name, count, percent }) => {
    const size = Math.max(1, count ?? Math.ceil((existing.length * (percent ?? 0)) / 100));
    const group = { name, wanted: rest.slice(0, size) };
    rest = rest.slice(size);
    return group;
  });
  return [...groups, { name: 'rest', wanted: rest }];
}

function numbered(groups: readonly Group[], most: number, records: Records, rollout: RolloutRef): Wave[] {
  return groups
    .map((group) => ({ ...group, wanted: group.wanted.filter((one) => !isDone(one, records)) }))
    .filter((group) => group.wanted.length > 0)
    .map(({ name, wanted }, wave) => ({
      name,
      soaks: name !== CREATIONS,
      maxConcurrency: Math.min(most, wanted.length, ...wanted.map(({ channel }) => channel.maxConcurrentClusters)),
      items: wanted.map((one) => item(one, wave, rollout)),
    }));
}

function isDone({ entry, channel, revision }: Wanted, records: Records): boolean {
  return isUpToDate(records.get(entry.name), revision, settingsHash(clusterRef(entry, channel)));
}

function item({ entry, channel, revision }: Wanted, wave: number, { rolloutId, progress }: RolloutRef): WaveItem {
  const cluster = clusterRef(entry, channel);
  const hash = settingsHash(cluster);
  const name = executionName('update', cluster.name, { revision, settingsHash: hash }, hashOf(rolloutId).slice(0, 12));
  return { cluster, revision, settingsHash: hash, executionName: name, rolloutId, wave, progress };
}
