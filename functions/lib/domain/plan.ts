import type { Change, Plan, PlanGroup, Roll, Source } from '#model/plan.ts';
import { ChangeClass } from '#model/render.ts';
import { hashOf } from './hash.ts';
import { isKept } from './inventory.ts';
import { etcdSeats } from './network.ts';
import { type ChangedItem, type ClusterChange, compareCluster } from './plan-compare.ts';
import { diffOf } from './plan-diff.ts';
import { disruptionOf, type Sample } from './plan-forecast.ts';
import { createSides, type PlanChange, type PlanSide, type Sides } from './plan-sides.ts';
import { createSources } from './plan-sources.ts';

/** A cluster with what it has (undefined: it is created) and what it is to get (undefined: it is deleted). */
export type PlanSubject = PlanChange & {
  /** Lines of the settings that cause the change, when settings do. */
  readonly causes?: readonly Source[];
  /** The cluster is held: merging does not change it, the release of its hold will. */
  readonly held?: boolean;
};

/**
 * What the change does to each cluster. What changes is decided on each cluster's own values; equal changes are then told
 * once: a group's diff has `${CLUSTER_NAME}` and the like where clusters differ by nothing but themselves.
 */
export function planChange(subjects: readonly PlanSubject[]): Plan {
  const sides = createSides();
  const groups = new Map<string, { change: ClusterChange; first: PlanSubject; subjects: PlanSubject[] }>();
  for (const subject of subjects) {
    const change = compareCluster(subject, sides);
    const hash = hashOfChange(subject, change);
    const group = groups.get(hash) ?? { change, first: subject, subjects: [] };
    group.subjects.push(subject);
    groups.set(hash, group);
  }
  const told = [...groups].map(([hash, { change, first, subjects: equal }]) => groupOf(hash, change, first, equal, sides));
  return summed(told, subjects.length);
}

/** Groups in the order of their danger, held ones last, with the totals over all clusters that are not held. */
function summed(told: readonly PlanGroup[], clusters: number): Plan {
  const sorted = told.toSorted(
    (left, right) =>
      Number(left.held ?? false) - Number(right.held ?? false) ||
      rank(right.class) - rank(left.class) ||
      right.clusters.length - left.clusters.length,
  );
  const moving = sorted.filter((group) => group.held !== true);
  const affected = moving.filter((group) => group.class !== 'nothing').reduce((sum, group) => sum + group.clusters.length, 0);
  return {
    groups: sorted,
    clusters,
    affected,
    class: moving[0]?.class ?? 'nothing',
    rollsNodes: moving.reduce((sum, group) => sum + group.clusters.length * workerNodes(group.rolls), 0),
  };
}

function hashOfChange(subject: PlanSubject, { class: name, items, rolls, resources }: ClusterChange): string {
  // A cluster that comes or goes does so with everything of its kind; what is its own is left out of it by folding.
  const { configuration, cluster } = sideOf(subject);
  const whole =
    subject.base !== undefined && subject.head !== undefined
      ? []
      : [configuration.revision, cluster.environment, etcdSeats(cluster).length, cluster.region, cluster.channel];
  const held = subject.held === true ? { held: true } : {};
  return hashOf({ name, whole, items: items.map(({ key, hash }) => [key, hash]), rolls, resources, ...held });
}

function sideOf(subject: PlanSubject): PlanSide {
  return subject.head ?? subject.base;
}

function groupOf(hash: string, change: ClusterChange, first: PlanSubject, subjects: readonly PlanSubject[], sides: Sides): PlanGroup {
  const sourcesOf = createSources(first.base, sideOf(first));
  const causes = subjects.flatMap((subject) => subject.causes ?? []);
  const changes = change.items.map((item) => changeOf(item, [...causes, ...sourcesOf(item)]));
  return {
    hash,
    class: change.class,
    clusters: subjects.map((subject) => sideOf(subject).cluster.name),
    ...(first.held === true ? { held: true } : {}),
    changes: alike(changes),
    rolls: change.rolls,
    resources: change.resources,
    disruption: disruptionOf(
      change,
      subjects.flatMap(({ base }) => (base === undefined ? [] : [sides.of(base).render])),
      samplesOf(subjects, sides),
    ),
  };
}

/** The first cluster of each environment that exists. */
function samplesOf(subjects: readonly PlanSubject[], sides: Sides): Sample[] {
  const first = new Map<string, Sample>();
  for (const { base } of subjects)
    if (base !== undefined && !first.has(base.cluster.environment))
      first.set(base.cluster.environment, { render: sides.of(base).render, environment: base.cluster.environment });
  return [...first.values()];
}

function changeOf({ before, after }: ChangedItem, sources: readonly Source[]): Change {
  const { area, name } = after ?? before ?? { area: '', name: '' };
  const action = before === undefined ? 'create' : after === undefined ? 'delete' : 'update';
  const stays = after === undefined && before?.kind === 'object' && isKept(name.split(' ')[0] ?? '');
  return { action, area, name, diff: diffOf(before?.value, after?.value), sources, ...(stays ? { stays } : {}) };
}

/** Changes of the same name and text in several stacks, or on the instances of several, are told once. */
function alike(changes: readonly Change[]): Change[] {
  const told = new Map<string, Change>();
  for (const change of changes) {
    const [, where, role] = /^(stack|instances of) (\S+)$/.exec(change.area) ?? [];
    const key = where === undefined ? `${told.size}` : hashOf([where, change.action, change.name, change.diff]);
    const known = told.get(key);
    if (known === undefined) told.set(key, change);
    else told.set(key, { ...known, area: `${known.area}, ${role}`, sources: mergedSources(known.sources, change.sources) });
  }
  return [...told.values()];
}

function mergedSources(left: readonly Source[], right: readonly Source[]): Source[] {
  const keyOf = ({ side, path, line }: Source): string => `${side} ${path}:${line}`;
  return [...new Map([...left, ...right].map((source) => [keyOf(source), source])).values()];
}

function rank(name: ChangeClass): number {
  return ChangeClass.options.indexOf(name);
}

function workerNodes(rolls: readonly Roll[]): number {
  return rolls.filter((roll) => roll.role.startsWith('pool-') && roll.reason !== 'new').reduce((sum, roll) => sum + roll.instances, 0);
}
