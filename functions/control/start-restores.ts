import * as z from 'zod';
import { checkNames, executionName, keys } from '#domain/names.ts';
import { claimOf } from '#domain/restore.ts';
import { restoreFailed, restoreUsed } from '#domain/restore-text.ts';
import { clusterRef } from '#domain/waves.ts';
import { readSettings } from '#facts/fleet.ts';
import { readObject } from '#facts/stored.ts';
import type { CheckRef } from '#model/checks.ts';
import { Halt } from '#model/records.ts';
import { ResolveRevision } from '#model/resolve-revision.ts';
import { RestoreRecord, type RestoreRequest } from '#model/restore.ts';
import type { Checks } from '#ports/checks.ts';
import type { Clock } from '#ports/clock.ts';
import type { Executions } from '#ports/executions.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly executions: Executions;
  readonly checks: Checks;
  readonly clock: Clock;
}

/**
 * Starts the restores that merged settings ask for and that nobody began, each with a check of its own on the merge. It does
 * not wait for them: the cluster's lock holds off every update meanwhile. A claim or a kill switch that can't be read means no restore;
 * a freeze does not hold it up, a halt refuses it for good. A line by an id that was used, which stayed or came again, is told on the merge.
 * @throws InputError
 */
export const startRestores = defineStep({
  name: 'start-restores',
  input: z.object({ repository: z.object({ owner: z.string(), name: z.string() }), resolveRevision: ResolveRevision }),
  output: z.object({ started: z.array(z.string()) }),
  async run({ repository, resolveRevision: resolved }, { objects, executions, checks, clock }: Ports) {
    if (resolved.kind !== 'settings') return { started: [] };
    const { channels } = await readSettings(objects, resolved.settingsCommit);
    const started: string[] = [];
    for (const channel of channels) {
      for (const entry of channel.clusters) {
        const { restore } = entry;
        if (restore === undefined) continue;
        const progress = { repository, sha: resolved.commit, name: checkNames.restore(entry.name) };
        const used = await readObject(objects, keys.restore(entry.name, restore.id), RestoreRecord);
        if (used !== undefined) {
          // On the merge that began it the restore itself says what came of it.
          if (used.commit !== resolved.commit)
            await checks.want({ ref: progress, status: 'completed', ...restoreUsed(used), execution: used.execution });
          continue;
        }
        const cluster = clusterRef(entry, channel);
        const execution = executionName('restore', entry.name, { id: restore.id }, restore.id);
        const text = { title: `Restores ${entry.name} to ${restore.backup}`, summary: `Asked for as \`${restore.id}\` by this merge.` };
        const input = { cluster, restore, commit: resolved.commit, repository, progress };
        const halted = await haltOf(objects);
        if (halted !== undefined) {
          await refuse(
            { cluster: entry.name, restore, commit: resolved.commit, execution, progress, reason: halted },
            { objects, checks, clock },
          );
          continue;
        }
        // The check first, and only once: a restore that has ended has said so on it.
        if ((await executions.describe('restore-cluster', execution)) === undefined)
          await checks.want({ ref: progress, status: 'in_progress', ...text, execution });
        await executions.start('restore-cluster', execution, input);
        started.push(entry.name);
      }
    }
    return { started };
  },
});

/** undefined while the fleet is not halted. @throws InputError when that can't be read */
async function haltOf(objects: ObjectStore): Promise<string | undefined> {
  const halt = await readObject(objects, keys.halt(), Halt);
  return halt?.halted === true ? `the fleet is halted by ${halt.by}: ${halt.reason}` : undefined;
}

interface Refused {
  readonly cluster: string;
  readonly restore: RestoreRequest;
  readonly commit: string;
  readonly execution: string;
  readonly progress: CheckRef;
  readonly reason: string;
}

/** For good: a line that waits for the end of a halt would be obeyed with somebody else's merge, perhaps after a restore by hand. */
async function refuse(refused: Refused, { objects, checks, clock }: Pick<Ports, 'objects' | 'checks' | 'clock'>): Promise<void> {
  const { cluster, restore, commit, execution, progress, reason: outcome } = refused;
  const claim = claimOf({ cluster, restore, commit, execution, now: clock.now() });
  const record: RestoreRecord = { ...claim, state: 'failed', outcome, endedAt: claim.claimedAt };
  await objects.putIfAbsent(keys.restore(cluster, restore.id), JSON.stringify(record));
  await checks.want({ ref: progress, status: 'completed', ...restoreFailed(cluster, restore, record, outcome), execution });
}
