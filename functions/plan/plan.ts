import * as z from 'zod';
import type { Configuration } from '#domain/configuration.ts';
import { hashOf } from '#domain/hash.ts';
import { keys } from '#domain/names.ts';
import { type Plan, type PlanSubject, planChange } from '#domain/plan.ts';
import { type PlanContext, planMarkdown, planTitle } from '#domain/plan-text.ts';
import { settingsNotes } from '#domain/settings-change.ts';
import { clusterRef } from '#domain/waves.ts';
import { InputError } from '#model/errors.ts';
import { Sha256 } from '#model/primitives.ts';
import { MergeResult } from '#model/pull-request.ts';
import { ChangeClass } from '#model/render.ts';
import type { ChannelFile, Settings } from '#model/settings.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { readConfiguration } from './read-configuration.ts';
import { readSettings } from './read-settings.ts';

interface Ports {
  readonly objects: ObjectStore;
}

const Output = z.object({
  planHash: Sha256,
  title: z.string(),
  channel: z.string().nullable(),
  class: ChangeClass,
  clusters: z.int(),
  groups: z.int(),
  affectsClusters: z.boolean(),
  rollsNodes: z.int(),
});

/**
 * What merging changes on each cluster of the channel. Markdown lies in S3 under keys.plan, data under keys.planData,
 * both named by the plan's content. @throws NotFoundError; InputError for what validation refuses
 */
export const plan = defineStep({
  name: 'plan',
  input: MergeResult,
  output: Output,
  async run({ readPullRequest, snapshotConfiguration: snapshots }, { objects }: Ports) {
    const settings = (await readSettings(objects, snapshots.headSettingsCommit)).value?.settings;
    if (settings === undefined)
      throw new InputError(`the settings of ${snapshots.headSettingsCommit} do not pass validation; run validate first`);
    if (readPullRequest.kind === 'settings') {
      const base = (await readSettings(objects, snapshots.baseSettingsCommit)).value?.settings;
      return planSettings(objects, base ?? { ...settings, channels: [] }, settings);
    }
    const channel = settings.channels.find((candidate) => candidate.branch === readPullRequest.baseRef);
    if (channel === undefined || snapshots.headRevision === null) {
      throw new InputError(`no channel has the branch ${readPullRequest.baseRef}, or it would have no configuration; run validate first`);
    }
    const head = await readConfiguration(objects, snapshots.headRevision);
    const base = snapshots.baseRevision === null ? undefined : await readConfiguration(objects, snapshots.baseRevision);
    const planned = planChange(subjectsOf(channel, base, head));
    return keep(objects, planned, { channel: channel.channel, downstream: downstreamOf(channel.channel, settings), notes: [] });
  },
});

function subjectsOf(channel: ChannelFile, base: Configuration | undefined, head: Configuration): PlanSubject[] {
  return channel.clusters
    .filter((entry) => entry.state === 'ready')
    .map((entry) => {
      const cluster = clusterRef(entry, channel.channel);
      return {
        base: base === undefined ? undefined : { configuration: base, cluster },
        head: { configuration: head, cluster },
      };
    });
}

function downstreamOf(channel: string, settings: Settings): PlanContext['downstream'] {
  const next = settings.channels.filter((candidate) => candidate.follows === channel);
  return next.flatMap((one) => [{ channel: one.channel, clusters: one.clusters.length }, ...downstreamOf(one.channel, settings)]);
}

/** Of settings the plan names clusters; which revision each then gets is its channel's newest proven one. */
async function planSettings(objects: ObjectStore, base: Settings, head: Settings): Promise<z.infer<typeof Output>> {
  const { created, decommissioned, altered } = settingsNotes(base, head);
  const notes = [
    ...created.map((name) => `**${name}** is created, at the newest revision proven in its channel`),
    ...decommissioned.map((name) => `**${name}** is deleted, after a final proven backup`),
    ...altered.map((name) => `**${name}** gets other settings`),
  ];
  const empty: Plan = {
    groups: [],
    clusters: notes.length,
    affected: 0,
    class: created.length > 0 ? 'creation' : 'nothing',
    rollsNodes: 0,
  };
  const output = await keep(objects, empty, { channel: 'main', downstream: [], notes });
  const parts = [
    ...(created.length > 0 ? [`${created.length} created`] : []),
    ...(decommissioned.length > 0 ? [`${decommissioned.length} deleted`] : []),
    ...(altered.length > 0 ? [`${altered.length} altered`] : []),
  ];
  const title = parts.length === 0 ? 'No cluster changes' : `Clusters: ${parts.join(', ')}`;
  return { ...output, title, channel: null, affectsClusters: notes.length > 0 };
}

async function keep(objects: ObjectStore, planned: Plan, context: PlanContext): Promise<z.infer<typeof Output>> {
  const planHash = hashOf({ planned, context });
  await objects.putIfAbsent(keys.planData(planHash), JSON.stringify({ ...planned, context }));
  await objects.putIfAbsent(keys.plan(planHash), planMarkdown(planned, context));
  return {
    planHash,
    title: planTitle(planned),
    channel: context.channel,
    class: planned.class,
    clusters: planned.clusters,
    groups: planned.groups.length,
    affectsClusters: planned.affected > 0,
    rollsNodes: planned.rollsNodes,
  };
}
