import { RefusedError } from '#model/errors.ts';
import type { AccountStacks, ChangeSetState, StackRequest, StackState, Stacks } from '#ports/stacks.ts';

interface Failure {
  readonly resource: string;
  readonly type: string;
  readonly reason: string;
}

interface ChangeSet {
  readonly request: StackRequest;
  readonly type: 'CREATE' | 'UPDATE';
  state: ChangeSetState;
  executed: boolean;
}

interface Kept {
  state: StackState;
  template: string;
  /** Of the last operation. */
  failures: Failure[];
  /** What it was before the operation that runs. */
  before: { state: StackState; template: string } | undefined;
}

export interface FakeStacks extends Stacks {
  /** Calls that change something, in order, for example `execute sluice-dev-1-network`. */
  readonly calls: string[];
  /** Ends what is in progress: change sets are made, operations succeed or fail as told. */
  advance(): void;
  /** The next operation of this stack fails at this resource. */
  failNext(name: string, failure: Failure): void;
  /** The next change set of this stack fails with this reason. */
  failChangeSet(name: string, reason: string): void;
  /** Outputs that a stack has once it is made. */
  setOutputs(name: string, outputs: Readonly<Record<string, string>>): void;
  /** Puts a stack there as an earlier run left it. */
  put(stack: Partial<StackState> & Pick<StackState, 'name' | 'status'>): void;
}

/** CloudFormation in memory: each operation lasts until `advance`. Codes are those of its user guide. */
export function createFakeStacks(): FakeStacks {
  const stacks = new Map<string, Kept>();
  const changeSets = new Map<string, ChangeSet>();
  const outputs = new Map<string, Readonly<Record<string, string>>>();
  const nextFailures = new Map<string, Failure>();
  const nextChangeSets = new Map<string, string>();
  const calls: string[] = [];
  const known = (name: string): Kept => {
    const kept = stacks.get(name);
    if (kept === undefined) throw new RefusedError(`could not find it: ValidationError: Stack [${name}] does not exist`);
    return kept;
  };

  return {
    calls,
    describe: async (name) => stacks.get(name)?.state,
    async createChangeSet(request, type) {
      const key = `${request.name}/${request.changeSet}`;
      if (!request.template.includes('Resources')) throw new RefusedError('ValidationError: Template format error: no Resources');
      if (type === 'UPDATE') known(request.name);
      if (changeSets.has(key)) return;
      calls.push(`create-change-set ${type} ${request.name}`);
      if (!stacks.has(request.name)) {
        const state = { name: request.name, status: 'REVIEW_IN_PROGRESS', parameters: {}, outputs: {}, tags: request.tags };
        stacks.set(request.name, { state, template: '', failures: [], before: undefined });
      }
      changeSets.set(key, { request, type, state: { state: 'creating', replacements: [] }, executed: false });
    },
    describeChangeSet: async (stack, changeSet) => (stacks.has(stack) ? changeSets.get(`${stack}/${changeSet}`)?.state : undefined),
    async executeChangeSet(stack, changeSet) {
      const kept = known(stack);
      const set = changeSets.get(`${stack}/${changeSet}`);
      if (set?.state.state !== 'ready' || set.executed) throw new RefusedError(`InvalidChangeSetStatus: ${changeSet} can't be executed`);
      calls.push(`execute ${stack}`);
      set.executed = true;
      kept.before = set.type === 'CREATE' ? undefined : { state: kept.state, template: kept.template };
      kept.failures = [];
      kept.template = set.request.template;
      const { parameters, tags } = set.request;
      kept.state = { ...kept.state, parameters, tags, status: `${set.type}_IN_PROGRESS` };
    },
    async deleteChangeSet(stack, changeSet) {
      changeSets.delete(`${stack}/${changeSet}`);
    },
    async deleteStack(name) {
      const kept = stacks.get(name);
      if (kept === undefined || kept.state.status === 'DELETE_IN_PROGRESS') return;
      calls.push(`delete ${name}`);
      kept.failures = [];
      kept.state = { ...kept.state, status: 'DELETE_IN_PROGRESS' };
    },
    failures: async (name) => [...(stacks.get(name)?.failures ?? [])],
    listOfCluster: async (cluster) =>
      [...stacks.values()].map(({ state }) => state).filter((state) => state.tags['sluice:cluster'] === cluster),
    advance() {
      for (const [key, set] of changeSets) if (set.state.state === 'creating') set.state = made(key, set);
      for (const [name, kept] of stacks) finish(name, kept);
    },
    failNext: (name, failure) => void nextFailures.set(name, failure),
    failChangeSet: (name, reason) => void nextChangeSets.set(name, reason),
    setOutputs: (name, values) => void outputs.set(name, values),
    put: (stack) =>
      void stacks.set(stack.name, {
        state: { parameters: {}, outputs: {}, tags: {}, ...stack },
        template: '',
        failures: [],
        before: undefined,
      }),
  };

  function made(key: string, { request }: ChangeSet): ChangeSetState {
    const refusal = nextChangeSets.get(request.name);
    nextChangeSets.delete(request.name);
    if (refusal !== undefined) return { state: 'failed', reason: refusal, replacements: [] };
    const kept = known(key.slice(0, key.indexOf('/')));
    const same = kept.template === request.template && sameText(kept.state.parameters, request.parameters);
    if (!same || !sameText(kept.state.tags, request.tags)) return { state: 'ready', replacements: [] };
    return { state: 'no-changes', reason: "The submitted information didn't contain changes.", replacements: [] };
  }

  function finish(name: string, kept: Kept): void {
    const operation = /^(?<operation>CREATE|UPDATE|DELETE)_IN_PROGRESS$/.exec(kept.state.status)?.groups?.['operation'];
    if (operation === undefined) return;
    const failure = nextFailures.get(name);
    nextFailures.delete(name);
    if (failure !== undefined) fail(kept, operation, failure);
    else if (operation === 'DELETE') {
      stacks.delete(name);
      for (const key of changeSets.keys()) if (key.startsWith(`${name}/`)) changeSets.delete(key);
    } else kept.state = { ...kept.state, status: `${operation}_COMPLETE`, outputs: outputs.get(name) ?? {} };
  }

  function fail(kept: Kept, operation: string, failure: Failure): void {
    const cancelled = { resource: 'Another', type: 'AWS::EC2::Subnet', reason: 'Resource creation cancelled' };
    kept.failures = [cancelled, failure];
    if (operation === 'CREATE') kept.state = { ...kept.state, status: 'ROLLBACK_COMPLETE' };
    if (operation === 'DELETE') kept.state = { ...kept.state, status: 'DELETE_FAILED' };
    if (operation !== 'UPDATE' || kept.before === undefined) return;
    kept.template = kept.before.template;
    kept.state = { ...kept.before.state, status: 'UPDATE_ROLLBACK_COMPLETE' };
  }
}

export interface FakeAccountStacks extends AccountStacks {
  of(account: string, region: string, session: string): FakeStacks;
}

/** CloudFormation of cluster accounts in memory: one per account and region. */
export function createFakeAccountStacks(): FakeAccountStacks {
  const accounts = new Map<string, FakeStacks>();
  return {
    of(account, region) {
      const key = `${account} ${region}`;
      const stacks = accounts.get(key) ?? createFakeStacks();
      accounts.set(key, stacks);
      return stacks;
    },
  };
}

function sameText(left: Readonly<Record<string, string>>, right: Readonly<Record<string, string>>): boolean {
  const text = (values: Readonly<Record<string, string>>): string => JSON.stringify(Object.entries(values).sort());
  return text(left) === text(right);
}
