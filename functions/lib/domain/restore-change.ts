import type { Finding } from '#model/checks.ts';
import type { RestoreRecord } from '#model/restore.ts';
import type { ClusterEntry, Settings } from '#model/settings.ts';
import { hashOf } from './hash.ts';
import { codeSpan, plainText } from './markdown.ts';
import { usedText } from './restore-text.ts';
import type { ParsedSettings } from './settings.ts';
import { findingAt, placeOf } from './yaml-source.ts';

interface Asked {
  readonly entry: ClusterEntry;
  readonly restore: NonNullable<ClusterEntry['restore']>;
  readonly before: ClusterEntry | undefined;
}

/** The restores that a change of settings asks for: lines that are new or say something else. */
function asked(base: Settings, entry: ClusterEntry): Asked | undefined {
  const before = base.channels.flatMap(({ clusters }) => clusters).find(({ name }) => name === entry.name);
  const { restore } = entry;
  if (restore === undefined || hashOf(restore) === hashOf(before?.restore ?? null)) return undefined;
  return { entry, restore, before };
}

/** What a restore that is asked for may not be: of a cluster that is not there, together with something else, or a used id with other words. */
export function restoreFindings(base: Settings, head: ParsedSettings): Finding[] {
  return head.channels.flatMap(({ file, source }) =>
    file.clusters.flatMap((entry, index) => {
      const found = asked(base, entry);
      const message = found === undefined ? undefined : problemOf(found);
      if (message === undefined) return [];
      return [findingAt(source.path, placeOf(source, ['clusters', index, 'restore']), 'restore', message)];
    }),
  );
}

/** The restores that a change asks for, whose ids may be used up already. */
export function restoresAsked(base: Settings, head: Settings): { readonly cluster: string; readonly id: string }[] {
  return head.channels.flatMap(({ clusters }) =>
    clusters.flatMap((entry) => {
      const found = asked(base, entry);
      return found === undefined ? [] : [{ cluster: entry.name, id: found.restore.id }];
    }),
  );
}

/** What the records forbid: an id that was used, whatever came of it, is never used again. @param used records of those that are asked for */
export function usedRestoreFindings(base: Settings, head: ParsedSettings, used: readonly RestoreRecord[]): Finding[] {
  return head.channels.flatMap(({ file, source }) =>
    file.clusters.flatMap((entry, index) => {
      const found = asked(base, entry);
      const record = used.find(({ cluster, id }) => cluster === entry.name && id === found?.restore.id);
      if (record === undefined) return [];
      const place = placeOf(source, ['clusters', index, 'restore', 'id']);
      return [findingAt(source.path, place, 'restore', `${usedText(record)} Take another id.`)];
    }),
  );
}

function problemOf({ entry, restore, before }: Asked): string | undefined {
  if (before === undefined) return `The cluster ${entry.name} is new: there is no etcd to restore. Take the line out.`;
  if (entry.state === 'decommission') return `The cluster ${entry.name} is to be deleted; it can't be restored too. Take one of both out.`;
  if (before.restore?.id === restore.id)
    return `The restore ${restore.id} of ${entry.name} was merged with other words, and each id is done once. Take another id.`;
  const { restore: _, ...others } = entry;
  const { restore: __, ...were } = before;
  if (hashOf(others) === hashOf(were)) return undefined;
  return `Other settings of ${entry.name} change together with its restore. Restore first: merge the rest once that is over.`;
}

/** What merging the restores does, as sentences for the head of the plan. */
export function restoreNotes(base: Settings, head: Settings): string[] {
  return head.channels.flatMap(({ clusters }) =>
    clusters.flatMap((entry) => {
      const found = asked(base, entry);
      if (found === undefined) return [];
      const { id, backup, reason, dryRun } = found.restore;
      const why = `because: ${plainText(reason)}`;
      if (dryRun === true)
        return [
          `**${entry.name}** stays as it is: the backup ${codeSpan(backup)} is restored beside it to see that it could be (dry run ${codeSpan(id)}), ${why}.`,
        ];
      return [
        `**${entry.name}** is restored to the backup ${codeSpan(backup)} (${codeSpan(id)}), ${why}. **All changes in the cluster since that backup are lost**, its API is away for minutes, every member of etcd and every control plane is replaced. A backup of what is there is taken first where all members are well; the data of before stays on the members' volumes.`,
      ];
    }),
  );
}
