import { free, isHeld, renew, take } from '#domain/lease.ts';
import { keys } from '#domain/names.ts';
import { LockHeldError } from '#model/errors.ts';
import { Lock } from '#model/records.ts';
import type { ObjectStore } from '#ports/objects.ts';
import { changeObject, readObject } from './stored.ts';

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

/**
 * A lease with less than this left is renewed. No attempt of a step under a lock runs as long (15 minutes is Lambda's limit),
 * so none starts with less lease left than it can run, even where this machine's clock is half an hour off the store's.
 */
export const RENEW_BELOW_SECONDS = 45 * 60;

/**
 * Keeps the lease of a lock alive while its holder works: reads it, and renews it when it runs out soon.
 * @param fence the number that the holder was given; undefined where it does not know it
 * @throws LockHeldError when somebody else has it: whoever lost it must stop
 */
export async function keepLock(objects: ObjectStore, subject: string, holder: string, now: Date, fence?: number): Promise<void> {
  const known = await readObject(objects, keys.lock(subject), Lock);
  const left = known === undefined ? 0 : (Date.parse(known.expiresAt) - now.getTime()) / 1000;
  const kept = known?.holder === holder && left > RENEW_BELOW_SECONDS ? known : await renewLock(objects, subject, holder);
  if (fence !== undefined && kept.fence !== fence)
    throw new LockHeldError(
      `the lock of ${subject} was given to ${holder} anew, as number ${kept.fence}; it had number ${fence} and stops here`,
    );
}

/** True when the lock was this holder's and is free now. @throws ConflictError */
export async function releaseLock(objects: ObjectStore, subject: string, holder: string): Promise<boolean> {
  let released = false;
  await changeObject(objects, keys.lock(subject), Lock, (known) => {
    const freed = free(known, holder);
    released = freed !== undefined;
    return freed;
  });
  return released;
}

/**
 * Refuses unless this execution holds the lock with the fencing number that it was given: asked right before a write that
 * must not undo that of a newer holder. @throws LockHeldError
 */
export async function requireLock(objects: ObjectStore, subject: string, execution: string, fence: number): Promise<void> {
  const lock = await readObject(objects, keys.lock(subject), Lock);
  if (lock?.holder === execution && lock.fence === fence) return;
  const who = lock !== undefined && isHeld(lock, await objects.now()) ? lock.holder : 'nobody';
  throw new LockHeldError(`${execution} lost the lock of ${subject} (now ${who}); what it did is not recorded`);
}
