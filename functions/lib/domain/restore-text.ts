import type { LayerVerdict } from '../model/backup-records.ts';
import type { RestoreRecord, RestoreRequest } from '../model/restore.ts';
import { durationText, timeText } from './duration.ts';
import { codeSpan, plainText } from './markdown.ts';

interface RestoreText {
  readonly conclusion: 'success' | 'failure' | 'neutral';
  readonly title: string;
  readonly summary: string;
}

/** What a cluster holds that its configuration doesn't, or lacks that it does, after a restore. */
export interface Drift {
  readonly missing: number;
  readonly changed: number;
  readonly named: readonly string[];
}

/** The check of a dry run: what was proven, and what a restore would lose. */
export function restoreChecked(cluster: string, restore: RestoreRequest, verdicts: readonly LayerVerdict[]): RestoreText {
  const rows = verdicts.map(({ layer, verdict, reason }) => `| ${layer} | ${verdict} | ${plainText(reason)} |`);
  return {
    conclusion: 'success',
    title: `${cluster} could be restored to ${restore.backup}; nothing was changed`,
    summary: [
      `A dry run of ${codeSpan(restore.id)}: the backup was restored and served by the versions that ${cluster} runs now, with its present keys.`,
      ['| layer | verdict | |', '|---|---|---|', ...rows].join('\n'),
      'To restore it, merge the same with another id and without `dryRun`. What changed in the cluster since the backup would be lost.',
    ].join('\n\n'),
  };
}

/** The check of a restore that is whole. */
export function restoreDone(
  cluster: string,
  restore: RestoreRequest,
  record: RestoreRecord | undefined,
  { members, drift }: { readonly members: string; readonly drift: Drift | undefined },
): RestoreText {
  const lost = record?.rpoSeconds === undefined ? 'unknown' : durationText(record.rpoSeconds);
  const took = record?.rtoSeconds === undefined ? 'unknown' : durationText(record.rtoSeconds);
  return {
    conclusion: 'success',
    title: `${cluster} is restored to ${restore.backup} in ${took}; changes of ${lost} are lost`,
    summary: [
      plainText(members),
      `| | |\n|---|---|\n| backup | ${codeSpan(restore.backup)}${record?.backupTakenAt === undefined ? '' : `, taken ${timeText(record.backupTakenAt)}`} |\n| lost (RPO) | ${lost} |\n| took (RTO) | ${took} |\n| backup of what was there | ${plainText(record?.before ?? 'none')} |`,
      driftText(drift),
      `The data of before lies on each member's volume as ${codeSpan(`/var/lib/etcd/data.before-${restore.id}`)}: remove it when nobody needs it. Take the ${codeSpan('restore')} line out of the entry: its next update then brings everything anew that was applied after the backup.`,
    ].join('\n\n'),
  };
}

function driftText(drift: Drift | undefined): string {
  if (drift === undefined) return 'What differs from the configuration was not looked at.';
  const { missing, changed, named } = drift;
  if (missing + changed === 0) return 'Every object of the configuration is there as it should be.';
  const more = missing + changed - named.length;
  const rows = named.map((name) => `- ${plainText(name)}`).join('\n');
  return `Of the configuration ${missing} objects are missing and ${changed} differ; the next update mends that.\n\n${rows}${more > 0 ? `\n- and ${more} more` : ''}`;
}

/** That an id is used up, by whom and for what. */
export function usedText({ cluster, id, claimedAt, state, execution }: RestoreRecord): string {
  const came = {
    claimed: 'it is under way',
    begun: 'it is under way, or stopped',
    restored: 'it was done',
    checked: 'it was a dry run',
    failed: 'it failed',
  };
  return `The id ${id} was used on ${claimedAt.slice(0, 10)} for ${cluster} (${came[state]}: ${execution}), and each is done once.`;
}

/** The check on a later merge that still, or again, asks for a restore by an id that was used: nothing is done for it. */
export function restoreUsed(record: RestoreRecord): RestoreText {
  const { cluster, id } = record;
  return {
    conclusion: 'neutral',
    title: `${cluster} is not restored by this merge: the id ${id} was used on ${record.claimedAt.slice(0, 10)}`,
    summary: `${usedText(record)} Nothing is restored for it. To restore ${cluster} again, choose a new id and merge that. If nobody wants that, take the ${codeSpan('restore')} line out of the entry.`,
  };
}

/** The check of a restore that stopped: before anything was changed, or in its midst, and what to do then. */
export function restoreFailed(cluster: string, restore: RestoreRequest, record: RestoreRecord | undefined, reason: string): RestoreText {
  const begun = record?.begunAt !== undefined;
  return {
    conclusion: 'failure',
    title: begun ? `The restore of ${cluster} stopped in its midst` : `${cluster} was not restored; nothing was changed`,
    summary: [
      plainText(reason),
      begun
        ? `Members of before were fenced at ${timeText(record.begunAt ?? '')}. Their data lies on each volume as ${codeSpan(`/var/lib/etcd/data.before-${restore.id}`)} (or still as ${codeSpan('/var/lib/etcd/data')} where the member did not restore). New instances of etcd restore ${codeSpan(restore.backup)} by themselves when they boot. Look at them as docs/recover.md says, mend what is named above, then merge a restore with another id: it begins anew from the same or another backup.`
        : `Mend what is named above, then merge a restore with another id: ${codeSpan(restore.id)} was used.`,
    ].join('\n\n'),
  };
}

/** The check of a restore whose etcd serves the backup, and after which something did not become well. */
export function restoreUnfinished(cluster: string, restore: RestoreRequest, reason: string): RestoreText {
  return {
    conclusion: 'failure',
    title: `etcd of ${cluster} is restored to ${restore.backup}; what comes after it is not well`,
    summary: [
      plainText(reason),
      `The restored data are served and written to. Don't restore again: that would lose what was written since. Mend what is named above, take the ${codeSpan('restore')} line out of the entry and merge that: the update brings the cluster to what its channel wants.`,
    ].join('\n\n'),
  };
}
