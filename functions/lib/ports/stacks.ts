/** A CloudFormation stack as observed. */
export interface StackState {
  readonly name: string;
  readonly status: string;
  readonly statusReason?: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

export interface StackRequest {
  readonly name: string;
  readonly template: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  /** Name of the change set: made from template and parameters, so that a repeated call is the same change set. */
  readonly changeSet: string;
}

/** A resource of a stack, by its logical name. */
export interface StackResource {
  readonly resource: string;
  readonly type: string;
  readonly status: string;
  /** Empty when CloudFormation gives none. */
  readonly reason: string;
  /** What it is called in AWS; empty when it was never made. */
  readonly physicalId: string;
}

export interface ChangeSetState {
  /**
   * `no-changes` when CloudFormation found nothing to do, `executed` when it was executed, whatever became of that,
   * `obsolete` when the stack was changed since.
   */
  readonly state: 'creating' | 'ready' | 'no-changes' | 'failed' | 'executed' | 'obsolete';
  readonly reason?: string;
  readonly replacements: readonly string[];
}

/** CloudFormation in a cluster's account, entered by the account's hub role. */
export interface Stacks {
  /** undefined when there is no such stack. @throws TransientError */
  describe(name: string): Promise<StackState | undefined>;
  /** Creates the change set if it is not there. @throws RefusedError when CloudFormation refuses the template */
  createChangeSet(request: StackRequest, type: 'CREATE' | 'UPDATE'): Promise<void>;
  describeChangeSet(stack: string, changeSet: string): Promise<ChangeSetState | undefined>;
  executeChangeSet(stack: string, changeSet: string): Promise<void>;
  deleteChangeSet(stack: string, changeSet: string): Promise<void>;
  /**
   * Asks for the deletion, and takes the termination protection off first: who calls it has decided. Absent is fine.
   * @param retain resources to leave behind; only for a stack that is DELETE_FAILED
   */
  deleteStack(name: string, retain?: readonly string[]): Promise<void>;
  /** Goes on with a rollback that failed. @param skip resources that count as rolled back @throws RefusedError in another status */
  continueRollback(name: string, skip: readonly string[]): Promise<void>;
  /** Resources of a stack; empty when there is no such stack. @throws TransientError */
  resources(name: string): Promise<StackResource[]>;
  /** Failed resources of the last operation with their reasons, the first failure first. */
  failures(name: string): Promise<{ resource: string; type: string; reason: string }[]>;
  /** Stacks whose tag `sluice:cluster` is this cluster and which are not deleted. */
  listOfCluster(cluster: string): Promise<StackState[]>;
}

export interface AccountStacks {
  of(account: string, region: string, session: string): Stacks;
}
