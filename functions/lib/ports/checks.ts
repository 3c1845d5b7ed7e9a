import type { CheckConclusion, CheckRef, Finding, ProgressLine } from '#model/checks.ts';

/** What a step wants a check to show; absent fields keep what is there. */
export interface CheckUpdate {
  readonly ref: CheckRef;
  readonly status: 'queued' | 'in_progress' | 'completed';
  readonly conclusion?: CheckConclusion;
  readonly title: string;
  readonly summary: string;
  readonly text?: string;
  readonly findings?: readonly Finding[];
  readonly execution?: string;
  /** Of the attempt: an update of an older one is dropped. */
  readonly generation?: number | undefined;
}

/** The wanted state of checks. Writing it is enough: one publisher brings it to GitHub. */
export interface Checks {
  /** @throws TransientError */
  want(update: CheckUpdate): Promise<void>;
  /** Adds or replaces a progress line; a check that does not exist yet or is completed is left alone. @throws TransientError */
  progress(ref: CheckRef, line: ProgressLine): Promise<void>;
  /**
   * Puts a note below what the check says, whatever that is by then; an earlier note gives way. A check that does not exist
   * yet is left alone. @throws TransientError
   */
  note(ref: CheckRef, note: string): Promise<void>;
}
