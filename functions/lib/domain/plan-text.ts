import type { Change, GroupPreview, Plan, PlanContext, PlanGroup, ResourceChange, Roll, Source, StackPreview } from '#model/plan.ts';
import type { ChangeClass } from '#model/render.ts';
import { riskText } from './drain/report.ts';
import { durationText } from './duration.ts';
import { plainText } from './markdown.ts';

const CLASS_TEXT: Readonly<Record<ChangeClass, string>> = {
  nothing: 'nothing changes',
  creation: 'the cluster is created',
  manifests: 'in place, nothing restarts but the changed workloads',
  'worker-roll': 'nodes are replaced',
  'control-plane-roll': 'the control plane is replaced',
  identity: 'certificates or keys change',
  etcd: 'etcd members are replaced',
  deletion: 'something is deleted',
  replacement: 'AWS resources are replaced',
};

/** Names in a group's heading before it says how many more there are. */
const NAMES_SHOWN = 8;
/** Lines of the repository told for one change or group. */
const SOURCES_SHOWN = 4;
const RISKS_SHOWN = 10;

/** One line for the check's title: how far it reaches. At most 200 characters. */
export function planTitle(plan: Plan): string {
  if (plan.affected === 0) return 'No cluster changes';
  return `${count(plan.affected, 'cluster')}, ${count(moving(plan).length, 'distinct change')}, ${nodesText(plan)}: ${CLASS_TEXT[plan.class]}`;
}

/**
 * The whole plan as Markdown: its blast radius in one line, a table of the groups with the most dangerous first, then
 * each group with what causes it, what it costs and its diffs folded.
 */
export function planMarkdown(plan: Plan, context: PlanContext): string {
  const groups = told(plan);
  const same = plan.clusters - groups.reduce((sum, { clusters }) => sum + clusters.length, 0);
  const lines = [
    `**Blast radius: ${blastRadius(plan, context)}.**`,
    '',
    ...context.notes.map((note) => `- ${note}`),
    ...(context.notes.length > 0 ? [''] : []),
    ...(groups.length === 0 ? [] : [...table(groups), '']),
    ...(same > 0 && groups.length > 0
      ? [`${count(same, 'other cluster')} of this change ${same === 1 ? 'stays as it is' : 'stay as they are'}.`, '']
      : []),
    ...reach(context),
    ...groups.flatMap((group, index) => groupText(group, index + 1, context)),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

function blastRadius(plan: Plan, context: PlanContext): string {
  const { unknown = 0 } = context;
  const untold = `${count(unknown, 'cluster')} of which it is not known here what changes`;
  if (plan.affected === 0) return unknown === 0 ? 'no cluster changes' : untold;
  return `${knownRadius(plan, context)}${unknown === 0 ? '' : `; and ${untold}`}`;
}

function knownRadius(plan: Plan, { rolloutSeconds }: PlanContext): string {
  const of = plan.clusters === plan.affected ? '' : ` of ${plan.clusters}`;
  const time = rolloutSeconds === undefined ? '' : `; about ${durationText(rolloutSeconds)} by past updates, soaks included`;
  return `${plan.affected}${of} ${plan.clusters === 1 ? 'cluster' : 'clusters'}, ${count(moving(plan).length, 'distinct change')}, ${nodesText(plan)}, ${CLASS_TEXT[plan.class]}${time}`;
}

function nodesText({ rollsNodes }: Plan): string {
  if (rollsNodes === 0) return 'no node rolls';
  return `${count(rollsNodes, 'node')} ${rollsNodes === 1 ? 'rolls' : 'roll'}`;
}

function table(groups: readonly PlanGroup[]): string[] {
  return [
    '| | danger | clusters | instances | changes | caused by |',
    '| --- | --- | --- | --- | --- | --- |',
    ...groups.map((group, index) => {
      const rolls = group.rolls.map(rollText).join(', ') || 'none';
      const causes = sourcesText(sourcesOf(group)) || 'a new cluster';
      return `| ${index + 1} | ${CLASS_TEXT[group.class]} | ${group.clusters.length}${group.held === true ? ' (held)' : ''} | ${rolls} | ${group.changes.length} | ${causes} |`;
    }),
  ];
}

function rollText({ role, instances, reason }: Roll): string {
  return `${role}: ${instances} ${reason}`;
}

function reach({ channel, downstream }: PlanContext): string[] {
  if (downstream.length === 0) return [];
  const later = downstream.map((one) => `${one.channel} (${count(one.clusters, 'cluster')})`).join(', then ');
  return [`Merging changes the channel ${channel} only. By promotion it reaches ${later}.`, ''];
}

function groupText(group: PlanGroup, number: number, context: PlanContext): string[] {
  const names = group.clusters.slice(0, NAMES_SHOWN).join(', ');
  const more = group.clusters.length - NAMES_SHOWN;
  const preview = context.previews.find((one) => one.group === group.hash);
  return [
    `### ${number}. ${count(group.clusters.length, 'cluster')}${group.held === true ? ', held, when the hold is released' : ''}: ${CLASS_TEXT[group.class]}`,
    `${names}${more > 0 ? ` and ${more} more` : ''}`,
    '',
    ...forecast(group, context),
    ...(preview === undefined ? hints(group.resources) : previewText(preview, group.resources)),
    ...group.changes.toSorted(replacementsFirst(group)).flatMap(changeText),
    '',
  ];
}

/** What it does to nodes, pods and time on each cluster, as a list. */
function forecast(group: PlanGroup, { history }: PlanContext): string[] {
  const { restarts, ownPods, drained } = group.disruption;
  const rolls = group.rolls.map(({ role, instances, zones, reason }) => {
    const where = zones.length > 1 ? `, over zones ${zones.join(', ')}` : '';
    const verb = {
      replaced: `${instances === 1 ? 'is' : 'are'} replaced`,
      new: `${instances === 1 ? 'is' : 'are'} new`,
      removed: 'removed',
    };
    return `- ${role}: at least ${count(instances, instanceWord(role))} ${verb[reason]}${where}`;
  });
  const pods = `- Pods: up to ${ownPods} of the configuration's own Deployments and StatefulSets${group.clusters.length > 1 ? ` over all ${group.clusters.length} clusters` : ''} are evicted, and all of its users on the drained ${drained === 1 ? 'node' : 'nodes'}: how many those are is not in the repository.`;
  const restart = `- Pods are made anew, by the workload's own strategy, of ${restarts.map(plainText).join(', ')}.`;
  const lines = [
    ...rolls,
    ...(drained > 0 ? [pods] : []),
    ...(restarts.length > 0 ? [restart] : []),
    ...drainLines(group),
    `- Time: ${timeText(history[group.hash])}`,
  ];
  return [...lines, ''];
}

/** What of the configuration a drain waits for or hurts; what users run is told on the rollout's check. */
function drainLines({ disruption: { risks = [] } }: PlanGroup): string[] {
  const more = risks.length - RISKS_SHOWN;
  return [
    ...risks.slice(0, RISKS_SHOWN).map((risk) => `- Drain: ${plainText(riskText(risk))}`),
    ...(more > 0 ? [`- Drain: and ${more} more`] : []),
  ];
}

function instanceWord(role: string): string {
  if (role === 'etcd') return 'member';
  return role === 'control-plane' ? 'instance' : 'node';
}

function timeText(known: PlanContext['history'][string] | undefined): string {
  if (known === undefined) return 'no history yet.';
  const of = known.of === 'class' ? 'of this class' : 'of any class (none of this one is recorded)';
  return `about ${durationText(known.medianSeconds)} a cluster: the median of ${count(known.updates, 'past update')} ${of}, the longest ${durationText(known.longestSeconds)}.`;
}

/** What is known without AWS: told only where something may be replaced or goes. */
function hints(resources: readonly ResourceChange[]): string[] {
  const shown = resources.filter(isDangerous);
  if (shown.length === 0) return [];
  return ['CloudFormation, by the templates alone (no change set was asked for):', ...shown.map(resourceText), ''];
}

function previewText({ cluster, stacks }: GroupPreview, offline: readonly ResourceChange[]): string[] {
  return [`CloudFormation, by change sets for ${cluster}:`, ...stacks.flatMap((stack) => stackText(stack, offline)), ''];
}

function stackText({ role, state, reason, resources }: StackPreview, offline: readonly ResourceChange[]): string[] {
  if (state === 'no-changes') return [`- stack ${role}: nothing to do`];
  if (state === 'refused') return [`- stack ${role}: **CloudFormation refuses this change**: ${plainText(reason ?? 'no reason given')}`];
  if (state === 'not-asked') {
    const known = offline.filter((one) => one.role === role && isDangerous(one)).map(resourceText);
    return [
      `- stack ${role}: not asked (${plainText(reason ?? 'no reason given')}); by the template alone:`,
      ...(known.length > 0 ? known : ['- nothing is replaced or deleted']),
    ];
  }
  return resources.map(resourceText);
}

function isDangerous({ replacement, action }: ResourceChange): boolean {
  return replacement !== 'never' || action === 'remove';
}

function resourceText({ role, resource, type, action, replacement, properties }: ResourceChange): string {
  const what = { add: 'is added', remove: '**is deleted**', modify: REPLACEMENT_TEXT[replacement] }[action];
  const because =
    properties.length === 0
      ? ''
      : `, for ${properties.slice(0, SOURCES_SHOWN).map(plainText).join(', ')}${properties.length > SOURCES_SHOWN ? ', …' : ''}`;
  return `- stack ${role}: ${plainText(resource)} (${plainText(type)}) ${what}${because}`;
}

const REPLACEMENT_TEXT: Readonly<Record<ResourceChange['replacement'], string>> = {
  always: '**is replaced**',
  may: 'may be replaced',
  never: 'is changed in place',
  unknown: 'is changed; may replace: unknown',
};

/** Changes of what is replaced come first: they are the dangerous ones; then what goes, then by name. */
function replacementsFirst(group: PlanGroup): (left: Change, right: Change) => number {
  const roles = group.rolls.map((roll) => roll.role);
  const weight = ({ area, action }: Change): number => {
    const index = roles.findIndex((role) => ` ${area},`.includes(` ${role},`));
    if (index >= 0) return index;
    return roles.length + (action === 'delete' ? 0 : 1);
  };
  return (left, right) => weight(left) - weight(right) || (`${left.area} ${left.name}` < `${right.area} ${right.name}` ? -1 : 1);
}

function changeText({ action, area, name, diff, sources, stays }: Change): string[] {
  const verb = stays === true ? 'no longer applied, but kept' : { create: 'new', delete: 'removed', update: 'changed' }[action];
  const fence = longestFence(diff);
  const where = sources.length === 0 ? '' : ` (${sourcesText(sources)})`;
  const summary = `<details><summary>${plainText(area)}: ${plainText(name)} ${verb}${where}</summary>`;
  return [summary, '', `${fence}diff`, diff, fence, '', '</details>'];
}

/** The lines that cause most of a group's changes, first. */
function sourcesOf(group: PlanGroup): Source[] {
  const counted = new Map<string, { source: Source; changes: number }>();
  for (const source of group.changes.flatMap(({ sources }) => sources)) {
    const key = placeText(source);
    counted.set(key, { source, changes: (counted.get(key)?.changes ?? 0) + 1 });
  }
  return [...counted.values()].sort((left, right) => right.changes - left.changes).map(({ source }) => source);
}

function sourcesText(sources: readonly Source[]): string {
  const more = sources.length - SOURCES_SHOWN;
  return `${sources.slice(0, SOURCES_SHOWN).map(placeText).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function placeText({ path, line, side }: Source): string {
  return `${plainText(path)}:${line}${side === 'base' ? ' before the merge' : ''}`;
}

/** A fence that no line of the diff closes. */
function longestFence(text: string): string {
  const longest = [...text.matchAll(/`{3,}/g)].reduce((most, match) => Math.max(most, match[0].length), 2);
  return '`'.repeat(longest + 1);
}

/**
 * Markdown of at most `limit` characters (UTF-16 units, as GitHub counts). Cut between lines, never within a character;
 * an open fence and an open fold are closed, and the last line says that and where to read on. One line that is too long
 * by itself is cut within, at a whole character.
 * @param limit at least 200 @param where where the whole text is, if it is anywhere
 */
export function cutText(text: string, limit: number, where?: string): string {
  if (text.length <= limit) return text;
  const more = where === undefined ? '' : ` The whole text: ${where}`;
  const notice = (left: number): string => `\n**Cut here: ${left} more lines.**${more}\n`;
  const lines = text.split('\n');
  const room = limit - notice(lines.length).length;
  const kept: string[] = [];
  let size = 0;
  let open: readonly string[] = [];
  for (const line of lines) {
    const next = openAfter(open, line);
    const closing = next.reduce((sum, closer) => sum + closer.length + 1, 0);
    if (size + line.length + 1 + closing > room) break;
    kept.push(line);
    size += line.length + 1;
    open = next;
  }
  if (kept.length === 0) return cutLine(text, limit, more);
  return [...kept, ...[...open].reverse()].join('\n') + notice(lines.length - kept.length);
}

function cutLine(text: string, limit: number, more: string): string {
  const notice = `… (cut: ${text.length} characters in all)${more}`;
  const end = limit - notice.length;
  const code = text.charCodeAt(end - 1);
  const splits = code >= 0xd800 && code <= 0xdbff;
  return text.slice(0, splits ? end - 1 : end) + notice;
}

/** What must still be closed after a line: a fold, a fence in it. */
function openAfter(open: readonly string[], line: string): readonly string[] {
  const fence = /^(`{3,})(\w*)$/.exec(line);
  const last = open.at(-1);
  const inFence = last?.startsWith('`') === true;
  if (inFence) return fence !== null && fence[2] === '' && fence[1] === last ? open.slice(0, -1) : open;
  if (fence?.[1] !== undefined) return [...open, fence[1]];
  if (line.startsWith('<details>')) return [...open, '</details>'];
  return line === '</details>' ? open.slice(0, -1) : open;
}

function told(plan: Plan): PlanGroup[] {
  return plan.groups.filter((group) => group.class !== 'nothing');
}

/** What merging does, without what waits for the release of a hold. */
function moving(plan: Plan): PlanGroup[] {
  return told(plan).filter((group) => group.held !== true);
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
