import * as z from 'zod';
import { Timestamp } from './primitives.ts';

/**
 * What an observe-decide-act step returns: `done`, or how long to wait before it is asked again and why. `fact` names
 * what was observed, for people.
 */
export const Advance = z.object({
  done: z.boolean(),
  /** Seconds until the next look, 1 to 300; 0 when done. */
  waitSeconds: z.int().min(0).max(300),
  reason: z.string(),
});
export type Advance = z.infer<typeof Advance>;

/** `{done: true}` with the reason that it is done. */
export function advanced(reason: string): Advance {
  return { done: true, waitSeconds: 0, reason };
}

/** Not yet: look again after `waitSeconds`. */
export function waiting(waitSeconds: number, reason: string): Advance {
  return { done: false, waitSeconds, reason };
}

/** What probes of an API met while its servers were replaced. */
export const ApiGap = z.object({
  probes: z.int().min(0),
  failed: z.int().min(0),
  /** From the last answer before a failed probe to the first one after it; 0 when none failed. */
  longestGapMilliseconds: z.int().min(0),
});
export type ApiGap = z.infer<typeof ApiGap>;

/** The same, with what the next probe is measured against. */
export const ApiWatch = ApiGap.extend({ lastGood: Timestamp.nullable(), failing: z.boolean() });
export type ApiWatch = z.infer<typeof ApiWatch>;

/** A pod that was deleted although a disruption budget forbade its eviction. */
export const ForcedDeletion = z.object({
  pod: z.string(),
  node: z.string(),
  owner: z.string().nullable(),
  /** The server's refusal, and each condition that allowed it. */
  reason: z.string(),
  at: Timestamp,
});
export type ForcedDeletion = z.infer<typeof ForcedDeletion>;

/** May another node be begun? `later`: what is begun is finished, the rest is left to a later update. */
export const Permission = z.discriminatedUnion('decision', [
  z.object({ decision: z.literal('go') }),
  z.object({ decision: z.enum(['wait', 'later']), reason: z.string() }),
]);
export type Permission = z.infer<typeof Permission>;

/** Old nodes that an update left as they are, and why; null when it left none. */
export const Deferred = z.object({ nodes: z.int().min(1), reason: z.string() });
export type Deferred = z.infer<typeof Deferred>;
