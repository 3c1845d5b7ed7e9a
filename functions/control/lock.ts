import * as z from 'zod';
import { LEASE_SECONDS, renew, take } from '#domain/lease.ts';
import { keys } from '#domain/names.ts';
import { changeObject } from '#facts/stored.ts';
import { LockHeldError } from '#model/errors.ts';
import { Timestamp } from '#model/primitives.ts';
import { Lock } from '#model/records.ts';
import { ClusterRef } from '#model/settings.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { defineStep } from '#ports/step.ts';

/**
 * Takes the cluster's lock for this execution: one conditional write, a lease by the store's clock, a fencing number
 * that only grows. The same execution again renews. @throws LockHeldError naming the holder and until when
 */
export const lock = defineStep({
  name: 'lock',
  input: z.object({ cluster: ClusterRef }),
  output: z.object({ fence: z.int().min(1), expiresAt: Timestamp }),
  async run({ cluster }, { objects }: { objects: ObjectStore }, { execution }) {
    const held = await takeLock(objects, cluster.name, execution, LEASE_SECONDS);
    if (held.outcome === 'taken') return { fence: held.lock.fence, expiresAt: held.lock.expiresAt };
    throw new LockHeldError(`${cluster.name} is being changed by ${held.holder}, whose lease runs until ${held.until}`);
  },
});

export type Taken =
  | { readonly outcome: 'taken'; readonly lock: Lock }
  | { readonly outcome: 'held'; readonly holder: string; readonly until: string };

/** Takes or renews a lock, or says who holds it. @throws ConflictError */
export async function takeLock(objects: ObjectStore, subject: string, holder: string, seconds: number): Promise<Taken> {
  let held: Taken | undefined;
  const there = await changeObject(objects, keys.lock(subject), Lock, async (known) => {
    const result = take(known, subject, holder, await objects.now(), seconds);
    held = result.outcome === 'held' ? { outcome: 'held', holder: result.holder, until: result.until } : undefined;
    return result.outcome === 'held' ? undefined : result.lock;
  });
  if (held !== undefined) return held;
  if (there === undefined) throw new LockHeldError(`the lock of ${subject} vanished while it was taken; re-run`);
  return { outcome: 'taken', lock: there };
}

/**
 * Renews the lease of a lock that this execution holds; for steps and polls of long work.
 * @throws LockHeldError when somebody else has it: whoever lost it must stop
 */
export async function renewLock(objects: ObjectStore, subject: string, holder: string): Promise<Lock> {
  const there = await changeObject(objects, keys.lock(subject), Lock, async (known) => renew(known, holder, await objects.now()));
  if (there?.holder === holder) return there;
  throw new LockHeldError(`the lock of ${subject} is not ${holder}'s any more but ${there?.holder ?? 'free'}; it stops here`);
}
