import { play, scenarioOf } from '../support/backup-faults/run.ts';

const BATCH = 50;

/**
 * Seeded faults of etcd, S3, the disk and the functions themselves at every place of a backup: nothing counts as proven that is not,
 * no part of an object stays, and the next backup succeeds. `BACKUP_FAULTS_SEED` is the first seed, `BACKUP_FAULTS_RUNS` how many follow.
 */
export async function backupFaults(tell: (line: string) => void): Promise<void> {
  const seed = Number(process.env['BACKUP_FAULTS_SEED'] ?? 1);
  const runs = Number(process.env['BACKUP_FAULTS_RUNS'] ?? 1000);
  const wrong: string[] = [];
  const counts = new Map<string, number>();
  const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1);
  for (let index = 0; index < runs; index++) {
    const { scenario, status, struck, wrong: found } = await play(await scenarioOf(seed + index));
    const { place, fault } = scenario.strike;
    count(struck ? `${status}, struck` : `${status}, never struck`);
    if (struck) count(`at ${place.replace(/ of .*/, '')}: ${fault}`);
    if (found.length > 0) {
      wrong.push(`seed ${scenario.seed}, ${JSON.stringify(scenario.strike)}, ${status}: ${found.join(' | ')}`);
      tell(`wrong: ${wrong.at(-1)}`);
    }
    if ((index + 1) % BATCH === 0 || index + 1 === runs) tell(`${index + 1} of ${runs} runs, ${wrong.length} wrong`);
  }
  for (const [what, times] of [...counts].sort()) tell(`${what}: ${times}`);
  if (wrong.length > 0) throw new Error(`${wrong.length} of ${runs} runs are wrong`);
}
