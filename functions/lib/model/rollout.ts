import * as z from 'zod';
import { CheckRef } from './checks.ts';
import { ExecutionName, GitId, Revision, Sha256, Timestamp } from './primitives.ts';
import { ResolveRevision } from './resolve-revision.ts';
import { ClusterRef } from './settings.ts';

/** One cluster's part of a rollout: an element of `rollouts/<id>/waves/<n>.json` and the input of the Map's child. */
export const WaveItem = z.object({
  cluster: ClusterRef,
  revision: Revision,
  settingsHash: Sha256,
  /** Name of the `update-cluster` execution. */
  executionName: ExecutionName,
  rolloutId: z.string().min(1),
  wave: z.int().min(0),
  progress: CheckRef.nullable(),
});
export type WaveItem = z.infer<typeof WaveItem>;

/** `rollouts/<id>/waves/<n>.json`. */
export const WaveItems = z.array(WaveItem).min(1);

/** `rollouts/<id>/inputs.json`: everything a rollout decides by, pinned when its waves were planned. */
export const RolloutInputs = z.object({
  rolloutId: z.string().min(1),
  plannedAt: Timestamp,
  resolved: ResolveRevision,
  waves: z.array(
    z.object({ name: z.string(), maxConcurrency: z.int().min(1), clusters: z.array(z.string()).min(1), soakSeconds: z.int().min(0) }),
  ),
});
export type RolloutInputs = z.infer<typeof RolloutInputs>;

/** `channels/<channel>/rollout.json`: the channel's newest rollout; an older one starts nothing more. */
export const NewestRollout = z.object({ rolloutId: z.string(), revision: Revision, commit: GitId, plannedAt: Timestamp });
export type NewestRollout = z.infer<typeof NewestRollout>;

/** `settings/newest.json`: the settings that every rollout goes by, holds and freezes included. It follows `main`, never back. */
export const NewestSettings = z.object({ commit: GitId, seenAt: Timestamp });
export type NewestSettings = z.infer<typeof NewestSettings>;

/** `rollouts/<id>/soak-<n>.json`. */
export const SoakRecord = z.object({ healthySeconds: z.number().min(0), since: Timestamp, lastSeen: Timestamp, wasHealthy: z.boolean() });
export type SoakRecord = z.infer<typeof SoakRecord>;

/** An error as a state machine's Catch leaves it. */
export const CaughtState = z.object({ Error: z.string().default('Unknown'), Cause: z.string().default('') });
export type CaughtState = z.infer<typeof CaughtState>;
