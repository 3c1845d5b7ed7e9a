import { createTwoFilesPatch } from 'diff';
import { stringify } from 'yaml';
import { ChangeClass, type Render } from '#model/render.ts';
import type { ClusterRef } from '#model/settings.ts';
import type { Configuration } from './configuration.ts';
import { canonicalJson, hashOf } from './hash.ts';
import { launchTemplateFingerprint } from './launch-template.ts';
import { masked, type PlanItem, planItems } from './plan-items.ts';
import { render } from './render.ts';
import type { TemplateName } from './stack-parameters.ts';

/** What changes of one thing. `diff` is unified, without a header, of YAML with keys in order. */
interface Change {
  readonly action: 'create' | 'update' | 'delete';
  readonly area: string;
  readonly name: string;
  readonly diff: string;
}

/** Instances that are replaced, or come or go with their whole pool. */
export interface Roll {
  readonly role: string;
  readonly instances: number;
  readonly reason: 'replaced' | 'new' | 'removed';
}

/** Clusters to which exactly the same happens. */
export interface PlanGroup {
  readonly hash: string;
  readonly class: ChangeClass;
  readonly clusters: readonly string[];
  readonly changes: readonly Change[];
  readonly rolls: readonly Roll[];
}

export interface Plan {
  /** Most dangerous class first. */
  readonly groups: readonly PlanGroup[];
  readonly clusters: number;
  readonly affected: number;
  readonly class: ChangeClass;
  /** Worker nodes that are replaced or removed, over all clusters. */
  readonly rollsNodes: number;
}

/** A cluster with what it has (undefined: it is created) and what it is to get. */
export interface PlanSubject {
  readonly base: { readonly configuration: Configuration; readonly cluster: ClusterRef } | undefined;
  readonly head: { readonly configuration: Configuration; readonly cluster: ClusterRef };
}

interface ClusterPlan {
  readonly cluster: string;
  readonly class: ChangeClass;
  readonly rolls: readonly Roll[];
  readonly keys: readonly string[];
  readonly subject: PlanSubject;
}

/** Lines around a change in a diff. */
const CONTEXT_LINES = 3;

/**
 * What the change does to each cluster. What changes is decided on each cluster's own render; equal changes are then
 * told once: a group's diff has `${CLUSTER_NAME}` and the like where clusters differ by nothing but themselves.
 */
export function planChange(subjects: readonly PlanSubject[]): Plan {
  const foldedItems = createFoldedItems();
  const groups = new Map<string, { plan: ClusterPlan; clusters: string[] }>();
  for (const subject of subjects) {
    const plan = planCluster(subject);
    const folded = plan.keys.map((key) => [key, ...foldedItems(subject).map((items) => items.get(key)?.value ?? null)]);
    const hash = hashOf({ class: plan.class, rolls: plan.rolls, folded });
    const group = groups.get(hash) ?? { plan, clusters: [] };
    group.clusters.push(plan.cluster);
    groups.set(hash, group);
  }
  const told = [...groups].map(([hash, { plan, clusters }]): PlanGroup => {
    const [before, after] = foldedItems(plan.subject);
    const changes = plan.class === 'creation' ? [] : plan.keys.map((key) => changeOf(before.get(key), after.get(key)));
    return { hash, class: plan.class, clusters, changes, rolls: plan.rolls };
  });
  const sorted = told.sort((left, right) => rank(right.class) - rank(left.class) || right.clusters.length - left.clusters.length);
  const affected = sorted.filter((group) => group.class !== 'nothing').reduce((sum, group) => sum + group.clusters.length, 0);
  return {
    groups: sorted,
    clusters: subjects.length,
    affected,
    class: sorted[0]?.class ?? 'nothing',
    rollsNodes: sorted.reduce((sum, group) => sum + group.clusters.length * workerNodes(group.rolls), 0),
  };
}

/** Folded items of both sides; clusters that differ by their own variables only share them. */
function createFoldedItems(): (subject: PlanSubject) => [Map<string, PlanItem>, Map<string, PlanItem>] {
  const known = new Map<string, Map<string, PlanItem>>();
  const side = (one: PlanSubject['base']): Map<string, PlanItem> => {
    if (one === undefined) return new Map();
    const { environment, region, channel } = one.cluster;
    const key = canonicalJson([one.configuration.revision, environment, region, channel]);
    const items = known.get(key) ?? planItems(render(one.configuration, one.cluster, { folded: true }));
    known.set(key, items);
    return items;
  };
  return (subject) => [side(subject.base), side(subject.head)];
}

function planCluster(subject: PlanSubject): ClusterPlan {
  const head = render(subject.head.configuration, subject.head.cluster);
  const cluster = subject.head.cluster.name;
  if (subject.base === undefined) {
    const rolls = head.stacks
      .filter(hasInstances)
      .map((stack): Roll => ({ role: stack.role, instances: instancesOf(head, stack.role), reason: 'new' }));
    return { cluster, class: 'creation', rolls, keys: [], subject };
  }
  const base = render(subject.base.configuration, subject.base.cluster);
  const before = planItems(base);
  const after = planItems(head);
  const keys = [...new Set([...before.keys(), ...after.keys()])].filter(
    (key) => canonicalJson(before.get(key)?.value ?? null) !== canonicalJson(after.get(key)?.value ?? null),
  );
  const rolls = rollsOf(subject.base.configuration, base, subject.head.configuration, head);
  return { cluster, class: classOf(rolls, keys), rolls, keys, subject };
}

function rollsOf(baseConfiguration: Configuration, base: Render, headConfiguration: Configuration, head: Render): Roll[] {
  const before = fingerprints(baseConfiguration, base);
  const after = fingerprints(headConfiguration, head);
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((role): Roll[] => {
    if (before.get(role) === after.get(role)) return [];
    if (!after.has(role)) return [{ role, instances: instancesOf(base, role), reason: 'removed' }];
    return [{ role, instances: instancesOf(before.has(role) ? base : head, role), reason: before.has(role) ? 'replaced' : 'new' }];
  });
}

function fingerprints(configuration: Configuration, rendered: Render): Map<string, string> {
  return new Map(
    rendered.stacks
      .filter(hasInstances)
      .map((stack) => [stack.role, launchTemplateFingerprint(configuration.templates[templateOf(stack.role)], stack.parameters)]),
  );
}

function templateOf(role: string): TemplateName {
  if (role === 'network' || role === 'etcd' || role === 'control-plane') return role;
  return 'node-pool';
}

function hasInstances(stack: { readonly role: string }): boolean {
  return stack.role !== 'network';
}

/** One etcd member and one API server in this version; a pool has its size. */
function instancesOf(rendered: Render, role: string): number {
  return rendered.pools.find((pool) => `pool-${pool.name}` === role)?.size ?? 1;
}

function classOf(rolls: readonly Roll[], keys: readonly string[]): ChangeClass {
  const roles = rolls.map((roll) => roll.role);
  if (roles.includes('etcd')) return 'etcd';
  if (roles.includes('control-plane')) return 'control-plane-roll';
  if (roles.length > 0) return 'worker-roll';
  return keys.length > 0 ? 'manifests' : 'nothing';
}

function rank(name: ChangeClass): number {
  return ChangeClass.options.indexOf(name);
}

function workerNodes(rolls: readonly Roll[]): number {
  return rolls.filter((roll) => roll.role.startsWith('pool-') && roll.reason !== 'new').reduce((sum, roll) => sum + roll.instances, 0);
}

function changeOf(before: PlanItem | undefined, after: PlanItem | undefined): Change {
  const { area, name } = after ?? before ?? { area: '', name: '' };
  const [left, right] = masked(before?.value, after?.value);
  const patch = createTwoFilesPatch('a', 'b', textOf(left), textOf(right), '', '', { context: CONTEXT_LINES });
  const action = before === undefined ? 'create' : after === undefined ? 'delete' : 'update';
  return { action, area, name, diff: patch.split('\n').slice(4).join('\n').trimEnd() };
}

/** Canonical text: YAML with keys in order, so that only differences of meaning show. A template is its own text. */
function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : stringify(value, { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false });
}
