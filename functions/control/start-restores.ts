import * as z from 'zod';
import { checkNames, executionName, keys } from '#domain/names.ts';
import { clusterRef } from '#domain/waves.ts';
import { readSettings } from '#facts/fleet.ts';
import { readObject } from '#facts/stored.ts';
import { GateClosedError } from '#model/errors.ts';
import { Halt } from '#model/records.ts';
import { ResolveRevision } from '#model/resolve-revision.ts';
import { RestoreRecord } from '#model/restore.ts';
import type { Checks } from '#ports/checks.ts';
import type { Executions } from '#ports/executions.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

interface Ports {
  readonly objects: ObjectStore;
  readonly executions: Executions;
  readonly checks: Checks;
}

/**
 * Starts the restores that merged settings ask for and that nobody began, each with a check of its own on the merge. It does
 * not wait for them: the cluster's lock holds off every update meanwhile. A claim or a kill switch that can't be read means no restore;
 * a freeze does not hold it up.
 * @throws GateClosedError while the fleet is halted, InputError
 */
export const startRestores = defineStep({
  name: 'start-restores',
  input: z.object({ repository: z.object({ owner: z.string(), name: z.string() }), resolveRevision: ResolveRevision }),
  output: z.object({ started: z.array(z.string()) }),
  async run({ repository, resolveRevision: resolved }, { objects, executions, checks }: Ports) {
    if (resolved.kind !== 'settings') return { started: [] };
    const { channels } = await readSettings(objects, resolved.settingsCommit);
    const started: string[] = [];
    for (const channel of channels) {
      for (const entry of channel.clusters) {
        const { restore } = entry;
        if (restore === undefined) continue;
        if ((await readObject(objects, keys.restore(entry.name, restore.id), RestoreRecord)) !== undefined) continue;
        await requireNoHalt(objects, entry.name);
        const cluster = clusterRef(entry, channel);
        const execution = executionName('restore', entry.name, { id: restore.id }, restore.id);
        const progress = { repository, sha: resolved.commit, name: checkNames.restore(entry.name) };
        const text = { title: `Restores ${entry.name} to ${restore.backup}`, summary: `Asked for as \`${restore.id}\` by this merge.` };
        const input = { cluster, restore, commit: resolved.commit, repository, progress };
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

/** Nothing of the restore is used up: the same check, run again, starts it. */
async function requireNoHalt(objects: ObjectStore, cluster: string): Promise<void> {
  const halt = await readObject(objects, keys.halt(), Halt);
  if (halt?.halted !== true) return;
  throw new GateClosedError(
    `${cluster} is not restored: the fleet is halted by ${halt.by}: ${halt.reason}. End the halt (docs/operate.md), then re-run this check.`,
  );
}
