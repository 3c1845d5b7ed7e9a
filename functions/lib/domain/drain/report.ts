import type { DrainRisk } from '../../model/drain-report.ts';
import { durationText } from '../duration.ts';

const SHOWN = 6;

/** `PodDisruptionBudget shop/db (team shop): it never lets its only pod go: deleted by force at the end; up to 6 h`. */
export function riskText({ object, owner, why, waitSeconds }: DrainRisk): string {
  const whose = owner === null ? '' : ` (${owner})`;
  return `${object}${whose}: ${why}${waitSeconds === null ? '' : `; up to ${durationText(waitSeconds)}`}`;
}

/** One line for the check: those that make it wait longest. */
export function reportText(risks: readonly DrainRisk[], nodes: number): string {
  if (nodes === 0) return 'no node is replaced';
  const of = `${nodes} ${nodes === 1 ? 'node is' : 'nodes are'} replaced`;
  if (risks.length === 0) return `${of}; nothing is known that would hold a drain`;
  const more = risks.length > SHOWN ? ` | and ${risks.length - SHOWN} more` : '';
  return `${of}; to know: ${risks.slice(0, SHOWN).map(riskText).join(' | ')}${more}`;
}
