import { bombCases, nonsenseCases, runFuzz, wrongOf } from '../support/fuzz.ts';
import { TARGETS } from '../support/hostile.ts';

/** Cases of one process: memory is measured by process. */
const BATCH = 100;
const BATCH_SECONDS = 600;

/**
 * Every bomb in the place of every file, then nonsense by seeds. `FUZZ_SEED` is the first seed (by default taken from the
 * clock, and told), `FUZZ_RUNS` how many follow. A case that fails is told whole, to be run again.
 */
export async function fuzz(tell: (line: string) => void): Promise<void> {
  const seed = Number(process.env['FUZZ_SEED'] ?? Math.floor(Date.now() / 1000) % 1_000_000_000);
  const runs = Number(process.env['FUZZ_RUNS'] ?? 10_000);
  const cases = [...bombCases(Object.keys(TARGETS).length), ...nonsenseCases(seed, runs)];
  tell(`${cases.length - runs} bombs, then ${runs} seeds from FUZZ_SEED=${seed}`);
  const wrong: string[] = [];
  let [slowest, largest, done] = [0, 0, 0];
  for (let start = 0; start < cases.length; start += BATCH) {
    const run = await runFuzz(cases.slice(start, start + BATCH), BATCH_SECONDS).catch((error: Error) => error);
    if (run instanceof Error) wrong.push(run.message);
    else {
      wrong.push(...wrongOf(run));
      slowest = Math.max(slowest, ...run.told.map(({ cpuSeconds }) => cpuSeconds));
      largest = Math.max(largest, run.maxRssMegabytes);
      done += run.told.length;
    }
    tell(
      `${done} of ${cases.length}, slowest ${slowest.toFixed(2)} s of processor time, largest process ${largest.toFixed(0)} MB, ${wrong.length} wrong`,
    );
  }
  if (wrong.length > 0) throw new Error(`${wrong.length} cases are wrong:\n${wrong.join('\n')}`);
}
