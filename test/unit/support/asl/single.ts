import type { Execution, TaskFunction } from '../../../support/asl/execution.ts';
import { createWorld, type World, type WorldOptions } from '../../../support/asl/world.ts';

export type States = Record<string, unknown>;

/** A machine of these states, the first of them at the start. */
export function machineOf(states: States, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { StartAt: Object.keys(states)[0], States: states, ...more };
}

export interface Ran {
  readonly world: World;
  readonly execution: Execution;
}

/** Runs one machine `m` on the input. */
export async function runStates(
  states: States,
  input: unknown = {},
  options: Partial<WorldOptions> & { machine?: Record<string, unknown> } = {},
): Promise<Ran> {
  const world = createWorld({
    task: async () => ({}),
    ...options,
    machines: { m: machineOf(states, options.machine), ...options.machines },
  });
  return { world, execution: await world.run('m', 'one', input) };
}

/** A Task that calls a Lambda with its whole input. */
export function task(more: Record<string, unknown> = {}): Record<string, unknown> {
  return { Type: 'Task', Resource: { 'Fn::GetAtt': ['control', 'Arn'] }, End: true, ...more };
}

/** A Lambda that throws these errors one after another, and then answers `ok`. */
export function failing(...names: string[]): TaskFunction {
  const left = [...names];
  return async () => {
    const name = left.shift();
    if (name === undefined) return 'ok';
    throw Object.assign(new Error(`${name} happened`), { name });
  };
}
