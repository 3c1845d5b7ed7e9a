import type { CheckRun } from '../state.ts';
import type { World } from './world.ts';

/** Conclusions with which a required check lets a pull request pass (GitHub docs, "About protected branches"). */
const PASSING = new Set(['success', 'neutral', 'skipped']);

/** Newest run of each name on a commit, by name. */
export function latestRuns(world: World, headSha: string): CheckRun[] {
  const byName = new Map<string, CheckRun>();
  for (const run of world.store.state.runs) {
    if (run.headSha === headSha && (byName.get(run.name)?.id ?? 0) < run.id) byName.set(run.name, run);
  }
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What the required check says of a commit. */
export function requiredState(world: World, headSha: string): 'green' | 'red' | 'running' | 'expected' {
  const run = latestRuns(world, headSha).find((candidate) => candidate.name === world.settings.requiredCheck);
  if (run === undefined) return 'expected';
  if (run.status !== 'completed') return 'running';
  return PASSING.has(run.conclusion ?? '') ? 'green' : 'red';
}

/** GitHub's words for a merge that the required check forbids; undefined when it may go on. */
export function gateReason(world: World, headSha: string): string | undefined {
  const state = requiredState(world, headSha);
  if (state === 'green') return undefined;
  const words = { red: 'is failing', running: 'is in progress', expected: 'is expected' }[state];
  return `Required status check "${world.settings.requiredCheck}" ${words}.`;
}
