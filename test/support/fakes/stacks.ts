import { RefusedError } from '#model/errors.ts';
import type { AccountStacks, ChangeSetState, StackRequest, StackResource, StackState, Stacks } from '#ports/stacks.ts';

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
  /** Those that the last operation failed at. */
  resources: StackResource[];
  /** Logical names that its deletion must leave behind. */
  retain: readonly string[];
  /** Logical names that its rollback is told to skip. */
  skip: readonly string[];
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
  /** From now on this resource can be neither rolled back nor deleted; until `unstick`. */
  stick(name: string, failure: Failure): void;
  unstick(name: string): void;
  /** Resources that deletions left behind, by stack. */
  readonly left: Map<string, readonly string[]>;
  /** Called with each stack that was made, changed, rolled back or deleted. */
  onSettled: ((name: string, stack: StackState | undefined, template: string) => void) | undefined;
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
  const stuck = new Map<string, Failure>();
  const calls: string[] = [];
  const known = (name: string): Kept => {
    const found = stacks.get(name);
    if (found === undefined) throw new RefusedError(`could not find it: ValidationError: Stack [${name}] does not exist`);
    return found;
  };

  const fake: FakeStacks = {
    calls,
    left: new Map(),
    onSettled: undefined,
    describe: async (name) => stacks.get(name)?.state,
    async createChangeSet(request, type) {
      const key = `${request.name}/${request.changeSet}`;
      if (!request.template.includes('Resources')) throw new RefusedError('ValidationError: Template format error: no Resources');
      if (type === 'UPDATE') known(request.name);
      if (changeSets.has(key)) return;
      calls.push(`create-change-set ${type} ${request.name}`);
      if (!stacks.has(request.name)) {
        const state = { name: request.name, status: 'REVIEW_IN_PROGRESS', parameters: {}, outputs: {}, tags: request.tags };
        stacks.set(request.name, kept(state));
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
      for (const [key, other] of changeSets)
        if (key.startsWith(`${stack}/`)) other.state = { ...other.state, state: other === set ? 'executed' : 'obsolete' };
      kept.before = set.type === 'CREATE' ? undefined : { state: kept.state, template: kept.template };
      kept.failures = [];
      kept.template = set.request.template;
      const { parameters, tags } = set.request;
      kept.state = { ...kept.state, parameters, tags, status: `${set.type}_IN_PROGRESS` };
    },
    async deleteChangeSet(stack, changeSet) {
      changeSets.delete(`${stack}/${changeSet}`);
    },
    async deleteStack(name, retain = []) {
      const kept = stacks.get(name);
      if (kept === undefined || kept.state.status === 'DELETE_IN_PROGRESS') return;
      if (retain.length > 0 && kept.state.status !== 'DELETE_FAILED')
        throw new RefusedError(`ValidationError: ${name} is not DELETE_FAILED`);
      calls.push(`delete ${name}${retain.length === 0 ? '' : ` without ${retain.join(', ')}`}`);
      kept.failures = [];
      kept.retain = retain;
      kept.state = { ...kept.state, status: 'DELETE_IN_PROGRESS' };
    },
    async continueRollback(name, skip) {
      const kept = known(name);
      if (kept.state.status !== 'UPDATE_ROLLBACK_FAILED')
        throw new RefusedError('ValidationError: ContinueUpdateRollback cannot be called from current stack status');
      calls.push(`continue ${name}${skip.length === 0 ? '' : ` without ${skip.join(', ')}`}`);
      kept.skip = skip;
      kept.state = { ...kept.state, status: 'UPDATE_ROLLBACK_IN_PROGRESS' };
    },
    resources: async (name) => [...(stacks.get(name)?.resources ?? [])],
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
    stick: (name, failure) => void stuck.set(name, failure),
    unstick: (name) => void stuck.delete(name),
    put: (stack) => {
      const entry = kept({ parameters: {}, outputs: {}, tags: {}, ...stack });
      const failure = stuck.get(stack.name);
      const status = stack.status === 'DELETE_FAILED' ? 'DELETE_FAILED' : 'UPDATE_FAILED';
      if (failure !== undefined) entry.resources = [{ ...failure, status, physicalId: `id-of-${failure.resource}` }];
      stacks.set(stack.name, entry);
    },
  };
  return fake;

  function kept(state: StackState): Kept {
    return { state, template: '', failures: [], resources: [], retain: [], skip: [], before: undefined };
  }

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
    const operation = /^(?<operation>CREATE|UPDATE|DELETE|UPDATE_ROLLBACK)_IN_PROGRESS$/.exec(kept.state.status)?.groups?.['operation'];
    if (operation === undefined) return;
    const failure = operation === 'UPDATE_ROLLBACK' ? undefined : nextFailures.get(name);
    if (operation !== 'UPDATE_ROLLBACK') nextFailures.delete(name);
    kept.resources = [];
    if (operation === 'UPDATE_ROLLBACK') rollBack(name, kept);
    else if (failure !== undefined) fail(name, kept, operation, failure);
    else if (operation === 'DELETE') remove(name, kept);
    else kept.state = { ...kept.state, status: `${operation}_COMPLETE`, outputs: outputs.get(name) ?? {} };
    fake.onSettled?.(name, stacks.get(name)?.state, kept.template);
  }

  function remove(name: string, kept: Kept): void {
    const failure = stuck.get(name);
    if (failure !== undefined && !kept.retain.includes(failure.resource)) {
      fail(name, kept, 'DELETE', failure);
      return;
    }
    if (kept.retain.length > 0) fake.left.set(name, kept.retain);
    stacks.delete(name);
    for (const key of changeSets.keys()) if (key.startsWith(`${name}/`)) changeSets.delete(key);
  }

  /** To what it was, unless a resource sticks that is not to be skipped. */
  function rollBack(name: string, kept: Kept): void {
    const failure = stuck.get(name);
    if (failure !== undefined && !kept.skip.includes(failure.resource)) {
      kept.resources = [{ ...failure, status: 'UPDATE_FAILED', physicalId: `id-of-${failure.resource}` }];
      kept.state = { ...kept.state, status: 'UPDATE_ROLLBACK_FAILED' };
      return;
    }
    if (kept.before !== undefined) kept.template = kept.before.template;
    kept.state = { ...(kept.before?.state ?? kept.state), status: 'UPDATE_ROLLBACK_COMPLETE' };
  }

  function fail(name: string, kept: Kept, operation: string, failure: Failure): void {
    const cancelled = { resource: 'Another', type: 'AWS::EC2::Subnet', reason: 'Resource creation cancelled' };
    kept.failures = [cancelled, failure];
    if (operation === 'CREATE') kept.state = { ...kept.state, status: 'ROLLBACK_COMPLETE' };
    if (operation === 'UPDATE') rollBack(name, kept);
    if (operation !== 'DELETE') return;
    kept.resources = [{ ...failure, status: 'DELETE_FAILED', physicalId: `id-of-${failure.resource}` }];
    kept.state = { ...kept.state, status: 'DELETE_FAILED' };
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
