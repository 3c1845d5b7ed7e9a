import type { Ledger } from '#model/records.ts';

/** The ledger of a rollout before anything started. `budget`: so many clusters may fail and the rollout still goes on. */
export function newLedger(rollout: string, budget: number): Ledger {
  return { rollout, budget, started: {}, succeeded: {}, failed: {} };
}

export type Admission =
  /** Write `ledger`; equal to what was given when the cluster had been admitted before. */
  { readonly admitted: true; readonly ledger: Ledger } | { readonly admitted: false; readonly reason: string };

export type Settlement =
  | { readonly outcome: 'succeeded'; readonly execution: string; readonly backup: string | null; readonly seconds: number }
  | { readonly outcome: 'failed'; readonly execution: string; readonly error: string; readonly cause: string };

/**
 * Admits one cluster. Once more clusters failed than the budget allows nothing new starts; what started goes on. So a
 * rollout never has more failures than its budget and what was in flight when the budget was passed.
 */
export function admit(ledger: Ledger, cluster: string, now: Date): Admission {
  if (ledger.started[cluster] !== undefined) return { admitted: true, ledger };
  if (isBudgetSpent(ledger)) return { admitted: false, reason: budgetReason(ledger) };
  return { admitted: true, ledger: { ...ledger, started: { ...ledger.started, [cluster]: now.toISOString() } } };
}

/**
 * Records how a cluster ended. The first result stays: a repeated call changes nothing, so that a result that others
 * acted on is never turned round. A failure before admission (the gate could not be read) counts too.
 */
export function settle(ledger: Ledger, cluster: string, settlement: Settlement): Ledger {
  if (isSettled(ledger, cluster)) return ledger;
  if (settlement.outcome === 'succeeded') {
    const { execution, backup, seconds } = settlement;
    return { ...ledger, succeeded: { ...ledger.succeeded, [cluster]: { execution, backup, seconds } } };
  }
  const { execution, error, cause } = settlement;
  return { ...ledger, failed: { ...ledger.failed, [cluster]: { execution, error, cause } } };
}

export function isSettled(ledger: Ledger, cluster: string): boolean {
  return ledger.succeeded[cluster] !== undefined || ledger.failed[cluster] !== undefined;
}

export function isBudgetSpent(ledger: Ledger): boolean {
  return Object.keys(ledger.failed).length > ledger.budget;
}

/** For people: which clusters failed and what the budget is. */
export function budgetReason(ledger: Ledger): string {
  const names = Object.keys(ledger.failed).sort();
  return `${names.length} failed (${names.join(', ')}), the failure budget is ${ledger.budget}`;
}

/** Clusters started and not ended yet. */
export function inFlight(ledger: Ledger): string[] {
  return Object.keys(ledger.started).filter((cluster) => !isSettled(ledger, cluster));
}
