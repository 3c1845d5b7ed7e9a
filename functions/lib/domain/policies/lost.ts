import type { Finding } from '#model/checks.ts';
import type { Settings } from '#model/settings.ts';
import { hashOf } from '../hash.ts';
import { plainText } from '../markdown.ts';
import type { ParsedSettings } from '../settings.ts';
import { didYouMean } from '../suggest.ts';
import { findingAt, placeOf } from '../yaml-source.ts';

/** What is wrong with statements that a cluster's etcd is gone for good, each at its line. @param now ISO 8601 */
export function lostFindings({ channels }: ParsedSettings, now: string): Finding[] {
  return channels.flatMap(({ file, source }) =>
    file.backup.lost.flatMap(({ cluster, owner, until }, index) => {
      const place = (field: string) => placeOf(source, ['backup', 'lost', index, field]);
      const names = file.clusters.map(({ name }) => name);
      const entry = file.clusters.find(({ name }) => name === cluster);
      const findings: Finding[] = [];
      if (entry === undefined) {
        const message = `The channel ${file.channel} has no cluster ${cluster}.${didYouMean(cluster, names)}`;
        findings.push(findingAt(source.path, place('cluster'), 'lost-unknown', message));
      }
      if (entry?.state === 'ready') {
        const message = `The cluster ${cluster} is not to be deleted. A cluster without etcd that is to live is restored; one that is not gets state: decommission.`;
        findings.push(findingAt(source.path, place('cluster'), 'lost-not-decommissioned', message));
      }
      if (Date.parse(until) <= Date.parse(now)) {
        const message = `What ${owner} said of the etcd of ${cluster} ended on ${until.slice(0, 10)}. Remove it; its deletion takes a last backup again.`;
        findings.push(findingAt(source.path, place('until'), 'lost-expired', message));
      }
      return findings;
    }),
  );
}

/** What merging new statements does, as sentences for the head of the plan. */
export function lostNotes(base: Settings, head: Settings): string[] {
  const known = new Set(base.channels.flatMap(({ backup }) => backup.lost.map((one) => hashOf(one))));
  return head.channels.flatMap(({ backup }) =>
    backup.lost
      .filter((one) => !known.has(hashOf(one)))
      .map(
        ({ cluster, owner, reason, until }) =>
          `**${cluster}** may be deleted **without a last backup** until ${until.slice(0, 10)}, for its etcd is gone, says ${plainText(owner)}: ${plainText(reason)}.`,
      ),
  );
}
