import { durationSeconds } from '../duration.ts';
import type { ParsedSettings } from '../settings.ts';
import { placeOf, type ValuePath } from '../yaml-source.ts';
import { FAILS_IN_PRODUCTION, type SettingsPolicy, type Violation, WARNS_IN_PRODUCTION } from './policy.ts';

type Channel = ParsedSettings['channels'][number];

/** A change of a cluster that is lost is at most this old. */
const BACKUP_INTERVAL = '1h';

export const backupInterval: SettingsPolicy = {
  id: 'backup-interval',
  title: `etcd is backed up at least every ${BACKUP_INTERVAL}`,
  why: 'what was changed since the last backup is lost with etcd.',
  fix: `set \`backup: { interval: ${BACKUP_INTERVAL} }\` or less in the channel file.`,
  levels: FAILS_IN_PRODUCTION,
  checkSettings: ({ channels }) =>
    channels
      .filter(({ file }) => durationSeconds(file.backup.interval) > durationSeconds(BACKUP_INTERVAL))
      .map((channel) =>
        inChannel(channel, ['backup', 'interval'], `${channel.file.backup.interval} between backups is more than ${BACKUP_INTERVAL}.`),
      ),
};

export const provenUpstream: SettingsPolicy = {
  id: 'production-comes-last',
  title: 'Production takes only what another channel has proven',
  why: 'a change that reaches production first has been tried by nobody.',
  fix: 'put clusters of production into a channel that `follows` another.',
  levels: FAILS_IN_PRODUCTION,
  checkSettings: ({ channels }) =>
    channels
      .filter(({ file }) => file.follows === undefined && channels.length > 1)
      .flatMap((channel) =>
        production(channel).map(({ name, index }) => ({
          ...inChannel(
            channel,
            ['clusters', index, 'environment'],
            `${name} is production in the first channel. Move it downstream.`,
            name,
          ),
          clusters: [name],
        })),
      ),
};

export const testCluster: SettingsPolicy = {
  id: 'test-cluster',
  title: 'Who has a production cluster has one to test on',
  why: 'what an owner runs is met by a change for the first time in production.',
  fix: 'give the owner a cluster of environment test or development in the same or an earlier channel.',
  levels: WARNS_IN_PRODUCTION,
  checkSettings: ({ channels, isWhole = true }) =>
    channels.flatMap((channel, position) =>
      production(channel).flatMap(({ name, index, owner }) => {
        // The cluster to test on may stand in the file that could not be read.
        if (owner === undefined || !isWhole) return [];
        const earlier = channels.slice(0, position + 1).flatMap(({ file }) => file.clusters);
        if (earlier.some((other) => other.owner === owner && other.environment !== 'production')) return [];
        const message = `its owner ${owner} has no cluster to test on in this or an earlier channel.`;
        return [{ ...inChannel(channel, ['clusters', index, 'owner'], message, name), clusters: [name] }];
      }),
    ),
};

export const productionOwner: SettingsPolicy = {
  id: 'cluster-owner',
  title: 'A cluster of production has an owner',
  why: 'who is asked when a node can not be drained at night?',
  fix: 'set `owner` of the cluster.',
  levels: WARNS_IN_PRODUCTION,
  checkSettings: ({ channels }) =>
    channels.flatMap((channel) =>
      production(channel)
        .filter(({ owner }) => owner === undefined)
        .map(({ name, index }) => ({ ...inChannel(channel, ['clusters', index, 'name'], 'it has no owner.', name), clusters: [name] })),
    ),
};

function production({ file }: Channel): { name: string; index: number; owner: string | undefined }[] {
  return file.clusters.flatMap(({ name, environment, state, owner }, index) =>
    environment === 'production' && state === 'ready' ? [{ name, index, owner }] : [],
  );
}

/** At a place in a channel file; it concerns all clusters of the channel, unless said otherwise. */
function inChannel(channel: Channel, path: ValuePath, message: string, cluster?: string): Violation {
  const object = cluster === undefined ? `channel ${channel.file.channel}` : `cluster ${cluster}`;
  return {
    path: channel.source.path,
    place: placeOf(channel.source, path),
    object,
    message: `${object}: ${message}`,
    clusters: channel.file.clusters.map(({ name }) => name),
  };
}
