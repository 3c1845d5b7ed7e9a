/** A resource as a change set proposes to change it. */
export interface ProposedChange {
  readonly resource: string;
  readonly type: string;
  readonly action: 'add' | 'modify' | 'remove';
  /** `may`: CloudFormation knows only when it acts (its `Conditional`). */
  readonly replacement: 'always' | 'may' | 'never';
  /** What changes, those that replace first; a value that comes from another resource names it. */
  readonly properties: readonly string[];
}

export interface ProposedChanges {
  /** `no-changes` when CloudFormation found nothing to do. */
  readonly state: 'creating' | 'ready' | 'no-changes' | 'failed';
  readonly reason?: string;
  readonly changes: readonly ProposedChange[];
}

export interface ChangeSetRequest {
  readonly stack: string;
  /** Begins with `sluice-plan-`: the role may touch no other. */
  readonly name: string;
  readonly template: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

/** What a stack is asked for before a change set is. */
export interface StackFacts {
  readonly status: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * CloudFormation in a cluster's account as the role for plans may use it: change sets of stacks that exist are made, read
 * and deleted; none can be executed.
 */
export interface ChangeSets {
  /** undefined when there is no such stack. @throws TransientError, RefusedError */
  stack(name: string): Promise<StackFacts | undefined>;
  /** Asks for a change set of an existing stack, if it is not there. @throws RefusedError for a template that is none */
  request(request: ChangeSetRequest): Promise<void>;
  /** undefined when there is none. @throws TransientError, RefusedError */
  read(stack: string, name: string): Promise<ProposedChanges | undefined>;
  /** Deletes it if it is there. @throws TransientError, RefusedError */
  remove(stack: string, name: string): Promise<void>;
}

export interface AccountChangeSets {
  of(account: string, region: string, session: string): ChangeSets;
}
