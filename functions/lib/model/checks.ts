import * as z from 'zod';
import { ExecutionName, GitId, RepositoryRef, Timestamp } from './primitives.ts';

/** A finding of validation, at its place in the source. */
export const Finding = z.object({
  /** Stable rule id, documented in docs/rules.md. */
  rule: z.string().regex(/^[a-z0-9-]+$/),
  level: z.enum(['failure', 'warning', 'notice']),
  path: z.string().min(1),
  line: z.int().min(1),
  column: z.int().min(1).optional(),
  message: z.string().min(1),
});
export type Finding = z.infer<typeof Finding>;

/** One line of live progress of a check. A later line of the same execution, step and qualifier replaces the earlier. */
export const ProgressLine = z.object({
  execution: ExecutionName,
  machine: z.string(),
  step: z.string(),
  cluster: z.string().optional(),
  state: z.enum(['running', 'waiting', 'done', 'failed']),
  /** Why it waits or failed, for people. */
  reason: z.string().optional(),
  at: Timestamp,
});
export type ProgressLine = z.infer<typeof ProgressLine>;

/** Which check a line of work reports to. */
export const CheckRef = z.object({ repository: RepositoryRef, sha: GitId, name: z.string().min(1).max(100) });
export type CheckRef = z.infer<typeof CheckRef>;

export const CheckConclusion = z.enum(['success', 'failure', 'neutral', 'cancelled', 'timed_out', 'action_required', 'skipped']);
export type CheckConclusion = z.infer<typeof CheckConclusion>;

/**
 * `checks/<sha>/<slug>.json`: the state that a check should have. Steps write it; one publisher brings it to GitHub and
 * keeps GitHub's limits, so text and annotations may be of any length here.
 */
export const WantedCheck = z.object({
  ref: CheckRef,
  status: z.enum(['queued', 'in_progress', 'completed']),
  conclusion: CheckConclusion.optional(),
  title: z.string().min(1),
  summary: z.string(),
  text: z.string().optional(),
  findings: z.array(Finding).default([]),
  progress: z.array(ProgressLine).default([]),
  execution: ExecutionName.optional(),
  /** Of the attempt: of a pull request's checks, nothing of an older attempt is taken. */
  generation: z.int().optional(),
  startedAt: Timestamp,
  completedAt: Timestamp.optional(),
});
export type WantedCheck = z.infer<typeof WantedCheck>;
