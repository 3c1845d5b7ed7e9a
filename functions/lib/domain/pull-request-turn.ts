import type { PullRequestTurn } from '#model/records.ts';

/** What one execution knows when it asks whether it is its turn with a pull request. */
export interface TurnFacts {
  /** What is recorded, read before GitHub was. */
  readonly known: PullRequestTurn | undefined;
  /** Whether the recorded execution still works: it runs and nobody cancelled it. */
  readonly works: boolean;
  readonly execution: string;
  readonly headSha: string;
  /** Somebody asked for another attempt (a re-run, a button, a comment). */
  readonly asked: boolean;
  /** Hash of what would be checked; null while it is not known yet. */
  readonly work: string | null;
}

export type Turn =
  /** It has the turn: from an attempt of the same step that was lost. */
  | { readonly turn: 'mine' }
  /** It takes the turn; an attempt that still works is cancelled. */
  | { readonly turn: 'take' }
  /** Whether it must is known once the work is. */
  | { readonly turn: 'compare' }
  /** The recorded attempt has not yet said what it checks. */
  | { readonly turn: 'later' }
  /** The recorded attempt checks this very thing, or has. */
  | { readonly turn: 'yield'; readonly to: string };

/**
 * Who checks a pull request, decided from what is there, never from the order of events: a head that nobody looked at, or
 * another content of the merge result, is taken; what is checked already is left alone, whatever says "look" again. Who
 * asks for another attempt gets it once the running one has ended.
 */
export function decideTurn({ known, works, execution, headSha, asked, work }: TurnFacts): Turn {
  if (known === undefined) return { turn: 'take' };
  if (known.execution === execution) return { turn: 'mine' };
  if (known.headSha !== headSha) return { turn: 'take' };
  if (asked) return works ? { turn: 'yield', to: known.execution } : { turn: 'take' };
  if (work === null) return { turn: 'compare' };
  if (known.work === null) return works ? { turn: 'later' } : { turn: 'take' };
  return known.work === work ? { turn: 'yield', to: known.execution } : { turn: 'take' };
}

/**
 * The record of an attempt that takes the turn. The approval of a fork's head lasts as long as the head. Checks belong to
 * commits, and a commit may be the head of one pull request after another: so generations follow the time at which GitHub
 * was looked at, or what was said of the one would outlast the check of the other.
 * @param lookedAt before GitHub was read
 */
export function nextTurn(
  known: PullRequestTurn | undefined,
  next: Pick<PullRequestTurn, 'number' | 'execution' | 'headSha' | 'work'>,
  approvedBy: string | undefined,
  lookedAt: Date,
): PullRequestTurn {
  const kept = known?.approved?.sha === next.headSha ? known.approved : null;
  return {
    ...next,
    generation: Math.max((known?.generation ?? 0) + 1, lookedAt.getTime()),
    replaces: known?.execution ?? null,
    approved: approvedBy === undefined ? kept : { sha: next.headSha, by: approvedBy },
  };
}
