import type { Finding } from '#model/checks.ts';
import type { ParsedSettings } from '../settings.ts';
import { didYouMean } from '../suggest.ts';
import { findingAt, placeOf } from '../yaml-source.ts';

/** What is wrong with acknowledgements of suspicious backups, each at its line. @param now ISO 8601 */
export function acknowledgedFindings({ channels }: ParsedSettings, now: string): Finding[] {
  return channels.flatMap(({ file, source }) =>
    file.backup.acknowledged.flatMap(({ cluster, backup, owner, until }, index) => {
      const place = (field: string) => placeOf(source, ['backup', 'acknowledged', index, field]);
      const names = file.clusters.map(({ name }) => name);
      const findings: Finding[] = [];
      if (!names.includes(cluster)) {
        const message = `The channel ${file.channel} has no cluster ${cluster}.${didYouMean(cluster, names)}`;
        findings.push(findingAt(source.path, place('cluster'), 'acknowledged-unknown', message));
      }
      if (Date.parse(until) <= Date.parse(now)) {
        const message = `What ${owner} said of the backup ${backup} of ${cluster} ended on ${until.slice(0, 10)}. Remove it; a backup that is suspicious still asks for a new one.`;
        findings.push(findingAt(source.path, place('until'), 'acknowledged-expired', message));
      }
      return findings;
    }),
  );
}
