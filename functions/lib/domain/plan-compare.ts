import type { Pool } from '#model/configuration.ts';
import type { ResourceChange, Roll } from '#model/plan.ts';
import type { ChangeClass, RenderedStack } from '#model/render.ts';
import { canonicalJson } from './hash.ts';
import { isKept } from './inventory.ts';
import { escaped, mapStrings, unfold } from './plan-fold.ts';
import type { PlanItem } from './plan-items.ts';
import { instancesOf, resourceChanges } from './plan-resources.ts';
import { type Candidate, type FoldedSide, isRaw, type PlanChange, type PlanSide, type Sides, stackOf, templateOf } from './plan-sides.ts';
import { resolveResources } from './plan-template.ts';
import { ALL_ZONES, zonesOfPool } from './pool-zones.ts';
import { ownVariables } from './render.ts';
import { isRotated } from './rotation.ts';
import type { Variables } from './variables.ts';

/** A thing that changes on a cluster. Values are folded where that hides nothing, else the cluster's own. */
export interface ChangedItem {
  readonly key: string;
  readonly before: PlanItem | undefined;
  readonly after: PlanItem | undefined;
  readonly hash: string;
}

/** All that a change does to one cluster. */
export interface ClusterChange {
  readonly class: ChangeClass;
  readonly items: readonly ChangedItem[];
  readonly rolls: readonly Roll[];
  readonly resources: readonly ResourceChange[];
}

/** One side with everything that the comparison of a cluster needs. */
interface Side {
  readonly folded: FoldedSide;
  readonly own: Variables;
}

/** What changes on a cluster from base to head, decided on the cluster's own values. */
export function compareCluster({ base, head }: PlanChange, sides: Sides): ClusterChange {
  if (head === undefined) return deletion(sideOf(base, sides));
  const after = sideOf(head, sides);
  if (base === undefined) return creation(after);
  const before = sideOf(base, sides);
  const items = changedItems(before, after, sides);
  const stacks = changedStacks(before, after, items);
  const rolls = stacks.flatMap((stack) => rollOf(stack, before, after, sides));
  const resources = stacks.flatMap((stack) => resourcesOf(stack, before, after));
  const rotated = isRotated(base.configuration.versions, head.configuration.versions);
  return { class: classOf(rolls, resources, items, rotated), items, rolls, resources };
}

function sideOf(side: PlanSide, sides: Sides): Side {
  return { folded: sides.of(side), own: ownVariables(side.cluster, side.configuration.versions) };
}

function creation(side: Side): ClusterChange {
  const items = [...side.folded.items].map(([key, after]) => ({ key, before: undefined, after, hash: '' }));
  const rolls = side.folded.render.stacks
    .filter(hasInstances)
    .map((stack): Roll => ({ role: stack.role, ...sizeOf(stack, side), reason: 'new' }));
  return { class: 'creation', items, rolls, resources: [] };
}

/** With its stacks goes all that is in them; the objects in the cluster are not listed. */
function deletion(side: Side): ClusterChange {
  const { stacks } = side.folded.render;
  const rolls = stacks.filter(hasInstances).map((stack): Roll => ({ role: stack.role, ...sizeOf(stack, side), reason: 'removed' }));
  return { class: 'deletion', items: [], rolls, resources: stacks.map(({ role }) => wholeStack(role, 'remove')) };
}

function changedItems(before: Side, after: Side, sides: Sides): ChangedItem[] {
  const pair = sides.pair(before.folded, after.folded);
  // A live cluster keeps its name, account and network: then only what differs folded can differ on the cluster.
  const sameOwn = canonicalJson(before.own) === canonicalJson(after.own);
  const candidates = sameOwn ? pair.changed : pair.all.filter(({ differs, own }) => differs || own);
  return joined(candidates, before.own, after.own).flatMap((candidate) => {
    if (!candidate.own) return [candidate];
    const left = realItem(candidate.before, before.own);
    const right = realItem(candidate.after, after.own);
    if (canonicalJson(left?.value) === canonicalJson(right?.value)) return [];
    if (sameOwn && candidate.differs && foldsExactly(candidate, before.own, sides)) return [candidate];
    const key = unfold(candidate.key, after.own);
    return [{ key, before: left, after: right, hash: canonicalJson([left?.value, right?.value]) }];
  });
}

/** Candidates that are one thing on this cluster (a literal name became the variable of that value) are brought together. */
function joined(candidates: readonly Candidate[], before: Variables, after: Variables): Candidate[] {
  if (!candidates.some(({ key }) => key.includes('${'))) return [...candidates];
  const byKey = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const key = unfold(candidate.key, candidate.after === undefined ? before : after);
    const other = byKey.get(key);
    const one = candidate;
    if (other === undefined) byKey.set(key, one);
    else byKey.set(key, { key, before: other.before ?? one.before, after: other.after ?? one.after, differs: false, own: true, hash: '' });
  }
  return [...byKey.values()];
}

/** The cluster's own values, written as folded ones are: `$${X}` for the literal `${X}`. */
function realItem(item: PlanItem | undefined, own: Variables): PlanItem | undefined {
  if (item === undefined || isRaw(item)) return item;
  const real = (text: string): string => escaped(unfold(text, own));
  return { ...item, name: real(item.name), value: mapStrings(item.value, real) };
}

/**
 * True when the folded difference is the cluster's, line by line: a diff depends only on which lines are equal, so it is
 * when no two different folded lines become the same line.
 */
function foldsExactly(candidate: Candidate, own: Variables, sides: Sides): boolean {
  if (candidate.before === undefined || candidate.after === undefined) return true;
  const lines = sides.lines(candidate);
  const real = new Set(lines.own.map((line) => unfold(line, own)));
  return real.size === lines.own.length && [...real].every((line) => !lines.plain.has(line));
}

interface ChangedStack {
  readonly role: string;
  /** The Ignition document of its instances changes. */
  readonly document: boolean;
}

function changedStacks(before: Side, after: Side, items: readonly ChangedItem[]): ChangedStack[] {
  const kinds = new Map<string, Set<string>>();
  for (const item of items) {
    const { kind, part } = item.after ?? item.before ?? { kind: 'object', part: '' };
    if (kind === 'object' || kind === 'component' || kind === 'deletion') continue;
    kinds.set(part, (kinds.get(part) ?? new Set()).add(kind));
  }
  const roles = [...new Set([...before.folded.render.stacks, ...after.folded.render.stacks].map(({ role }) => role))];
  return roles.flatMap((role) => {
    const own = kinds.get(role);
    return own === undefined ? [] : [{ role, document: own.has('file') || own.has('unit') }];
  });
}

function rollOf({ role, document }: ChangedStack, before: Side, after: Side, sides: Sides): Roll[] {
  const [left, right] = [stackOf(before.folded, role), stackOf(after.folded, role)];
  if (left === undefined || right === undefined) {
    const stack = left ?? right;
    if (stack === undefined || !hasInstances(stack)) return [];
    return [{ role, ...sizeOf(stack, right === undefined ? before : after), reason: right === undefined ? 'removed' : 'new' }];
  }
  if (!hasInstances(left)) return [];
  const old = sides.launchTemplates(templateOf(before.folded.configuration, role));
  const now = sides.launchTemplates(templateOf(after.folded.configuration, role));
  const used = [...new Set([...old.parameters, ...now.parameters])];
  const another = used.some((name) =>
    name === 'IgnitionHash' || name === 'IgnitionUrl' ? document : value(left, name, before.own) !== value(right, name, after.own),
  );
  return old.hash === now.hash && !another ? [] : [{ role, ...sizeOf(left, before), reason: 'replaced' }];
}

function value(stack: RenderedStack, name: string, own: Variables): string | undefined {
  const text = stack.parameters[name];
  return text === undefined ? undefined : unfold(text, own);
}

function resourcesOf({ role, document }: ChangedStack, before: Side, after: Side): ResourceChange[] {
  const [left, right] = [stackOf(before.folded, role), stackOf(after.folded, role)];
  if (left === undefined || right === undefined) {
    return [wholeStack(role, left === undefined ? 'add' : 'remove')];
  }
  return resourceChanges(role, resolved(left, before, document ? 'before' : ''), resolved(right, after, document ? 'after' : ''));
}

function wholeStack(role: string, action: 'add' | 'remove'): ResourceChange {
  return { role, resource: 'the whole stack', type: 'AWS::CloudFormation::Stack', action, replacement: 'never', properties: [] };
}

function resolved(stack: RenderedStack, side: Side, document?: string): ReturnType<typeof resolveResources> {
  const parameters = Object.fromEntries(Object.entries(stack.parameters).map(([name, text]) => [name, unfold(text, side.own)]));
  const ignition = document === undefined || !('IgnitionHash' in parameters) ? {} : { IgnitionHash: document, IgnitionUrl: document };
  return resolveResources(templateOf(side.folded.configuration, stack.role), { ...parameters, ...ignition });
}

function hasInstances({ ignition }: RenderedStack): boolean {
  return ignition !== undefined;
}

/** Instances by the sizes in the template; a pool's size or one where the template leaves it open. */
function sizeOf(stack: RenderedStack, side: Side): Pick<Roll, 'instances' | 'zones'> {
  const pool = side.folded.render.pools.find(({ name }) => `pool-${name}` === stack.role);
  const instances = instancesOf(resolved(stack, side)) ?? pool?.size ?? 1;
  const zones = zonesOf(stack, pool);
  return { instances, zones: zones.slice(0, Math.max(1, instances)) };
}

/** Zones by the subnets that a stack is given: the list of all three, a pool's own, or single ones. */
function zonesOf({ parameters, role }: RenderedStack, pool: Pool | undefined): string[] {
  if (pool !== undefined && `pool-${pool.name}` === role) return zonesOfPool(pool);
  if ('SubnetIds' in parameters) return [...ALL_ZONES];
  return ALL_ZONES.filter((zone) => `Subnet${zone.toUpperCase()}` in parameters);
}

/** Whether the deletion of an object takes data or other objects with it. */
function takesOthers(kind: string): boolean {
  return isKept(kind) || kind === 'StatefulSet';
}

function classOf(
  rolls: readonly Roll[],
  resources: readonly ResourceChange[],
  items: readonly ChangedItem[],
  rotated: boolean,
): ChangeClass {
  if (resources.some(({ replacement }) => replacement === 'always')) return 'replacement';
  if (resources.some(({ action }) => action === 'remove') || items.some(takesData)) return 'deletion';
  const roles = rolls.filter(({ reason }) => reason !== 'new').map((roll) => roll.role);
  if (roles.includes('etcd')) return 'etcd';
  if (rotated) return 'identity';
  if (roles.includes('control-plane')) return 'control-plane-roll';
  if (roles.length > 0) return 'worker-roll';
  return items.length > 0 ? 'manifests' : 'nothing';
}

/** What pruning keeps goes only by `deletions.yaml`, whenever its manifest went. */
function takesData({ before, after }: ChangedItem): boolean {
  if (after?.kind === 'deletion') return before === undefined && takesOthers(kindOf(after.value));
  return after === undefined && before?.kind === 'object' && !isKept(kindOf(before.value)) && takesOthers(kindOf(before.value));
}

function kindOf(value: unknown): string {
  return typeof value === 'object' && value !== null && 'kind' in value ? String(value.kind) : '';
}
