import { RefusedError } from '#model/errors.ts';
import type { AccountChangeSets, ChangeSetRequest, ChangeSets, ProposedChange, ProposedChanges, StackFacts } from '#ports/change-sets.ts';

export interface FakeChangeSets extends ChangeSets {
  /** Names of change sets that are there now. */
  readonly kept: () => string[];
  /** Requests, in order. */
  readonly requests: ChangeSetRequest[];
  /** Puts a stack there, with the template that it runs. */
  put(stack: string, facts: Partial<StackFacts>, template?: string): void;
  /** What change sets of this stack propose, once their template differs. */
  propose(stack: string, changes: readonly ProposedChange[]): void;
  /** Change sets of this stack fail with this reason. */
  fail(stack: string, reason: string): void;
  /** Every call from now on is answered with this error. */
  refuse(error: Error): void;
  /** Ends what is being made. */
  advance(): void;
}

/** Change sets of one account in memory; each is being made until `advance`. */
export function createFakeChangeSets(): FakeChangeSets {
  const stacks = new Map<string, { facts: StackFacts; template: string }>();
  const sets = new Map<string, { request: ChangeSetRequest; state: ProposedChanges }>();
  const proposals = new Map<string, readonly ProposedChange[]>();
  const failures = new Map<string, string>();
  const requests: ChangeSetRequest[] = [];
  let refusal: Error | undefined;
  const answer = async <T>(value: () => T): Promise<T> => {
    if (refusal !== undefined) throw refusal;
    return value();
  };
  const made = ({ stack, template }: ChangeSetRequest): ProposedChanges => {
    const reason = failures.get(stack);
    if (reason !== undefined) return { state: 'failed', reason, changes: [] };
    if (stacks.get(stack)?.template === template) {
      return { state: 'no-changes', reason: "The submitted information didn't contain changes.", changes: [] };
    }
    return { state: 'ready', changes: proposals.get(stack) ?? [] };
  };
  return {
    requests,
    kept: () => [...sets.keys()],
    stack: (name) => answer(() => stacks.get(name)?.facts),
    request: (request) =>
      answer(() => {
        const { stack, name, template } = request;
        if (!stacks.has(stack)) throw new RefusedError(`ValidationError: Stack [${stack}] does not exist`);
        if (!template.includes('Resources')) throw new RefusedError('ValidationError: Template format error: no Resources');
        if (sets.has(`${stack}/${name}`)) return;
        requests.push(request);
        sets.set(`${stack}/${name}`, { request, state: { state: 'creating', changes: [] } });
      }),
    read: (stack, name) => answer(() => sets.get(`${stack}/${name}`)?.state),
    remove: (stack, name) => answer(() => void sets.delete(`${stack}/${name}`)),
    put: (stack, facts, template = 'Resources: of before') =>
      void stacks.set(stack, { facts: { status: 'UPDATE_COMPLETE', outputs: {}, tags: {}, ...facts }, template }),
    propose: (stack, changes) => void proposals.set(stack, changes),
    fail: (stack, reason) => void failures.set(stack, reason),
    refuse: (error) => {
      refusal = error;
    },
    advance() {
      for (const set of sets.values()) if (set.state.state === 'creating') set.state = made(set.request);
    },
  };
}

export interface FakeAccountChangeSets extends AccountChangeSets {
  of(account: string, region: string, session: string): FakeChangeSets;
}

/** Change sets of cluster accounts in memory: one for each account and region. */
export function createFakeAccountChangeSets(): FakeAccountChangeSets {
  const accounts = new Map<string, FakeChangeSets>();
  return {
    of(account, region) {
      const known = accounts.get(`${account} ${region}`) ?? createFakeChangeSets();
      accounts.set(`${account} ${region}`, known);
      return known;
    },
  };
}
