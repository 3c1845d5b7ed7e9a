import type { ExecutionStatus, Executions } from '#ports/executions.ts';

export interface FakeExecutions extends Executions {
  readonly started: { machine: string; name: string; input: unknown }[];
  /** Puts an execution there, or changes its state. */
  set(machine: string, name: string, status: ExecutionStatus): void;
}

/** Executions in memory: a name is taken for good, as Step Functions keeps it for 90 days. */
export function createFakeExecutions(): FakeExecutions {
  const known = new Map<string, ExecutionStatus>();
  const started: FakeExecutions['started'] = [];
  return {
    started,
    set: (machine, name, status) => void known.set(`${machine}/${name}`, status),
    async start(machine, name, input) {
      const id = `${machine}/${name}`;
      if (known.has(id)) return { existed: true };
      known.set(id, { status: 'RUNNING', input: JSON.stringify(input) });
      started.push({ machine, name, input });
      return { existed: false };
    },
    describe: async (machine, name) => known.get(`${machine}/${name}`),
    link: (machine, name) => `https://example.com/${machine}/${name}`,
  };
}
