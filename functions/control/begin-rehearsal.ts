import * as z from 'zod';
import { executionName, keys } from '#domain/names.ts';
import { chooseRehearsal, rehearsalHash } from '#domain/rehearsal.ts';
import { rehearsalBegun } from '#domain/rehearsal-text.ts';
import { clusterRef } from '#domain/waves.ts';
import { readRecords, readSettings } from '#facts/fleet.ts';
import { attempt } from '#facts/known.ts';
import { readObject } from '#facts/stored.ts';
import { BackupIndex } from '#model/backup-records.ts';
import { ExecutionName } from '#model/primitives.ts';
import { ReadPullRequest, SnapshotConfiguration } from '#model/pull-request.ts';
import { DataVersions, RehearsalRecord, RehearsalSubject } from '#model/rehearsal.ts';
import type { ChannelFile } from '#model/settings.ts';
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
 * Starts the rehearsal of an upgrade on a backup of the channel that gets it, beside e2e, which takes longer; conclude-rehearsal
 * waits for it. The same backup that has passed under the same versions before is not tried again; one that failed is, for what was
 * found may be mended on the cluster, or have been a machine's bad day. Without a backup of the last days nothing is started, and that
 * is told; one that failed does not become good by getting old.
 * @throws NotFoundError, InputError when the settings can't be read; TransientError
 */
export const beginRehearsal = defineStep({
  name: 'begin-rehearsal',
  input: z.object({
    readPullRequest: ReadPullRequest,
    snapshotConfiguration: SnapshotConfiguration.pick({ headSettingsCommit: true }),
    plan: z.object({ title: z.string(), versions: DataVersions.nullable() }),
  }),
  output: z.object({
    /** `none`: there is nothing to rehearse on. */
    decision: z.enum(['started', 'known', 'none']),
    reason: z.string(),
    subject: RehearsalSubject.nullable(),
    /** Clusters that come before the subject's, each with why it was not taken. */
    passedOver: z.string(),
    execution: ExecutionName.nullable(),
  }),
  async run({ readPullRequest: pull, snapshotConfiguration: snapshots, plan }, ports: Ports, { execution: own }) {
    const { objects, executions, checks, clock } = ports;
    if (plan.versions === null) return none('this pull request brings no versions');
    const { channels } = await readSettings(objects, snapshots.headSettingsCommit);
    const channel = channels.find(({ branch }) => branch === pull.baseRef);
    if (channel === undefined) return none(`no channel has the branch ${pull.baseRef}`);
    const chosen = chooseRehearsal(await clustersOf(channel, objects), plan.versions, clock.now());
    if (typeof chosen === 'string') return none(chosen);
    const { subject, stale, passedOver } = chosen;
    const hash = rehearsalHash(subject);
    const known = await attempt('the record', () => readObject(objects, keys.rehearsal(hash), RehearsalRecord));
    const outcome = known.known ? known.value?.outcome : undefined;
    const before = { decision: 'known' as const, subject, passedOver, execution: null };
    if (stale !== undefined) {
      if (outcome === 'failed') return { ...before, reason: stale };
      return none(passedOver === '' ? stale : `${stale}; ${passedOver}`);
    }
    if (outcome === 'passed') return { ...before, reason: 'it has passed before' };
    const execution = executionName('rehearse', subject.cluster.name, { hash, own }, hash);
    await checks.want({
      ref: pull.check,
      status: 'in_progress',
      title: plan.title,
      summary: `Validated and planned; see \`sluice / plan\`.\n\n${rehearsalBegun(subject, passedOver, clock.now())}`,
      execution: own,
      generation: pull.generation,
    });
    await executions.start('rehearse-upgrade', execution, { ...subject, progress: null });
    return { decision: 'started' as const, reason: 'under way', subject, passedOver, execution };
  },
});

function none(reason: string) {
  return { decision: 'none' as const, reason, subject: null, passedOver: '', execution: null };
}

/** Clusters of the channel that exist and stay, in the order of its file. An index that can't be read holds up nobody, and is told. */
async function clustersOf(channel: ChannelFile, objects: ObjectStore) {
  const entries = channel.clusters.filter(({ state }) => state === 'ready');
  const records = await readRecords(
    objects,
    entries.map(({ name }) => name),
  );
  const found = await Promise.all(
    entries.map(async (entry) => {
      const record = records.get(entry.name);
      if (record === undefined) return [];
      const read = async () => (await readObject(objects, keys.backupIndex(entry.name), BackupIndex)) ?? null;
      return [{ cluster: clusterRef(entry, channel), record, backups: await attempt(`the backups of ${entry.name}`, read) }];
    }),
  );
  return found.flat();
}
