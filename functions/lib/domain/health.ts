import type { Health, HealthProblem, Scope } from '../model/health.ts';
import type { ApiProbe } from '../ports/kubernetes.ts';

/** Median of new connections with /readyz and /version; Kubernetes' own objective for reads is 1 s at p99. */
const SLOW_MILLISECONDS = 1000;
/** Slower than before counts from here on, and only by so much: machines differ from minute to minute. */
const NOTICED_MILLISECONDS = 500;
const TIMES_SLOWER = 3;

/** What is kept of a look: a state machine's data is small. */
const MOST_PROBLEMS = 20;
const LONGEST_REASON = 200;

export const API = 'the API';
const NODE = 'node ';

/** What the API's own answers tell. */
export function apiProblems(probes: readonly ApiProbe[]): HealthProblem[] {
  const failed = probes.filter(({ ready }) => !ready);
  const [first] = failed;
  if (first === undefined) return [];
  return [{ subject: API, reason: `${failed.length} of ${probes.length} connections: ${first.reason}` }];
}

/** As it is kept for comparing later. */
export function kept(health: Health): Health {
  const problems = health.problems.slice(0, MOST_PROBLEMS);
  return { ...health, problems: problems.map(({ reason, ...problem }) => ({ ...problem, reason: reason.slice(0, LONGEST_REASON) })) };
}

/** `node ip-10-1-2-3`: the subject of a node's problems. */
export function nodeSubject(name: string): string {
  return `${NODE}${name}`;
}

/**
 * The look before the update as far as it excuses what is not well now. When an update ends half-way and the same is tried
 * again, what that try has broken is not well before the next one: it is no older than the change and must not pass for it.
 * Nodes break by themselves, and are what the update replaces.
 * @param first subjects that were not well before the first try with the same render; undefined when they were not noted
 */
function excusing(before: Health | undefined, first: readonly string[] | undefined): Health | undefined {
  if (before === undefined || first === undefined) return before;
  const known = new Set(first);
  return { ...before, problems: before.problems.filter(({ subject }) => known.has(subject) || subject.startsWith(NODE)) };
}

interface HealthVerdict {
  /** What must go before the update goes on. */
  readonly problems: readonly HealthProblem[];
  /** What was so before the update already: told, and not its fault. */
  readonly asBefore: readonly HealthProblem[];
}

/** Compares with the look before the update; without one, everything that is not well counts. */
function judgeHealth(now: Health, before: Health | undefined): HealthVerdict {
  const known = new Set(before?.problems.map(({ subject }) => subject));
  const all = [...now.problems, ...slowness(now, before)];
  return { problems: all.filter(({ subject }) => !known.has(subject)), asBefore: all.filter(({ subject }) => known.has(subject)) };
}

/** What a look at one place of an update means. */
interface PlaceVerdict extends HealthVerdict {
  /** What is left to the nodes, which come next. */
  readonly later: readonly HealthProblem[];
}

/**
 * Judges a look at one place of an update.
 * @param before the look before the update; undefined for a cluster that is created
 * @param first subjects that were not well before the first try with the same render; undefined when they were not noted
 */
export function verdictAt(now: Health, scope: Scope, before: Health | undefined, first: readonly string[] | undefined): PlaceVerdict {
  const problems = now.problems.filter((problem) => isDue(problem, scope, before !== undefined));
  const later = before === undefined ? [] : now.problems.filter((problem) => !problems.includes(problem));
  return { ...judgeHealth({ ...now, problems }, excusing(before, first)), later };
}

/** Whether a problem is the business of this place of the update. @param update the cluster existed before */
function isDue({ subject, forNodes }: HealthProblem, scope: Scope, update: boolean): boolean {
  // A creation that begins anew has workloads of the first try and no node for them yet: only the API counts before the pools.
  if (!update && (scope === 'control-plane' || scope === 'before-nodes')) return subject === API;
  return (scope !== 'before-nodes' && scope !== 'before-control-plane') || forNodes !== true;
}

function slowness({ apiMilliseconds }: Health, before: Health | undefined): HealthProblem[] {
  if (apiMilliseconds > SLOW_MILLISECONDS)
    return [{ subject: 'the speed of the API', reason: `${apiMilliseconds} ms, more than ${SLOW_MILLISECONDS} ms` }];
  if (before === undefined || apiMilliseconds <= NOTICED_MILLISECONDS || apiMilliseconds <= before.apiMilliseconds * TIMES_SLOWER)
    return [];
  return [{ subject: 'the speed of the API', reason: `${apiMilliseconds} ms, ${before.apiMilliseconds} ms before the update` }];
}

export function formatProblems(problems: readonly HealthProblem[], shown: number): string {
  const texts = problems.slice(0, shown).map(({ subject, reason }) => `${subject}: ${reason}`);
  return `${texts.join(' | ')}${problems.length > shown ? ` (and ${problems.length - shown} more)` : ''}`;
}
