import type { DataVersions, RehearsalRecord, RehearsalResult, RehearsalSubject } from '../model/rehearsal.ts';
import { durationText, timeText } from './duration.ts';

/** Kubernetes and etcd as they become: `Kubernetes 1.35.4 to 1.36.3, etcd 3.6.16 as before`. */
export function versionsText(from: DataVersions, to: DataVersions): string {
  const step = (name: string, before: string, after: string): string =>
    before === after ? `${name} ${after} as before` : `${name} ${before} to ${after}`;
  return `${step('Kubernetes', from.kubernetes, to.kubernetes)}, ${step('etcd', from.etcd, to.etcd)}`;
}

/** Which backup, of what, from when, and how old it is now. */
export function backupText({ cluster, backup }: { cluster: string; backup: RehearsalSubject['backup'] }, now: Date): string {
  const age = Math.max(0, (now.getTime() - Date.parse(backup.takenAt)) / 1000);
  return `backup \`${backup.id}\` of ${cluster}, taken ${timeText(backup.takenAt)} (${durationText(age)} ago)`;
}

/** That it has begun, for a check that is under way. @param passedOver clusters that come before, each with why not; empty for none */
export function rehearsalBegun(subject: RehearsalSubject, passedOver: string, now: Date): string {
  const { from, to, cluster, backup } = subject;
  return `Rehearses ${versionsText(from, to)} on ${backupText({ cluster: cluster.name, backup }, now)}.${passedOverText(passedOver)}`;
}

/** Which clusters were not rehearsed on, as a sentence that follows another one. @param passedOver empty for none */
export function passedOverText(passedOver: string): string {
  return passedOver === '' ? '' : ` Not on clusters that come before: ${passedOver}.`;
}

/** What a rehearsal that did not fail came to, as a line of the check. @param reused whether an earlier one of the same is told */
export function rehearsalLine(record: RehearsalRecord, reused: boolean, now: Date): string {
  const { from, to, reason, seconds, at } = record;
  if (record.outcome !== 'passed') return notRehearsedLine(reason, `${versionsText(from, to)} on ${backupText(record, now)}`);
  const when = reused ? `, at ${timeText(at)} by \`${record.execution}\`` : '';
  return `Rehearsed ${versionsText(from, to)} on ${backupText(record, now)}, in ${durationText(seconds)}${when}: ${reason}.`;
}

/** Neither good nor bad: nobody knows. @param what was to be rehearsed; empty where it did not come to that */
export function notRehearsedLine(reason: string, what = ''): string {
  return `**Not rehearsed**${what === '' ? '' : ` (${what})`}: ${reason}. Whether the data of a cluster bear these versions is not known from this check.`;
}

/** What was found, for whoever must mend it. */
export function rehearsalFailure(record: Pick<RehearsalRecord, 'from' | 'to' | 'cluster' | 'backup'> & RehearsalResult, now: Date): string {
  const { from, to, reason, seconds, orphans, orphanedResources } = record;
  const others = orphanedResources - orphans.length;
  const table = orphans.map(({ resource, objects }) => `- ${objects} of \`${resource}\``);
  const rest = others > 0 ? [`- and ${others} more resources`] : [];
  const list = table.length === 0 ? '' : `\n\nServed today and by nobody then:\n${[...table, ...rest].join('\n')}`;
  return `the rehearsal of ${versionsText(from, to)} failed: ${reason}. It ran on ${backupText(record, now)}, for ${durationText(seconds)}${list}`;
}
