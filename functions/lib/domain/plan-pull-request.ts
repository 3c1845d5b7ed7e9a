import type { Plan, PlanContext } from '#model/plan.ts';
import type { ChannelFile, Settings } from '#model/settings.ts';
import type { Configuration } from './configuration.ts';
import { timeText } from './duration.ts';
import { holdOf, short } from './evidence.ts';
import { plainText } from './markdown.ts';
import { petScoreNotes } from './pet-score.ts';
import { type PlanSubject, planChange } from './plan.ts';
import { type FleetPast, historyOf, NO_PAST, rolloutSeconds } from './plan-history.ts';
import { channelNotes, moveNotes, planMoves, type SettingsMove } from './plan-settings.ts';
import type { PlanSide } from './plan-sides.ts';
import { planMarkdown, planTitle } from './plan-text.ts';
import { lostNotes } from './policies/lost.ts';
import type { ParsedPolicies } from './policies/own-policies.ts';
import { restoreNotes } from './restore-change.ts';
import type { ParsedSettings } from './settings.ts';
import { clusterRef } from './waves.ts';

/** A plan with its texts, as the check, the page and the command show it. */
export interface Planned {
  readonly plan: Plan;
  readonly context: PlanContext;
  readonly title: string;
  readonly markdown: string;
  /** One cluster of each group whose stacks change: what CloudFormation can be asked about. */
  readonly previewable: readonly Previewable[];
  /** Clusters that the change affects, now or when their hold is released; of settings also those whose plan is not known. */
  readonly affected: number;
}

/** The first cluster of a group, and which of its stacks change. */
export interface Previewable {
  readonly group: string;
  readonly head: PlanSide;
  readonly roles: readonly string[];
}

/**
 * What merging a change of `channels/cluster/` does to each cluster of its channel. A pure function: it needs no fleet,
 * and without `past` it only lacks times. @param change.base undefined when the branch has no configuration yet
 */
export function planConfiguration(change: {
  readonly settings: Settings;
  readonly channel: ChannelFile;
  readonly base: Configuration | undefined;
  readonly head: Configuration;
  readonly past?: FleetPast;
  /** Why the base could not be read, when it is there. */
  readonly baseProblem?: string;
}): Planned {
  const { settings, channel, base, head, past = NO_PAST, baseProblem } = change;
  const subjects = subjectsOf(channel, base, head);
  const plan = planChange(subjects);
  const history = historiesOf(
    plan,
    new Map(plan.groups.flatMap(({ clusters }) => clusters.map((name) => [name, channel.channel] as const))),
    past,
  );
  const seconds = rolloutSeconds(channel, head.revision, plan, history, past.records);
  const context: PlanContext = {
    channel: channel.channel,
    downstream: downstreamOf(channel.channel, settings),
    notes: [...(baseProblem === undefined ? [] : [baseNote(baseProblem)]), ...heldNotes(channel), ...petScoreNotes(settings)],
    history,
    ...(seconds === undefined ? {} : { rolloutSeconds: seconds }),
    previews: [],
  };
  return {
    plan,
    context,
    title: planTitle(plan),
    markdown: planMarkdown(plan, context),
    previewable: previewableOf(plan, subjects),
    // Held clusters count here: what they wait for must have passed e2e like everything else, and later channels get it.
    affected: plan.groups.filter((group) => group.class !== 'nothing').reduce((sum, group) => sum + group.clusters.length, 0),
  };
}

/**
 * What merging a change of settings does: the clusters that it creates, deletes or alters, and what changes of the
 * channels in words. @param change.moves of `settingsMoves`; `configurations` by revision, as far as they are there
 */
export function planSettings(change: {
  readonly base: Settings;
  readonly head: ParsedSettings;
  readonly moves: readonly SettingsMove[];
  readonly configurations: ReadonlyMap<string, Configuration>;
  /** The fleet's own, by hash. */
  readonly policies?: ReadonlyMap<string, ParsedPolicies>;
  readonly past?: FleetPast;
}): Planned {
  const { base, head, moves, configurations, policies, past = NO_PAST } = change;
  const { plan, unknown, subjects } = planMoves(moves, configurations, policies);
  const channels = new Map(moves.map((move) => [move.head?.cluster.name ?? move.base?.cluster.name ?? '', move.channel]));
  const context: PlanContext = {
    channel: 'main',
    downstream: [],
    notes: [
      ...restoreNotes(base, head.settings),
      ...lostNotes(base, head.settings),
      ...moveNotes(moves, unknown),
      ...channelNotes(base, head),
      ...petScoreNotes(head.settings, base),
    ],
    history: historiesOf(plan, channels, past),
    ...(unknown.length === 0 ? {} : { unknown: unknown.length }),
    previews: [],
  };
  return {
    plan,
    context,
    title: settingsTitle(moves, plan),
    markdown: planMarkdown(plan, context),
    previewable: previewableOf(plan, subjects),
    affected: moves.length,
  };
}

function subjectsOf(channel: ChannelFile, base: Configuration | undefined, head: Configuration): PlanSubject[] {
  return channel.clusters
    .filter((entry) => entry.state === 'ready')
    .map((entry) => {
      const cluster = clusterRef(entry, channel);
      const held = holdOf(entry, channel) !== undefined;
      return {
        base: base === undefined ? undefined : { configuration: base, cluster },
        head: { configuration: head, cluster },
        ...(held ? { held } : {}),
      };
    });
}

function baseNote(problem: string): string {
  return `What the clusters have could not be read, so nothing is compared and all that they are to get is told as if it were new: ${plainText(problem)}`;
}

/** A held cluster gets the change with its release, not with the merge. */
function heldNotes(channel: ChannelFile): string[] {
  return channel.clusters.flatMap((entry) => {
    const hold = holdOf(entry, channel);
    if (hold === undefined || entry.state !== 'ready') return [];
    return [
      `**${entry.name}** is held at ${short(hold.revision)} by ${plainText(hold.owner)} until ${timeText(hold.until)}: it changes when the hold is released.`,
    ];
  });
}

function previewableOf(plan: Plan, subjects: readonly PlanSubject[]): Previewable[] {
  const moving = plan.groups.filter((group) => group.held !== true);
  return moving.flatMap((group) => {
    const subject = subjects.find(({ head }) => head?.cluster.name === group.clusters[0]);
    const roles = [...new Set(group.resources.filter(({ type }) => type !== 'AWS::CloudFormation::Stack').map(({ role }) => role))];
    if (subject?.base === undefined || subject.head === undefined || roles.length === 0) return [];
    return [{ group: group.hash, head: subject.head, roles }];
  });
}

function downstreamOf(channel: string, settings: Settings): PlanContext['downstream'] {
  const next = settings.channels.filter((candidate) => candidate.follows === channel);
  return next.flatMap((one) => [{ channel: one.channel, clusters: one.clusters.length }, ...downstreamOf(one.channel, settings)]);
}

/** History of each group, by the channel of its first cluster. */
function historiesOf(plan: Plan, channels: ReadonlyMap<string, string>, past: FleetPast): PlanContext['history'] {
  return Object.fromEntries(
    plan.groups.flatMap((group) => {
      const proofs = past.proofs.get(channels.get(group.clusters[0] ?? '') ?? '') ?? [];
      const history = historyOf(group.class, proofs, past.classes);
      return history === undefined ? [] : [[group.hash, history] as const];
    }),
  );
}

function settingsTitle(moves: readonly SettingsMove[], plan: Plan): string {
  const of = (kind: SettingsMove['kind']): number => moves.filter((move) => move.kind === kind).length;
  const parts = [
    ...(of('created') > 0 ? [`${of('created')} created`] : []),
    ...(of('decommissioned') > 0 ? [`${of('decommissioned')} deleted`] : []),
    ...(of('altered') > 0 ? [`${of('altered')} altered`] : []),
  ];
  if (parts.length === 0) return 'No cluster changes';
  return `Clusters: ${parts.join(', ')}${plan.rollsNodes > 0 ? `; ${planTitle(plan)}` : ''}`;
}
