import type { ChangeClass } from '#model/render.ts';
import type { Plan, PlanGroup, Roll } from './plan.ts';

/** What surrounds a plan, for its text. */
export interface PlanContext {
  readonly channel: string;
  /** Channels that get the change later, by promotion, each with its number of clusters. */
  readonly downstream: readonly { readonly channel: string; readonly clusters: number }[];
  /** What is not in the groups, such as clusters that are to be deleted. */
  readonly notes: readonly string[];
}

const CLASS_TEXT: Readonly<Record<ChangeClass, string>> = {
  nothing: 'nothing changes',
  manifests: 'in place, nothing restarts but the changed workloads',
  'worker-roll': 'nodes are replaced',
  'control-plane-roll': 'the control plane is replaced',
  etcd: 'etcd members are replaced',
  identity: 'certificates or keys change',
  creation: 'the cluster is created',
};

/** Names in a group's heading before it says how many more there are. */
const NAMES_SHOWN = 8;

/** One line for the check's title: how far it reaches. At most 200 characters. */
export function planTitle(plan: Plan): string {
  if (plan.affected === 0) return 'No cluster changes';
  const nodes = plan.rollsNodes === 0 ? 'no node rolls' : `${count(plan.rollsNodes, 'node')} ${plan.rollsNodes === 1 ? 'rolls' : 'roll'}`;
  return `${count(plan.affected, 'cluster')}, ${count(distinct(plan), 'distinct change')}, ${nodes}: ${CLASS_TEXT[plan.class]}`;
}

/** The whole plan as Markdown: how far it reaches, a table by class, then each group with its diffs folded. */
export function planMarkdown(plan: Plan, context: PlanContext): string {
  const told = plan.groups.filter((group) => group.class !== 'nothing');
  const same = plan.clusters - plan.affected;
  const lines = [
    `**${planTitle(plan)}.**`,
    '',
    ...context.notes.map((note) => `- ${note}`),
    ...(context.notes.length > 0 ? [''] : []),
    ...(told.length === 0 ? [] : [...table(told), '']),
    ...(same > 0 && told.length > 0
      ? [`${count(same, 'other cluster')} of this change ${same === 1 ? 'stays as it is' : 'stay as they are'}.`, '']
      : []),
    ...reach(context),
    ...told.flatMap((group, index) => groupText(group, index + 1)),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

function table(groups: readonly PlanGroup[]): string[] {
  return [
    '| | what happens | clusters | instances | objects |',
    '| --- | --- | --- | --- | --- |',
    ...groups.map((group, index) => {
      const rolls = group.rolls.map(rollText).join(', ') || 'none';
      return `| ${index + 1} | ${CLASS_TEXT[group.class]} | ${group.clusters.length} | ${rolls} | ${group.changes.length} |`;
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

function groupText(group: PlanGroup, number: number): string[] {
  const names = group.clusters.slice(0, NAMES_SHOWN).join(', ');
  const more = group.clusters.length - NAMES_SHOWN;
  const heading = `### ${number}. ${count(group.clusters.length, 'cluster')}: ${CLASS_TEXT[group.class]}`;
  const who = `${names}${more > 0 ? ` and ${more} more` : ''}`;
  return [heading, who, '', ...[...group.changes].sort(replacementsFirst(group)).flatMap(changeText), ''];
}

/** Changes of what is replaced come first: they are the dangerous ones. */
function replacementsFirst(group: PlanGroup): (left: { area: string; name: string }, right: { area: string; name: string }) => number {
  const roles = group.rolls.map((roll) => roll.role);
  const weight = (area: string): number => {
    const index = roles.findIndex((role) => area === `instances of ${role}` || area === `stack ${role}`);
    return index < 0 ? roles.length : index;
  };
  return (left, right) => weight(left.area) - weight(right.area) || (`${left.area} ${left.name}` < `${right.area} ${right.name}` ? -1 : 1);
}

function changeText({ action, area, name, diff }: { action: string; area: string; name: string; diff: string }): string[] {
  const verb = { create: 'new', delete: 'removed', update: 'changed' }[action] ?? action;
  const fence = longestFence(diff);
  return [`<details><summary>${escaped(area)}: ${escaped(name)} ${verb}</summary>`, '', `${fence}diff`, diff, fence, '', '</details>'];
}

/** A fence that no line of the diff closes. */
function longestFence(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map((match) => match[0].length));
  return '`'.repeat(longest + 1);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
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

function distinct(plan: Plan): number {
  return plan.groups.filter((group) => group.class !== 'nothing').length;
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
