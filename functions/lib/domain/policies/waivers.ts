import type { Finding } from '#model/checks.ts';
import type { Waiver } from '#model/settings.ts';
import type { ParsedSettings } from '../settings.ts';
import { didYouMean } from '../suggest.ts';
import { findingAt, placeOf } from '../yaml-source.ts';
import { POLICY_IDS } from './registry.ts';

/** A waiver for every cluster of the channel. */
export const ALL_CLUSTERS = 'all';
/** A waiver ends at most so many days from now: what is for longer is a policy to be changed. */
const LONGEST_DAYS = 90;
const DAY = 86_400_000;

/** The waiver in force that covers a violation, or undefined. @param now ISO 8601 */
export function waiverFor(waivers: readonly Waiver[], rule: string, object: string, cluster: string, now: string): Waiver | undefined {
  return waivers.find(
    (waiver) =>
      waiver.rule === rule &&
      (waiver.cluster === ALL_CLUSTERS || waiver.cluster === cluster) &&
      (waiver.object === undefined || waiver.object === object) &&
      !hasEnded(waiver, now),
  );
}

/** What is wrong with waivers themselves, each at its line. @param now ISO 8601 */
export function waiverFindings({ channels }: Pick<ParsedSettings, 'channels'>, now: string): Finding[] {
  return channels.flatMap(({ file, source }) =>
    file.waivers.flatMap((waiver, index) => {
      const at = (field: string, rule: string, message: string): Finding =>
        findingAt(source.path, placeOf(source, ['waivers', index, field]), rule, message);
      const clusters = [ALL_CLUSTERS, ...file.clusters.map(({ name }) => name)];
      return [
        ...(POLICY_IDS.includes(waiver.rule)
          ? []
          : [
              at(
                'rule',
                'waiver-unknown',
                `There is no policy ${waiver.rule}.${didYouMean(waiver.rule, POLICY_IDS)} Only policies can be waived.`,
              ),
            ]),
        ...(clusters.includes(waiver.cluster)
          ? []
          : [
              at(
                'cluster',
                'waiver-unknown',
                `The channel ${file.channel} has no cluster ${waiver.cluster}.${didYouMean(waiver.cluster, clusters)}`,
              ),
            ]),
        ...(hasEnded(waiver, now)
          ? [
              at(
                'until',
                'waiver-expired',
                `The waiver of ${waiver.rule} by ${waiver.owner} ended on ${day(waiver)}. Mend what it waived and remove it, or ask for it again.`,
              ),
            ]
          : []),
        ...(Date.parse(waiver.until) - Date.parse(now) > LONGEST_DAYS * DAY
          ? [
              at(
                'until',
                'waiver-length',
                `The waiver of ${waiver.rule} ends on ${day(waiver)}, in more than ${LONGEST_DAYS} days. Choose an earlier end.`,
              ),
            ]
          : []),
      ];
    }),
  );
}

function hasEnded(waiver: Waiver, now: string): boolean {
  return Date.parse(waiver.until) <= Date.parse(now);
}

/** `2026-12-01` */
export function day({ until }: Waiver): string {
  return until.slice(0, 10);
}
