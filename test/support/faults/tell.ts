import { coverageOf, type Played } from './coverage.ts';
import { KINDS } from './revisions.ts';
import { baselineOf, placeOf, play, scenarioOf, type Told } from './run.ts';

const BATCH = 50;

/**
 * Plays the runs from a seed on; tells numbers as they come and which states of which change were never struck, and answers
 * what is wrong, a line each: a state that so many runs should have struck is wrong too.
 */
export async function tellRuns(seed: number, runs: number, tell: (line: string) => void): Promise<string[]> {
  const wrong: string[] = [];
  const counts = new Map<string, number>();
  const played: Played[] = [];
  const from = Date.now();
  for (let index = 0; index < runs; index++) {
    const told = await play(await scenarioOf(seed + index));
    played.push({ scenario: told.scenario, struck: told.struck });
    if (!told.struck) count(counts, 'never struck');
    count(counts, `${told.scenario.kind} ${told.status}`);
    if (told.wrong.length > 0) {
      const line = describe(told);
      wrong.push(line);
      tell(`wrong: ${line}`);
    }
    const done = index + 1;
    if (done % BATCH === 0 || done === runs)
      tell(`${done} of ${runs} runs in ${Math.round((Date.now() - from) / 1000)} s, ${wrong.length} wrong`);
  }
  for (const [what, times] of [...counts].sort()) tell(`${what}: ${times}`);
  const walked = await Promise.all(KINDS.map(async (kind) => [kind, (await baselineOf(kind)).states.map(placeOf)] as const));
  const { pairs, struck, never, holes } = coverageOf(played, new Map(walked));
  tell(`${struck} of ${pairs} pairs of a change and a state were struck`);
  for (const pair of never) tell(`never struck: ${pair}`);
  return [...wrong, ...holes.map((pair) => `never struck, although there were runs enough: ${pair}`)];
}

export function describe({ scenario, wrong, status }: Told): string {
  const fault = JSON.stringify([...scenario.states, ...scenario.calls]);
  return `seed ${scenario.seed}: ${scenario.kind}, ${fault}, first run ${status}: ${wrong.join(' | ')}`;
}

function count(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}
