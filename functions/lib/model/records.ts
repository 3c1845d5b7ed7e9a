import * as z from 'zod';
import { Versions } from './configuration.ts';
import { ClusterName, ExecutionName, GitId, Revision, Sha256, Timestamp } from './primitives.ts';
import { ApiGap, Deferred, ForcedDeletion } from './progress.ts';
import { ClusterRef } from './settings.ts';

/** Versions of what an update can't take back once it has begun with it. */
export const Reached = z.object({ kubernetes: Versions.shape.kubernetes, etcd: Versions.shape.etcd }).partial();
export type Reached = z.infer<typeof Reached>;

/** An update that has begun to change a cluster and has not ended well yet. */
export const Updating = z.object({
  execution: ExecutionName,
  revision: Revision,
  settingsHash: Sha256,
  renderHash: Sha256,
  versions: Versions,
  since: Timestamp,
  /** With what it has begun, noted before the act, and what updates before it that did not end had; absent: perhaps with all. */
  reached: Reached.optional(),
  /**
   * Subjects, but for nodes, that were not well before the first try with this render, and marks of those that were not shown;
   * absent where the cluster was not looked at.
   */
  notWell: z.array(z.string()).optional(),
});
export type Updating = z.infer<typeof Updating>;

/** Which merge led to an update. */
export const UpdateCause = z.object({ commit: GitId, pullRequest: z.int().nullable(), mergedBy: z.string().nullable() });
export type UpdateCause = z.infer<typeof UpdateCause>;

/** `clusters/<name>.json`: what a cluster runs, written at the end of each successful `update-cluster`. */
export const ClusterRecord = z.object({
  cluster: ClusterRef,
  revision: Revision,
  settingsHash: Sha256,
  renderHash: Sha256,
  versions: Versions,
  execution: ExecutionName,
  rollout: z.string().nullable(),
  backup: z.string().nullable(),
  updatedAt: Timestamp,
  /** When its update began, and who asked for it. Absent in records of earlier versions of Sluice. */
  startedAt: Timestamp.optional(),
  cause: UpdateCause.nullish(),
  /** Hash of each part that the cluster got: `stack etcd`, `component coredns`. */
  parts: z.record(z.string(), Sha256).optional(),
  /** What probes of the API met while its servers were replaced; absent where none was. */
  api: ApiGap.optional(),
  /** Old nodes that the update left as they are: the cluster is not up to date, and proves nothing, until a later one replaced them. */
  nodesLater: Deferred.optional(),
  /** Pods that its update deleted although a budget forbade it, each with its reason; absent where there was none. */
  forced: z.array(ForcedDeletion).optional(),
  /** First end of a certificate of the cluster's identity, as the update left it; absent in records from before it was kept. */
  identityExpires: Timestamp.optional(),
  /** Set before the first change of an update and gone with its end: while it is there the rest is what ran before. */
  updating: Updating.optional(),
  /** Its etcd was restored since: what was applied after the backup is gone, so the next update brings everything anew. */
  restored: z.object({ id: z.string(), backup: z.string(), at: Timestamp }).optional(),
  /** Set once the last backup is there and before anything is deleted: from then on there is only the way to the end. */
  deleting: z
    .object({
      execution: ExecutionName,
      since: Timestamp,
      backup: z.string().nullable(),
      /** Why it needed none; absent where it did, and in records of earlier versions of Sluice. */
      why: z.string().optional(),
    })
    .optional(),
});
export type ClusterRecord = z.infer<typeof ClusterRecord>;

/** What takes the place of a ClusterRecord once the cluster is deleted: the key stays, a live cluster's name is never reused. */
export const DeletedCluster = z.object({
  deleted: z.literal(true),
  name: ClusterName,
  /** What it ran last; null when it was never finished. */
  revision: Revision.nullable(),
  execution: ExecutionName,
  deletedAt: Timestamp,
});
export type DeletedCluster = z.infer<typeof DeletedCluster>;

/** What stands in the place of a ClusterRecord until a cluster was created whole. To all but its next update it does not exist. */
export const CreatingCluster = z.object({ creating: z.literal(true), cluster: ClusterRef, updating: Updating });
export type CreatingCluster = z.infer<typeof CreatingCluster>;

/** All that may lie under a cluster's key. */
export const StoredCluster = z.union([DeletedCluster, CreatingCluster, ClusterRecord]);
export type StoredCluster = z.infer<typeof StoredCluster>;

/** `locks/<subject>.json`. Marked free, never deleted: the fencing number only grows. */
export const Lock = z.object({
  subject: z.string(),
  fence: z.int().min(1),
  holder: ExecutionName.nullable(),
  expiresAt: Timestamp,
});
export type Lock = z.infer<typeof Lock>;

const PassedCheck = z.object({ pullRequest: z.int(), headSha: GitId, execution: ExecutionName, at: Timestamp });

/** `evidence/settings/<hash>.json`: the `sluice` check succeeded for exactly these settings, whatever commit they are in. */
export const SettingsEvidence = z.object({ settings: Sha256, check: PassedCheck });
export type SettingsEvidence = z.infer<typeof SettingsEvidence>;

/**
 * `channels/<channel>/genesis.json`: what the channel began with, before anything was proven in it. Written once: a channel
 * begins once.
 */
export const Genesis = z.object({ channel: z.string(), revision: Revision, rollout: z.string(), at: Timestamp });
export type Genesis = z.infer<typeof Genesis>;

/**
 * `control/fleet.json`: an operator says that this bucket is of a fleet that may begin. No function writes it, so a bucket
 * that lost its records has lost this too and does not look like a new one.
 */
export const FleetMark = z.object({ founded: Timestamp, by: z.string().min(1) });
export type FleetMark = z.infer<typeof FleetMark>;

/** `evidence/<revision>.json`: what is proven about a configuration, whatever branch or commit it is on. */
export const RevisionEvidence = z.object({
  revision: Revision,
  /** The pull request whose `sluice` check succeeded for this tree, to which channel, and what it was compared with. */
  check: PassedCheck.extend({ channel: z.string(), baseRevision: Revision.nullable() }),
  /**
   * Channels in which it renders for every cluster just what the named revision renders, which their clusters have proven:
   * there it needs no e2e run of its own.
   */
  equalIn: z.record(z.string(), Revision.nullable()),
  /** The e2e run; null where no cluster is affected. */
  e2e: z
    .object({
      execution: ExecutionName,
      channel: z.string(),
      baseRevision: Revision,
      passed: z.int(),
      failed: z.int(),
      durationSeconds: z.number(),
      at: Timestamp,
    })
    .nullable(),
});
export type RevisionEvidence = z.infer<typeof RevisionEvidence>;

/** `channels/<channel>/revisions/<revision>.json`: the rollout of this revision succeeded in this channel. */
export const ChannelProof = z.object({
  channel: z.string(),
  revision: Revision,
  commit: GitId,
  rollout: z.string(),
  /** `genesis`: the channel's first revision, taken over when it had no cluster yet. */
  basis: z.enum(['pull-request', 'genesis', 'settings']),
  clusters: z.array(z.object({ name: ClusterName, execution: ExecutionName, backup: z.string().nullable(), durationSeconds: z.number() })),
  startedAt: Timestamp,
  finishedAt: Timestamp,
});
export type ChannelProof = z.infer<typeof ChannelProof>;

/** `artifacts/<name>/<version>.json` in the hub's bucket: a binary that Sluice's own steps run (drills, tests). */
export const Artifact = z.object({
  name: z.string(),
  version: z.string(),
  state: z.enum(['ready', 'building']),
  /** While building: what the build expects. */
  readyAt: Timestamp.optional(),
  files: z.array(z.object({ file: z.string(), sha256: Sha256, bytes: z.int() })),
});
export type Artifact = z.infer<typeof Artifact>;

/** `control/<execution>.json`: cancel marker. */
export const CancelMarker = z.object({ execution: ExecutionName, reason: z.string(), by: z.string(), at: Timestamp });
export type CancelMarker = z.infer<typeof CancelMarker>;

/** `pull-requests/<number>.json`: whose turn it is with a pull request. Changed by compare-and-swap only. */
export const PullRequestTurn = z.object({
  number: z.int(),
  /** Grows with each attempt, over all pull requests (milliseconds of the look): what an older one still writes to a check is dropped. */
  generation: z.int().min(1),
  execution: ExecutionName,
  headSha: GitId,
  /** Hash of what is checked, by trees; null while its execution still reads. */
  work: z.string().nullable(),
  /** The attempt before, which is cancelled. */
  replaces: ExecutionName.nullable(),
  /** Who said that this head of a fork may run. */
  approved: z.object({ sha: GitId, by: z.string() }).nullable(),
});
export type PullRequestTurn = z.infer<typeof PullRequestTurn>;

/** `channels/branches.json`: the branches that pushes are listened to, read by the webhook. */
export const FleetBranches = z.object({ settingsCommit: GitId, branches: z.array(z.string()) });
export type FleetBranches = z.infer<typeof FleetBranches>;

/** `control/halt.json`: the kill switch; nothing mutating starts while `halted`. */
export const Halt = z.object({ halted: z.boolean(), reason: z.string(), by: z.string(), at: Timestamp });
export type Halt = z.infer<typeof Halt>;

/** `rollouts/<id>/ledger.json`: admission and results of one rollout, changed by compare-and-swap only. */
export const Ledger = z.object({
  rollout: z.string(),
  budget: z.int().min(0),
  started: z.record(z.string(), Timestamp),
  succeeded: z.record(z.string(), z.object({ execution: ExecutionName, backup: z.string().nullable(), seconds: z.number() })),
  failed: z.record(z.string(), z.object({ execution: ExecutionName, error: z.string(), cause: z.string() })),
});
export type Ledger = z.infer<typeof Ledger>;
