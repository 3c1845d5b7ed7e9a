import type { Lock } from '#model/records.ts';

/**
 * Lease of a cluster's or slot's lock in seconds. Longer than any single step may run (15 min is Lambda's limit) with
 * room for retries; each step of a long update renews it.
 */
export const LEASE_SECONDS = 60 * 60;

export type TakeResult =
  /** Write `lock`; `takenFrom` names the holder whose lease had ended. */
  | { readonly outcome: 'taken'; readonly lock: Lock; readonly takenFrom: string | null }
  | { readonly outcome: 'renewed'; readonly lock: Lock }
  /** Somebody else holds it; nothing is to be written. */
  | { readonly outcome: 'held'; readonly holder: string; readonly until: string };

/**
 * Taking a lock. The same holder again only renews: the fencing number stays. Another holder gets it when it is free or
 * its lease has ended, with a greater fencing number. @param now the store's clock
 */
export function take(known: Lock | undefined, subject: string, holder: string, now: Date, seconds: number = LEASE_SECONDS): TakeResult {
  const expiresAt = later(now, seconds);
  if (known === undefined) return { outcome: 'taken', lock: { subject, fence: 1, holder, expiresAt }, takenFrom: null };
  if (known.holder === holder) return { outcome: 'renewed', lock: { ...known, expiresAt: laterOf(known.expiresAt, expiresAt) } };
  if (isHeld(known, now)) return { outcome: 'held', holder: known.holder, until: known.expiresAt };
  return { outcome: 'taken', lock: { subject, fence: known.fence + 1, holder, expiresAt }, takenFrom: known.holder };
}

/**
 * Renewing. undefined when the lock is not this holder's any more: whoever lost it must stop. A holder whose lease has
 * ended may still renew as long as nobody else took the lock, since the fencing number is unchanged then.
 */
export function renew(known: Lock | undefined, holder: string, now: Date, seconds: number = LEASE_SECONDS): Lock | undefined {
  if (known === undefined || known.holder !== holder) return undefined;
  return { ...known, expiresAt: laterOf(known.expiresAt, later(now, seconds)) };
}

/** Marking free. undefined when the lock is free or another's: it is left alone. The fencing number stays and only grows. */
export function free(known: Lock | undefined, holder: string): Lock | undefined {
  if (known === undefined || known.holder !== holder) return undefined;
  return { ...known, holder: null };
}

/** Handing a held lock on, for example to the execution that cleans up. undefined when it is not `from`'s. */
export function handOver(known: Lock | undefined, from: string, to: string, now: Date, seconds: number = LEASE_SECONDS): Lock | undefined {
  if (known === undefined || known.holder !== from) return undefined;
  return { ...known, fence: known.fence + 1, holder: to, expiresAt: later(now, seconds) };
}

/** True while somebody holds the lock and the lease runs; the lease's last instant no longer counts. */
export function isHeld(lock: Lock, now: Date): lock is Lock & { holder: string } {
  return lock.holder !== null && Date.parse(lock.expiresAt) > now.getTime();
}

function later(now: Date, seconds: number): string {
  return new Date(now.getTime() + seconds * 1000).toISOString();
}

function laterOf(left: string, right: string): string {
  return Date.parse(left) > Date.parse(right) ? left : right;
}
