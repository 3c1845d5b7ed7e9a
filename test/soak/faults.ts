import { tellRuns } from '../support/faults/tell.ts';

/**
 * Seeded crashes, losses and stops at each state of each kind of change, over fakes: after one more run all is as without them.
 * A state that was never struck although so many runs should have done so is wrong as well.
 * `FAULTS_SEED` is the first seed, `FAULTS_RUNS` how many follow. A run that is wrong is told whole, to be run again.
 */
export async function faults(tell: (line: string) => void): Promise<void> {
  const seed = Number(process.env['FAULTS_SEED'] ?? 1);
  const runs = Number(process.env['FAULTS_RUNS'] ?? 5000);
  const wrong = await tellRuns(seed, runs, tell);
  if (wrong.length > 0) throw new Error(`${wrong.length} things are wrong in ${runs} runs:\n${wrong.slice(0, 40).join('\n')}`);
}
