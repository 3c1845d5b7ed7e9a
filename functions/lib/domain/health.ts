import type { Health, HealthProblem, Scope } from '../model/health.ts';
import type { ApiProbe } from '../ports/kubernetes.ts';
import { hashOf } from './hash.ts';

/** Median of new connections with /readyz and /version; Kubernetes' own objective for reads is 1 s at p99. */
const SLOW_MILLISECONDS = 1000;
/** Slower than before counts from here on, and only by so much: machines differ from minute to minute. */
const NOTICED_MILLISECONDS = 500;
const TIMES_SLOWER = 3;

/** What is kept of a look to be shown: a state machine's data is 256 KiB at most. */
const MOST_PROBLEMS = 20;
const LONGEST_REASON = 200;
/** Of the look before the update every subject counts later: 5,000 nodes are the most that Kubernetes supports, 55 KB as marks. */
const MOST_NODE_MARKS = 5000;
/** And these go along twice, in the record of the update too: 11 KB. */
const MOST_OTHER_MARKS = 1000;
/** 32 bits: that a new problem has the mark of one of 6,000 old ones is one in 700,000. */
const MARK_DIGITS = 8;

/**
 * Between the look before the update and the next places single nodes die or are taken back by the cloud: the roll replaces
 * them. A quarter more of all nodes, and more than one, is no such churn: a lost zone of three is a third, a broken network all.
 */
const MUCH_MORE = 0.25;
const FEW_NODES = 1;

export const API = 'the API';
const NODE = 'node ';
const SPEED = 'the speed of the API';

/** What the API's own answers tell. */
export function apiProblems(probes: readonly ApiProbe[]): HealthProblem[] {
  const failed = probes.filter(({ ready }) => !ready);
  const [first] = failed;
  if (first === undefined) return [];
  return [{ subject: API, reason: `${failed.length} of ${probes.length} connections: ${first.reason}` }];
}

/** As it is shown: nodes last, and cut. A look is judged whole. */
export function kept(health: Health): Health {
  return { ...health, problems: nodesLast(health.problems).slice(0, MOST_PROBLEMS).map(shortened) };
}

/** The look before the update as it is kept for comparing later: what is not shown is known by its mark. */
export function keptBefore(health: Health): Health {
  const all = { ...health, problems: [...tooSlow(health), ...health.problems] };
  const rest = nodesLast(all.problems).slice(MOST_PROBLEMS);
  if (rest.length === 0) return kept(all);
  const marks = (ofNodes: boolean, most: number): string[] =>
    rest
      .filter((problem) => isNode(problem) === ofNodes)
      .slice(0, most)
      .map(({ subject }) => mark(subject));
  return { ...kept(all), unshown: { nodes: marks(true, MOST_NODE_MARKS), others: marks(false, MOST_OTHER_MARKS) } };
}

/** What begins an update notes of the look before it: subjects and marks, without nodes, which break by themselves. */
export function notedBefore({ problems, unshown }: Health): string[] {
  return [...problems.filter((problem) => !isNode(problem)).map(({ subject }) => subject), ...(unshown?.others ?? [])];
}

function mark(subject: string): string {
  return hashOf(subject).slice(0, MARK_DIGITS);
}

function isNode({ subject }: HealthProblem): boolean {
  return subject.startsWith(NODE);
}

function nodesLast(problems: readonly HealthProblem[]): HealthProblem[] {
  return [...problems.filter((problem) => !isNode(problem)), ...problems.filter(isNode)];
}

function shortened({ reason, ...problem }: HealthProblem): HealthProblem {
  return { ...problem, reason: reason.slice(0, LONGEST_REASON) };
}

/** `node ip-10-1-2-3`: the subject of a node's problems. */
export function nodeSubject(name: string): string {
  return `${NODE}${name}`;
}

/** The nodes are rolled after these. */
const BEFORE_ROLL: readonly Scope[] = ['before-control-plane', 'control-plane', 'before-nodes'];
/** Up to here an update may be what mends the cluster: what its phases apply to the system comes only after the control plane. */
const MENDED_LATER: readonly Scope[] = ['before-control-plane', 'control-plane'];

/**
 * What the look before the update excuses. When an update ends half-way and the same is tried again, what that try has broken is
 * not well before the next one: it is no older than the change and must not pass for it once the system's components were
 * applied again. Until then it does, else nothing would ever come to mend it. Nodes break by themselves, and are what the
 * update replaces.
 * @param first of `notedBefore` the first try with the same render; undefined when it was not noted
 */
function excusing(scope: Scope, before: Health | undefined, first: readonly string[] | undefined): (problem: HealthProblem) => boolean {
  const { nodes = [], others = [] } = before?.unshown ?? {};
  const known = new Set([...(before?.problems ?? []).map(({ subject }) => subject), ...nodes, ...others]);
  const old = first === undefined || MENDED_LATER.includes(scope) ? undefined : new Set(first);
  const has = (subjects: ReadonlySet<string>, subject: string) => subjects.has(subject) || subjects.has(mark(subject));
  return (problem) => has(known, problem.subject) && (old === undefined || isNode(problem) || has(old, problem.subject));
}

interface HealthVerdict {
  /** What must go before the update goes on. */
  readonly problems: readonly HealthProblem[];
  /** What was so before the update already: told, and not its fault. */
  readonly asBefore: readonly HealthProblem[];
}

/** What a look at one place of an update means. */
interface PlaceVerdict extends HealthVerdict {
  /** What is left to the nodes, which come next. */
  readonly later: readonly HealthProblem[];
}

/**
 * Judges a look at one place of an update, by the look before it; without one, everything that is not well counts.
 * @param now the whole look, not what is kept of it
 * @param before the look before the update; undefined for a cluster that is created
 * @param first subjects that were not well before the first try with the same render; undefined when they were not noted
 */
export function verdictAt(now: Health, scope: Scope, before: Health | undefined, first: readonly string[] | undefined): PlaceVerdict {
  const isOld = excusing(scope, before, first);
  const nodesDue = before === undefined || manyMoreUnready(now, before);
  const due = now.problems.filter((problem) => isDue(problem, scope, before !== undefined, nodesDue || isOld(problem)));
  const later = before === undefined ? [] : now.problems.filter((problem) => !due.includes(problem));
  const all = [...due, ...tooSlow(now)];
  const problems = [...all.filter((problem) => !isOld(problem)), ...slowed(now, scope, before)];
  return { problems: nodesLast(problems), asBefore: nodesLast(all.filter(isOld)), later };
}

/** Whether a problem is the business of this place of the update. @param update the cluster existed before */
function isDue(problem: HealthProblem, scope: Scope, update: boolean, nodesDue: boolean): boolean {
  // A creation that begins anew has workloads of the first try and no node for them yet: only the API counts before the pools.
  if (!update && (scope === 'control-plane' || scope === 'before-nodes')) return problem.subject === API;
  if (!BEFORE_ROLL.includes(scope)) return true;
  if (isNode(problem)) return nodesDue;
  return scope === 'control-plane' || problem.forNodes !== true;
}

/** Where no node could be counted before, how many were not Ready is not known. */
function manyMoreUnready(now: Health, before: Health): boolean {
  if (before.nodes === 0 || now.nodes === 0) return false;
  const [is, was] = [unready(now), unready(before)];
  return is - was > FEW_NODES && is / now.nodes - was / before.nodes > MUCH_MORE;
}

function unready({ problems, unshown }: Health): number {
  return problems.filter(isNode).length + (unshown?.nodes.length ?? 0);
}

function tooSlow({ apiMilliseconds }: Health): HealthProblem[] {
  if (apiMilliseconds <= SLOW_MILLISECONDS) return [];
  return [{ subject: SPEED, reason: `${apiMilliseconds} ms, more than ${SLOW_MILLISECONDS} ms` }];
}

/** Slower than before the update. An API that was too slow before varies, and its control plane may be replaced by a bigger one. */
function slowed({ apiMilliseconds }: Health, scope: Scope, before: Health | undefined): HealthProblem[] {
  if (before === undefined || apiMilliseconds <= NOTICED_MILLISECONDS || apiMilliseconds <= before.apiMilliseconds * TIMES_SLOWER)
    return [];
  const wasTooSlow = before.apiMilliseconds > SLOW_MILLISECONDS;
  // From 500 ms to 1 s nothing else tells it; beyond that, the limit does, but where it was beyond it before.
  if (wasTooSlow ? scope === 'before-control-plane' : apiMilliseconds > SLOW_MILLISECONDS) return [];
  return [{ subject: SPEED, reason: `${apiMilliseconds} ms, ${before.apiMilliseconds} ms before the update` }];
}

/** For people, cut. @param shown how many are told, the others are counted */
export function formatProblems(problems: readonly HealthProblem[], shown: number): string {
  const texts = problems.slice(0, shown).map(({ subject, reason }) => `${subject}: ${reason.slice(0, LONGEST_REASON)}`);
  return `${texts.join(' | ')}${problems.length > shown ? ` (and ${problems.length - shown} more)` : ''}`;
}
