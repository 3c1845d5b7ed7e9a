import { KINDS, type Kind } from '../support/faults/revisions.ts';
import { begin, inputOf } from '../support/faults/run.ts';
import { type Bench, type Measure, percentile } from './measure.ts';

/** Seconds in which stacks, instances and workloads take one step on: one after the other, so that no pace fits them all. */
const TICKS = [3, 7, 11, 19, 37, 61];
const GOAL = { op: '<=', number: 5 } as const;

/** What one execution waited for longer than it had to. */
interface Waited {
  readonly kind: Kind;
  readonly tickSeconds: number;
  /** Seconds from each change in AWS or Kubernetes to the look that found it, by state. */
  readonly late: ReadonlyMap<string, readonly number[]>;
  readonly seconds: number;
  readonly transitions: number;
}

/**
 * The deployed state machines with their real steps under a virtual clock, in which functions take no time: what remains is
 * the time that Sluice lets pass after AWS or Kubernetes were ready.
 */
export const phasesBench: Bench = {
  name: 'phases',
  what: 'Each kind of change, played by the deployed state machines over instances, stacks and workloads that take 3 to 61 s a step: seconds from each change in AWS or Kubernetes to the look of Sluice that finds it, added up for each phase that waited for something (Lambda and Step Functions themselves take no time here)',
  async run({ log }) {
    const all: Waited[] = [];
    for (const kind of KINDS) for (const tickSeconds of TICKS) all.push(await play(kind, tickSeconds));
    const states = new Set(all.flatMap(({ late }) => [...late.keys()]));
    for (const state of [...states].sort()) {
      const late = all.flatMap((waited) => waited.late.get(state) ?? []);
      log(`${state}: ${late.length} times awaited, p50 ${percentile(late, 50).toFixed(1)} s, longest ${Math.max(...late).toFixed(1)} s`);
    }
    for (const kind of KINDS) {
      const runs = all.filter((waited) => waited.kind === kind);
      const shares = runs.map(({ late, seconds }) => (sum([...late.values()].flat()) / Math.max(seconds, 1)) * 100);
      log(
        `${kind}: ${runs.map(({ transitions }) => transitions).join(', ')} transitions; late by ${percentile(shares, 50).toFixed(0)} % of its time`,
      );
    }
    const phases = all.flatMap(({ late }) => [...late.values()].map(sum));
    if (phases.length < 50) throw new Error(`only ${phases.length} phases waited for something`);
    const measure = (name: string, value: number): Measure => ({ name: `phases.${name}`, value, unit: 's', goal: GOAL });
    return [measure('late-p95', percentile(phases, 95)), measure('late-longest', Math.max(...phases))];
  },
};

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

async function play(kind: Kind, tickSeconds: number): Promise<Waited> {
  const late = new Map<string, number[]>();
  let measuring = false;
  const fleet = await begin(kind, {
    tickSeconds,
    onLook: (state, seconds) => {
      if (measuring && seconds !== undefined) late.set(state, [...(late.get(state) ?? []), seconds]);
    },
  });
  try {
    measuring = true;
    const [from, earlier] = [fleet.world.now(), fleet.world.executions.length];
    const { machine, input } = inputOf(kind);
    const execution = await fleet.run(machine, 'change', input);
    if (execution.status !== 'SUCCEEDED') throw new Error(`${kind} failed: ${execution.error}: ${execution.cause}`);
    const transitions = fleet.world.executions.slice(earlier).reduce((sum, one) => sum + one.history.entered().length, 0);
    return { kind, tickSeconds, late, seconds: (fleet.world.now() - from) / 1000, transitions };
  } finally {
    fleet.close();
  }
}
