import * as z from 'zod';
import { ExecutionName, GitId, Revision, Timestamp } from './primitives.ts';
import { Environment, FreezeWindow, Hold } from './settings.ts';

/** One reason why nothing happens now. `until`: when it ends, where that is known. `since`: when it began, where that is known. */
export const PageWait = z.object({ reason: z.string().min(1), until: Timestamp.nullable(), since: Timestamp.nullable() });
export type PageWait = z.infer<typeof PageWait>;

/** In words for people, as they stand on the page. */
export const PageState = z.enum([
  'current',
  'behind',
  'updating',
  'partly updated',
  'creating',
  'partly created',
  'never created',
  'deleted',
  "can't be read",
]);
export type PageState = z.infer<typeof PageState>;

/** What a cluster of the settings runs, by its record, and what is in its way. */
export const PageCluster = z.object({
  name: z.string(),
  account: z.string(),
  region: z.string(),
  environment: Environment,
  state: PageState,
  /** What it runs; what it ran before while it is updated. */
  revision: Revision.nullable(),
  /** What it should run. */
  target: Revision.nullable(),
  kubernetes: z.string().nullable(),
  etcd: z.string().nullable(),
  /** End of its last update that ended well. */
  updatedAt: Timestamp.nullable(),
  /** The update that is under way or was left half-way. */
  updating: z.object({ execution: ExecutionName, revision: Revision, since: Timestamp }).nullable(),
  waits: z.array(PageWait),
  /** First end of a certificate of its identity; null when no update has told. */
  identityExpires: Timestamp.nullable(),
  /** The newest proven backup; null when there is none. */
  backup: z.object({ id: z.string(), takenAt: Timestamp.nullable() }).nullable(),
  /** When the newest was taken that was restored and served by an API server. */
  drilledAt: Timestamp.nullable(),
  /** Backups that are there and what they cost a month, USD, after the last removal of old ones; null before the first. */
  stored: z.object({ backups: z.int(), bytes: z.int(), usdMonth: z.number() }).nullable(),
  /** What is wrong with its backups: older than two of its channel's intervals, failing, not readable. Empty: nothing. */
  backupProblems: z.array(z.string()),
  /** The backup that lacks what one before it had, with its numbers: no change of the cluster begins. null: none, or acknowledged. */
  suspicious: z.object({ backup: z.string(), comparedWith: z.string(), findings: z.array(z.string()).min(1) }).nullable(),
});
export type PageCluster = z.infer<typeof PageCluster>;

export const PageChannel = z.object({
  channel: z.string(),
  branch: z.string(),
  follows: z.string().nullable(),
  target: z.object({ revision: Revision, basis: z.enum(['hold', 'newest rollout', 'proven', 'genesis']) }).nullable(),
  /** The revision whose rollout succeeded last. */
  proven: z.object({ revision: Revision, at: Timestamp }).nullable(),
  hold: Hold.nullable(),
  freezes: z.array(FreezeWindow.extend({ active: z.boolean() })),
  problems: z.array(z.string()),
  clusters: z.array(PageCluster),
});
export type PageChannel = z.infer<typeof PageChannel>;

const WaveCluster = z.object({
  name: z.string(),
  state: z.enum(['waits', 'started', 'succeeded', 'failed', 'left out']),
  since: Timestamp.nullable(),
});

export const PageWave = z.object({
  name: z.string(),
  state: z.enum(['to come', 'running', 'soaking', 'done', 'not reached']),
  clusters: z.array(WaveCluster),
  soak: z.object({ healthySeconds: z.number(), seconds: z.number() }).nullable(),
});
export type PageWave = z.infer<typeof PageWave>;

/** The newest rollout of a channel, or of the settings. */
export const PageRollout = z.object({
  id: z.string(),
  /** null for a rollout of settings. */
  channel: z.string().nullable(),
  revision: Revision.nullable(),
  commit: GitId,
  state: z.enum(['under way', 'succeeded', 'failed', 'superseded', "can't be read"]),
  /** What its check says. */
  title: z.string(),
  plannedAt: Timestamp.nullable(),
  mergedBy: z.string().nullable(),
  pullRequest: z.int().nullable(),
  waves: z.array(PageWave),
  waits: z.array(PageWait),
  failed: z.array(z.object({ cluster: z.string(), cause: z.string(), execution: z.string() })),
  problems: z.array(z.string()),
});
export type PageRollout = z.infer<typeof PageRollout>;

/** A pull request whose turn is recorded. Whether it is open is for GitHub to say. */
export const PagePullRequest = z.object({
  number: z.int(),
  headSha: GitId.nullable(),
  /** State or conclusion of its check `sluice`. */
  state: z.string(),
  title: z.string(),
  at: Timestamp.nullable(),
});
export type PagePullRequest = z.infer<typeof PagePullRequest>;

/** The whole page; `?format=json` answers it. */
export const PageView = z.object({
  at: Timestamp,
  repository: z.object({ owner: z.string(), name: z.string(), url: z.url().nullable() }),
  /** `empty`: no settings apply yet. `unreadable`: the settings can't be read, so nothing below is known. */
  state: z.enum(['running', 'empty', 'unreadable']),
  /** What to do first; empty when nothing is the matter. */
  first: z.string(),
  settings: z.object({ commit: GitId, seenAt: Timestamp }).nullable(),
  halt: z.object({ by: z.string(), reason: z.string(), at: Timestamp }).nullable(),
  /** Records that can't be read, and why. */
  problems: z.array(z.string()),
  petScore: z.object({ score: z.int(), fields: z.int(), waivers: z.int(), holds: z.int(), parts: z.array(z.string()) }).nullable(),
  channels: z.array(PageChannel),
  rollouts: z.array(PageRollout),
  slots: z.array(z.object({ account: z.string(), channel: z.string(), holder: z.string().nullable(), until: Timestamp.nullable() })),
  pullRequests: z.array(PagePullRequest),
});
export type PageView = z.infer<typeof PageView>;
