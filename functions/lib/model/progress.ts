import * as z from 'zod';

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
