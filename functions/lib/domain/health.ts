import type { Health, HealthProblem } from '../model/health.ts';
import type { ApiProbe } from '../ports/kubernetes.ts';

/** Median of new connections with /readyz and /version; Kubernetes' own objective for reads is 1 s at p99. */
const SLOW_MILLISECONDS = 1000;
/** Slower than before counts from here on, and only by so much: machines differ from minute to minute. */
const NOTICED_MILLISECONDS = 500;
const TIMES_SLOWER = 3;

/** What is kept of a look: a state machine's data is small. */
const MOST_PROBLEMS = 20;
const LONGEST_REASON = 150;

export const API = 'the API';

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
  return { ...health, problems: problems.map(({ subject, reason }) => ({ subject, reason: reason.slice(0, LONGEST_REASON) })) };
}

export interface HealthVerdict {
  /** What must go before the update goes on. */
  readonly problems: readonly HealthProblem[];
  /** What was so before the update already: told, and not its fault. */
  readonly asBefore: readonly HealthProblem[];
}

/** Compares with the look before the update; without one, everything that is not well counts. */
export function judgeHealth(now: Health, before: Health | undefined): HealthVerdict {
  const known = new Set(before?.problems.map(({ subject }) => subject));
  const all = [...now.problems, ...slowness(now, before)];
  return { problems: all.filter(({ subject }) => !known.has(subject)), asBefore: all.filter(({ subject }) => known.has(subject)) };
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
