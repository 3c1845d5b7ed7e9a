import type { Execution } from '../asl/execution.ts';
import type { Fault } from '../asl/faults.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { type CallFault, SERVICES } from './invocation.ts';
import { createRandom, type Random } from './random.ts';
import { CHANGES, CLUSTER, KINDS, type Kind, START } from './revisions.ts';
import { calm, finalState, leftovers } from './state.ts';

/** One seeded run: a change, one fault in it, its clean-up, and one more run. */
export interface Scenario {
  readonly seed: number;
  readonly kind: Kind;
  /** Where it is to strike: `update-cluster/roll-node-pools`. */
  readonly place: string;
  readonly states: readonly Fault[];
  readonly calls: readonly CallFault[];
}

export interface Told {
  readonly scenario: Scenario;
  /** What must not be; empty for a good run. */
  readonly wrong: readonly string[];
  /** How the struck execution ended. */
  readonly status: string;
  readonly struck: boolean;
}

/** What a change walks and ends in when nothing goes wrong. */
interface Baseline {
  readonly states: readonly { readonly machine: string; readonly state: string; readonly task: boolean; readonly changes: number }[];
  readonly final: string;
}

const baselines = new Map<Kind, Promise<Baseline>>();

export function inputOf(kind: Kind): { machine: string; input: Record<string, unknown> } {
  if (kind === 'delete') return { machine: 'delete-cluster', input: { cluster: CLUSTER, purpose: 'decommission', progress: null } };
  const { cluster, revision } = CHANGES[kind];
  return { machine: 'update-cluster', input: { cluster, revision, purpose: 'rollout', rolloutId: 'rollout-1', progress: null } };
}

/** A fleet with the cluster as each kind of change finds it. */
export async function begin(kind: Kind, options: Parameters<typeof createFleet>[0] = {}): Promise<Fleet> {
  const fleet = createFleet(options);
  if (kind === 'create') return fleet;
  const { cluster, revision } = START;
  const created = await fleet.run('update-cluster', 'create', {
    cluster,
    revision,
    purpose: 'rollout',
    rolloutId: 'rollout-0',
    progress: null,
  });
  if (created.status !== 'SUCCEEDED') throw new Error(`the cluster could not be created: ${created.error}: ${created.cause}`);
  return fleet;
}

export function baselineOf(kind: Kind): Promise<Baseline> {
  const known = baselines.get(kind) ?? makeBaseline(kind);
  baselines.set(kind, known);
  return known;
}

async function makeBaseline(kind: Kind): Promise<Baseline> {
  const fleet = await begin(kind);
  try {
    const { machine, input } = inputOf(kind);
    const from = fleet.world.executions.length;
    const changesBefore = fleet.calls.changes.length;
    const execution = await fleet.run(machine, 'change', input);
    if (execution.status !== 'SUCCEEDED') throw new Error(`${kind} fails without a fault: ${execution.error}: ${execution.cause}`);
    const made = fleet.calls.changes.slice(changesBefore);
    const states = fleet.world.executions.slice(from).flatMap((one) =>
      [...new Set(one.history.entered())].map((state) => ({
        machine: one.machine,
        state,
        task: one.history.events.some((event) => event.type === 'LambdaFunctionScheduled' && event.details['name'] === state),
        changes: made.filter((change) => change.startsWith(`${state} `)).length,
      })),
    );
    await calm(fleet);
    const left = await leftovers(fleet, { surge: true });
    if (left.length > 0) throw new Error(`${kind} leaves behind without a fault: ${left.join('; ')}`);
    return { states, final: JSON.stringify(await finalState(fleet), null, 1) };
  } finally {
    fleet.close();
  }
}

const LOST = [
  'Lambda.Unknown',
  'Runtime.ExitError',
  'Sandbox.Timedout',
  'Lambda.TooManyRequestsException',
  'TransientError',
  'ConflictError',
];
const FATAL = ['RefusedError', 'States.Runtime', 'InputError'];

/** Kind of change, state and fault follow from the seed. */
export async function scenarioOf(seed: number): Promise<Scenario> {
  const random = createRandom(seed);
  const kind = KINDS[seed % KINDS.length] ?? 'create';
  const { states } = await baselineOf(kind);
  const at = random.pick(states);
  const base = { state: at.state, machine: at.machine };
  const stateFaults = stateFaultsOf(base, at.task, random);
  const callFaults = at.task ? callFaultsOf(at.state, at.changes, random) : [];
  // Where a step changes something, dying in the middle of its changes is what matters most.
  const ofCalls = callFaults.length > 0 && (at.changes > 0 ? random.next() < 0.65 : random.next() < 0.4);
  const place = placeOf(at);
  return { seed, kind, place, states: ofCalls ? [] : [random.pick(stateFaults)], calls: ofCalls ? [random.pick(callFaults)] : [] };
}

export function placeOf({ machine, state }: { readonly machine: string; readonly state: string }): string {
  return `${machine}/${state}`;
}

function stateFaultsOf(base: { state: string; machine: string }, task: boolean, random: Random): Fault[] {
  const anywhere: Fault[] = [
    { ...base, kind: 'abort' },
    { ...base, kind: 'machine-timeout' },
    { ...base, kind: 'cancel' },
  ];
  if (!task) return anywhere;
  const when = random.pick(['before', 'after'] as const);
  return [
    ...anywhere,
    { ...base, kind: 'abort', when: 'after' },
    { ...base, kind: 'cancel', when: 'after' },
    { ...base, kind: 'error', error: random.pick(LOST), attempts: [1], when },
    { ...base, kind: 'error', error: random.pick(LOST), when },
    { ...base, kind: 'error', error: random.pick(FATAL), when },
    { ...base, kind: 'task-timeout', attempts: [1], when },
    { ...base, kind: 'task-timeout', when },
    { ...base, kind: 'oversize' },
  ];
}

function callFaultsOf(state: string, changes: number, random: Random): CallFault[] {
  const dies = Array.from(
    { length: 3 },
    (): CallFault => ({
      kind: 'dies',
      state,
      change: 1 + random.below(Math.max(changes, 1) + 1),
      when: random.pick(['before', 'after'] as const),
    }),
  );
  return [
    ...dies,
    { kind: 'away', state, service: random.pick(SERVICES), seconds: 30 + random.below(5400) },
    { kind: 'late', state, seconds: 900 + random.below(4 * 3600) },
    { kind: 'overtaken', state },
  ];
}

/** Runs it, and says what is wrong afterwards. */
export async function play(scenario: Scenario): Promise<Told> {
  const { kind } = scenario;
  const baseline = await baselineOf(kind);
  const { machine, input } = inputOf(kind);
  const again = nameOfNext(kind);
  const wrong: string[] = [];
  const armed: CallFault[] = [];
  let second: Execution | undefined;
  const fleet: Fleet = await begin(kind, {
    states: scenario.states.map((fault) => ({ ...fault, execution: fault.machine === machine ? 'change' : 'b-change' })),
    calls: armed,
    onOvertaken: () => {
      expireLock(fleet);
      second = fleet.start(machine, again, input);
    },
  });
  try {
    armed.push(...scenario.calls);
    const first = fleet.world.start(machine, 'change', input);
    await fleet.settle();
    if (second === undefined) {
      await calm(fleet);
      // A service that is away for long keeps the clean-up from its work: then the next run does it.
      const away = scenario.calls.some((fault) => fault.kind === 'away');
      if (!away) wrong.push(...(await leftovers(fleet, { surge: false })).map((what) => `after the first run: ${what}`));
      armed.splice(0, armed.length);
      fleet.calls.heal();
      second = await fleet.run(machine, again, input);
    }
    await calm(fleet);
    if (second.status !== 'SUCCEEDED') wrong.push(`one more run ended ${second.status}: ${second.error}: ${second.cause?.slice(0, 600)}`);
    wrong.push(...(await leftovers(fleet, { surge: true })).map((what) => `in the end: ${what}`));
    const final = JSON.stringify(await finalState(fleet), null, 1);
    if (final !== baseline.final) wrong.push(`another final state: ${difference(baseline.final, final)}`);
    const struck = fleet.calls.struck.size > 0 || fleet.world.unusedFaults().length < scenario.states.length;
    return { scenario, wrong, status: first.status, struck };
  } finally {
    fleet.close();
  }
}

function nameOfNext(kind: Kind): string {
  return `again-${kind}`;
}

/** The holder's lease has ended, as after an hour without a word of it. */
function expireLock({ hub, world }: Fleet): void {
  const key = `locks/${CLUSTER.name}.json`;
  const body = hub.contents()[key];
  if (body === undefined) return;
  void hub.put(key, JSON.stringify({ ...JSON.parse(body), expiresAt: new Date(world.now() - 1000).toISOString() }));
}

/** The first lines that differ. */
function difference(wanted: string, found: string): string {
  const [left, right] = [wanted.split('\n'), found.split('\n')];
  const at = left.findIndex((line, index) => line !== right[index]);
  const from = at < 0 ? left.length : at;
  return `wanted ${left.slice(from, from + 3).join(' ')}, found ${right.slice(from, from + 3).join(' ')}`.slice(0, 800);
}
