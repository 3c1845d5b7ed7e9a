import { allStates, integrationOf, type State } from '../asl/definition.ts';
import type { Fault } from '../asl/faults.ts';
import { readMachines } from './definitions.ts';
import { createStubFleet, type StubOptions } from './stub-fleet.ts';

/** One fault at one state of one machine. */
export interface Scenario {
  readonly title: string;
  readonly machine: string;
  readonly state: string;
  readonly fault: Fault;
  /** Whether the run ends well in spite of the fault. */
  readonly harmless: boolean;
  /** Whether no Catch can see the fault, so that only `on-execution-ended` cleans up. */
  readonly uncatchable: boolean;
}

const UNCATCHABLE: readonly Fault['kind'][] = ['abort', 'machine-timeout', 'oversize'];

/**
 * Every fault at every state that `machine` walks when `root` runs well. Asserts by throwing that there are such states.
 */
export async function scenariosFor(root: string, machine: string, options: StubOptions = {}): Promise<Scenario[]> {
  const fleet = createStubFleet(options);
  const execution = await fleet.run(root);
  if (execution.status !== 'SUCCEEDED') throw new Error(`${root} does not run well: ${execution.error} ${execution.cause}`);
  const walked = fleet.world.executions.filter((one) => one.machine === machine).flatMap((one) => one.history.entered());
  const definition = readMachines()[machine];
  const states = allStates(definition ?? { StartAt: '', States: {} }).filter(({ name }) => walked.includes(name));
  if (states.length === 0) throw new Error(`${root} walks no state of ${machine}`);
  return states.flatMap(({ name, state }) => atState(machine, name, state));
}

function atState(machine: string, name: string, state: State): Scenario[] {
  const scenario = (what: string, fault: FaultOnly, harmless = false): Scenario => ({
    title: `${name} ${what}`,
    machine,
    state: name,
    fault: { ...fault, machine, state: name } as Fault,
    harmless,
    uncatchable: UNCATCHABLE.includes(fault.kind) || (fault.kind === 'error' && fault.error === 'States.Runtime'),
  });
  const anywhere = [
    scenario('is aborted', { kind: 'abort' }),
    scenario('meets the timeout of the machine', { kind: 'machine-timeout' }),
    scenario('meets a cancel', { kind: 'cancel' }),
  ];
  if (state.Type !== 'Task') return anywhere;
  const task = [
    scenario('is aborted after its effect', { kind: 'abort', when: 'after' }),
    scenario('meets a cancel after its effect', { kind: 'cancel', when: 'after' }),
    scenario('never answers', { kind: 'task-timeout' }),
    scenario('is refused', { kind: 'error', error: 'RefusedError' }),
    scenario('lacks a path of its input', { kind: 'error', error: 'States.Runtime' }),
  ];
  if (integrationOf(state).kind === 'start-execution') {
    return [...anywhere, ...task, scenario('wants a name that was used', { kind: 'name-reuse' })];
  }
  return [
    ...anywhere,
    ...task,
    scenario('fails once', { kind: 'error', error: 'TransientError', attempts: [1] }, true),
    scenario('loses its answer once', { kind: 'error', error: 'Lambda.Unknown', attempts: [1], when: 'after' }, true),
    scenario('does not answer once', { kind: 'task-timeout', attempts: [1] }, true),
    scenario('fails until its retries are used up', { kind: 'error', error: 'TransientError' }),
    scenario('loses every answer', { kind: 'error', error: 'Lambda.Unknown', when: 'after' }),
    scenario('is refused after its effect', { kind: 'error', error: 'RefusedError', when: 'after' }),
    scenario('never answers, but has its effect', { kind: 'task-timeout', when: 'after' }),
    scenario('answers too much', { kind: 'oversize' }),
  ];
}

type FaultOnly = Fault extends infer F ? (F extends Fault ? Omit<F, 'state' | 'machine'> : never) : never;

/** Error names that an execution ended with, its own first, then those of the nested executions that caused it. */
export function errorChain(execution: { readonly error?: string; readonly cause?: string }): string[] {
  const inner = parse(execution.cause);
  const next = inner === undefined ? [] : errorChain({ ...inner });
  return [...(execution.error === undefined ? [] : [execution.error]), ...next];
}

function parse(cause: string | undefined): { error?: string; cause?: string } | undefined {
  try {
    const { Error: error, Cause: inner } = JSON.parse(cause ?? '') as { Error?: string; Cause?: string };
    return error === undefined ? undefined : { error, ...(inner === undefined ? {} : { cause: inner }) };
  } catch {
    return undefined;
  }
}
