import type { Settings } from '#model/settings.ts';
import { timeText } from './duration.ts';

/** How far a fleet is from one configuration for all clusters: 0 when none is treated in a way of its own. */
export interface PetScore {
  readonly score: number;
  /** Fields of single clusters beyond those that every cluster has. */
  readonly fields: number;
  readonly waivers: number;
  /** Of clusters and of channels. */
  readonly holds: number;
}

/** What every cluster has, or what says nothing of how it runs; a hold is counted by itself. */
const COMMON = ['name', 'account', 'region', 'environment', 'network', 'owner', 'state', 'hold'];

/** Counts what is for single clusters, each thing as one. */
export function petScore({ channels }: Pick<Settings, 'channels'>): PetScore {
  const entries = channels.flatMap(({ clusters }) => clusters);
  const fields = entries.flatMap((entry) => Object.keys(entry)).filter((field) => !COMMON.includes(field)).length;
  const waivers = channels.reduce((sum, channel) => sum + channel.waivers.length, 0);
  const holds = [...entries, ...channels].filter(({ hold }) => hold !== undefined).length;
  return { score: fields + waivers + holds, fields, waivers, holds };
}

/** One line for a plan, or none while no cluster is a pet and none was. @param before the settings that change, if they do */
export function petScoreNotes(settings: Pick<Settings, 'channels'>, before = settings): string[] {
  const { score, fields, waivers, holds } = petScore(settings);
  const old = petScore(before).score;
  if (score === 0 && old === 0) return [];
  const parts = [
    { count: fields, word: 'field' },
    { count: waivers, word: 'waiver' },
    { count: holds, word: 'hold' },
  ].flatMap(({ count, word }) => (count === 0 ? [] : [`${count} ${word}${count === 1 ? '' : 's'}`]));
  const why = parts.length === 0 ? 'no cluster is treated in a way of its own' : `${parts.join(', ')} of single clusters or channels`;
  return [`**Pet score ${score}**${old === score ? '' : ` (was ${old})`}: ${why}.`];
}

/** What it is made of, each thing by name. */
export function petParts({ channels }: Pick<Settings, 'channels'>): string[] {
  return channels.flatMap((channel) => [
    ...(channel.hold === undefined ? [] : [`channel ${channel.channel}: hold`]),
    ...channel.waivers.map(
      ({ rule, cluster, owner, until }) => `${channel.channel}: waiver of ${rule} for ${cluster} by ${owner} until ${timeText(until)}`,
    ),
    ...channel.clusters.flatMap((entry) => [
      ...Object.keys(entry)
        .filter((field) => !COMMON.includes(field))
        .map((field) => `${entry.name}: ${field}`),
      ...(entry.hold === undefined ? [] : [`${entry.name}: hold`]),
    ]),
  ]);
}
