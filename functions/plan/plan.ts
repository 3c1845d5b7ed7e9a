import * as z from 'zod';
import type { Configuration } from '#domain/configuration.ts';
import { hashOf } from '#domain/hash.ts';
import { keys } from '#domain/names.ts';
import { stepName } from '#domain/plan-history.ts';
import { chosenPreviews } from '#domain/plan-previews.ts';
import { type Planned, type Previewable, planConfiguration, planSettings } from '#domain/plan-pull-request.ts';
import { policiesOf, revisionsOf, settingsMoves } from '#domain/plan-settings.ts';
import { changesDataVersions } from '#domain/rehearsal.ts';
import { render } from '#domain/render.ts';
import type { ParsedSettings } from '#domain/settings.ts';
import { InputError } from '#model/errors.ts';
import type { PlanData, PreviewTarget } from '#model/plan.ts';
import { Sha256 } from '#model/primitives.ts';
import { MergeResult } from '#model/pull-request.ts';
import { DataVersions } from '#model/rehearsal.ts';
import { ChangeClass } from '#model/render.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';
import { type ReadConfigurations, readConfigurations } from './read-configuration.ts';
import { readPast } from './read-past.ts';
import { readPolicies } from './read-policies.ts';
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
  /** Clusters that CloudFormation can be asked about. */
  previews: z.int(),
  /** What the merge result brings; null of settings, which bring none of their own. */
  versions: DataVersions.nullable(),
  /** Whether a cluster of the channel that is there gets another version of Kubernetes or etcd. */
  upgrades: z.boolean(),
});

/**
 * What merging changes on each cluster that it reaches. Markdown lies in S3 under keys.plan, data (PlanData) under
 * keys.planData, both named by the plan's content. @throws NotFoundError; InputError for what validation refuses
 */
export const plan = defineStep({
  name: 'plan',
  input: MergeResult,
  output: Output,
  async run({ readPullRequest, snapshotConfiguration: snapshots }, { objects }: Ports) {
    const parsed = (await readSettings(objects, snapshots.headSettingsCommit)).value;
    if (parsed === undefined)
      throw new InputError(`the settings of ${snapshots.headSettingsCommit} do not pass validation; run validate first`);
    if (readPullRequest.kind === 'settings') {
      // A broken base is what this pull request repairs: all its clusters then look new.
      const base = (await readSettings(objects, snapshots.baseSettingsCommit)).value;
      return keep(objects, await planOfSettings(objects, base, parsed), readPullRequest.fork);
    }
    const { settings } = parsed;
    const channel = settings.channels.find((candidate) => candidate.branch === readPullRequest.baseRef);
    const { baseRevision, headRevision } = snapshots;
    if (channel === undefined || headRevision === null) {
      throw new InputError(`no channel has the branch ${readPullRequest.baseRef}, or it would have no configuration; run validate first`);
    }
    const configurations = await readConfigurations(objects, [...(baseRevision === null ? [] : [baseRevision]), headRevision]);
    const past = await readPast(objects, [channel]);
    const base = baseRevision === null ? undefined : configurations.known.get(baseRevision);
    // What is merged already may be refused by rules that came later: then this pull request may be what repairs it.
    const problem = baseRevision === null ? undefined : configurations.refused.get(baseRevision)?.message;
    const head = headOf(configurations, headRevision);
    const planned = planConfiguration({ settings, channel, base, head, past, ...(problem === undefined ? {} : { baseProblem: problem }) });
    const step = JSON.stringify({ class: planned.plan.class });
    if (base !== undefined && baseRevision !== null && baseRevision !== headRevision)
      await objects.putIfAbsent(keys.planStep(stepName(baseRevision, headRevision)), step);
    const { kubernetes, etcd } = head.versions;
    const versions = { kubernetes, etcd };
    const upgrades = channel.clusters.some(({ name, state }) => {
      const record = past.records.get(name);
      return state === 'ready' && record !== undefined && changesDataVersions(record, versions);
    });
    return { ...(await keep(objects, planned, readPullRequest.fork)), channel: channel.channel, versions, upgrades };
  },
});

async function planOfSettings(objects: ObjectStore, before: ParsedSettings | undefined, head: ParsedSettings): Promise<Planned> {
  const base = before?.settings ?? { ...head.settings, channels: [] };
  const past = await readPast(objects, head.settings.channels);
  const moves = settingsMoves(base, head, past);
  const { known: configurations } = await readConfigurations(objects, revisionsOf(moves));
  const policies = new Map([before?.policies, head.policies].flatMap((known) => (known === undefined ? [] : [[known.hash, known]])));
  const others = policiesOf(moves).filter((hash) => !policies.has(hash));
  for (const hash of others) policies.set(hash, await readPolicies(objects, hash));
  return planSettings({ base, head, moves, configurations, policies, past });
}

/** A fork's templates never reach an account before they are merged: of them nothing is asked. */
async function keep(objects: ObjectStore, planned: Planned, fork: boolean | undefined): Promise<z.infer<typeof Output>> {
  const { plan: made, context, title, markdown, affected } = planned;
  const { asked, unasked } = fork === false ? chosenPreviews(planned.previewable) : { asked: [], unasked: 0 };
  const previews = await Promise.all(asked.map((one) => targetOf(objects, one)));
  const data: PlanData = { plan: made, context, previews, ...(unasked === 0 ? {} : { unasked }) };
  const planHash = hashOf(data);
  await objects.putIfAbsent(keys.planData(planHash), JSON.stringify(data));
  await objects.putIfAbsent(keys.plan(planHash), markdown);
  return {
    planHash,
    title,
    channel: null,
    class: made.class,
    clusters: made.clusters,
    groups: made.groups.length,
    affectsClusters: affected > 0,
    rollsNodes: made.rollsNodes,
    previews: previews.length,
    versions: null,
    upgrades: false,
  };
}

/** The render that a change set of this cluster would be made from, kept for it. */
async function targetOf(objects: ObjectStore, { group, head, roles }: Previewable): Promise<PreviewTarget> {
  const rendered = render(head.configuration, head.cluster);
  const renderHash = hashOf(rendered);
  await objects.putIfAbsent(keys.render(renderHash), JSON.stringify(rendered));
  return { group, cluster: head.cluster, renderHash, roles };
}

function headOf({ known, refused }: ReadConfigurations, revision: string): Configuration {
  const configuration = known.get(revision);
  if (configuration !== undefined) return configuration;
  throw refused.get(revision) ?? new InputError(`revision ${revision} was not read`);
}
