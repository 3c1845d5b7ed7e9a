import type { Finding } from '#model/checks.ts';
import type { SnapshotFile } from '#model/configuration.ts';
import type { ChannelFile, Environment, Waiver } from '#model/settings.ts';
import type { ParsedSettings } from '../settings.ts';
import { findingAt } from '../yaml-source.ts';
import { acknowledgedFindings } from './acknowledged.ts';
import { lostFindings } from './lost.ts';
import type { Policy, SettingsPolicy, Violation } from './policy.ts';
import { POLICIES, SETTINGS_POLICIES } from './registry.ts';
import { policySubject, type ReadConfiguration } from './subject.ts';
import { day, waiverFindings, waiverFor } from './waivers.ts';

/** A change of settings: all channels that were read, and their waivers. */
interface SettingsChange {
  readonly settings: ParsedSettings;
  /** Now, ISO 8601. */
  readonly today: string;
}

/** A change of the configuration of one channel. */
interface ConfigurationChange extends SettingsChange {
  /** As far as it was read. */
  readonly configuration: ReadConfiguration;
  readonly files: readonly SnapshotFile[];
  readonly channel: ChannelFile;
}

interface Concerned {
  readonly name: string;
  readonly environment: Environment;
  readonly waivers: readonly Waiver[];
}

/** Names in a finding before it says how many more there are. */
const NAMES_SHOWN = 5;

/**
 * What the policies find, each violation once with the clusters that it concerns: a failure where one of them makes it
 * one. A waived violation is a notice. Of a configuration, also what is wrong with its channel's waivers; of settings, with
 * those of all, and with what was said of backups.
 */
export function policyFindings(change: SettingsChange | ConfigurationChange): Finding[] {
  if ('configuration' in change) {
    const subject = policySubject(change.configuration, change.files, change.today);
    const clusters = clustersOf(change.channel);
    const own = { channels: change.settings.channels.filter(({ file }) => file.channel === change.channel.channel) };
    return [
      ...POLICIES.flatMap((policy) => policy.check(subject).flatMap((violation) => told(policy, violation, clusters, change.today))),
      // A waiver of what only warns would else rot unseen: nobody changes the settings because of it.
      ...waiverFindings(own, change.today),
    ];
  }
  const clusters = change.settings.channels.flatMap(({ file }) => clustersOf(file));
  return [
    ...waiverFindings(change.settings, change.today),
    ...acknowledgedFindings(change.settings, change.today),
    ...lostFindings(change.settings, change.today),
    ...SETTINGS_POLICIES.flatMap((policy) =>
      policy.checkSettings(change.settings).flatMap((violation) => told(policy, violation, clusters, change.today)),
    ),
  ];
}

/** Clusters that live; a channel without any is judged by the clusters that e2e would make for it. */
function clustersOf({ clusters, waivers }: ChannelFile): Concerned[] {
  const live = clusters.filter(({ state }) => state === 'ready').map(({ name, environment }) => ({ name, environment, waivers }));
  return live.length > 0 ? live : [{ name: 'e2e clusters', environment: 'e2e', waivers }];
}

function told(policy: Policy | SettingsPolicy, violation: Violation, clusters: readonly Concerned[], now: string): Finding[] {
  const concerned = clusters
    .filter(({ name }) => violation.clusters === undefined || violation.clusters.includes(name))
    .filter(({ environment }) => violation.environments === undefined || violation.environments.includes(environment))
    .filter(({ environment }) => policy.levels[environment] !== 'off');
  const waived = new Map<Waiver, Concerned[]>();
  const open: Concerned[] = [];
  for (const cluster of concerned) {
    const waiver = waiverFor(cluster.waivers, policy.id, violation.object, cluster.name, now);
    if (waiver === undefined) open.push(cluster);
    else waived.set(waiver, [...(waived.get(waiver) ?? []), cluster]);
  }
  const at = (level: Finding['level'], message: string): Finding => findingAt(violation.path, violation.place, policy.id, message, level);
  const level = open.some(({ environment }) => policy.levels[environment] === 'failure') ? 'failure' : 'warning';
  return [
    ...(open.length === 0 ? [] : [at(level, `${violation.message} ${concerns(open)}`)]),
    ...[...waived].map(([waiver, covered]) =>
      at('notice', `${violation.message} Waived by ${waiver.owner} until ${day(waiver)} (${waiver.reason}). ${concerns(covered)}`),
    ),
  ];
}

/** `Concerns beta-1, beta-2 (production).` */
function concerns(clusters: readonly Concerned[]): string {
  const names = clusters.slice(0, NAMES_SHOWN).map(({ name }) => name);
  const more = clusters.length - names.length;
  const environments = [...new Set(clusters.map(({ environment }) => environment))].join(', ');
  return `Concerns ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''} (${environments}).`;
}
