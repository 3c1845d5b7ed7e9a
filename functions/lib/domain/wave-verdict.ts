import type { Ledger } from '#model/records.ts';
import { budgetReason, inFlight, isBudgetSpent } from './ledger.ts';

export interface WaveVerdict {
  readonly verdict: 'continue' | 'halt';
  /** Failed clusters of this wave; one that started and never ended counts as failed. */
  readonly failed: string[];
  readonly succeeded: number;
  readonly reason: string;
  readonly supersededBy: string | null;
}

/** How a wave ended. Clusters that were left out (held, gone from the settings) neither succeed nor fail. */
export function judgeWave(clusters: readonly string[], ledger: Ledger, newer: string | null): WaveVerdict {
  const lost = inFlight(ledger).filter((name) => clusters.includes(name));
  const failed = clusters.filter((name) => ledger.failed[name] !== undefined || lost.includes(name));
  const succeeded = clusters.filter((name) => ledger.succeeded[name] !== undefined).length;
  const result = { failed, succeeded, supersededBy: newer };
  if (isBudgetSpent(ledger)) return { ...result, verdict: 'halt', reason: budgetReason(ledger) };
  if (Object.keys(ledger.failed).length + lost.length > ledger.budget) {
    return { ...result, verdict: 'halt', reason: `${lost.join(', ')} started and never ended` };
  }
  if (newer !== null) return { ...result, verdict: 'halt', reason: `the newer rollout ${newer} took over` };
  const left = clusters.length - succeeded - failed.length;
  const reason = `${succeeded} updated, ${failed.length} failed${left === 0 ? '' : `, ${left} left out`}`;
  return { ...result, verdict: 'continue', reason };
}
