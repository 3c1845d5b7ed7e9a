import type { AccountStackGuards, StackGuard } from '#ports/stack-guards.ts';

export interface FakeStackGuards extends AccountStackGuards {
  readonly guards: Map<string, StackGuard>;
  /** Calls that change something, for example `protect sluice-dev-1-etcd`. */
  readonly calls: string[];
}

/** Guards of stacks in memory, the same in all accounts. */
export function createFakeStackGuards(): FakeStackGuards {
  const guards = new Map<string, StackGuard>();
  const calls: string[] = [];
  const read = (stack: string): StackGuard => guards.get(stack) ?? { terminationProtected: false, policy: undefined };
  return {
    guards,
    calls,
    of: () => ({
      read: async (stack) => read(stack),
      async setPolicy(stack, policy) {
        calls.push(`policy ${stack}`);
        guards.set(stack, { ...read(stack), policy });
      },
      async protect(stack) {
        calls.push(`protect ${stack}`);
        guards.set(stack, { ...read(stack), terminationProtected: true });
      },
    }),
  };
}
