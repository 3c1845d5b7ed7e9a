import { playReal } from '../support/faults/real-run.ts';

/**
 * As `faults`, on real control planes with nodes that kwok plays. Needs the binaries (SLUICE_TEST_BINARIES, as `npm test` gets
 * them). `FAULTS_SEED` is the first seed, `FAULTS_RUNS` how many follow.
 */
export async function faultsReal(tell: (line: string) => void): Promise<void> {
  const seed = Number(process.env['FAULTS_SEED'] ?? 1);
  const runs = Number(process.env['FAULTS_RUNS'] ?? 300);
  const wrong: string[] = [];
  let done = 0;
  let struck = 0;
  await playReal(seed, runs, (told) => {
    done += 1;
    if (told.struck) struck += 1;
    const line = `seed ${told.seed}: ${told.kind}, ${told.fault}, ${told.struck ? '' : 'not struck, '}first run ${told.status}, ${told.seconds.toFixed(0)} s`;
    tell(told.wrong.length === 0 ? line : `${line}: WRONG: ${told.wrong.join(' | ')}`);
    if (told.wrong.length > 0) wrong.push(line);
  });
  tell(`${done} of ${runs} runs, ${struck} struck, ${wrong.length} wrong`);
  if (wrong.length > 0 || done < runs) throw new Error(`${wrong.length} runs are wrong, ${runs - done} were not played`);
}
