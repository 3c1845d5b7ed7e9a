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

export interface ChangeSetState {
  /** `no-changes` when CloudFormation found nothing to do. */
  readonly state: 'creating' | 'ready' | 'no-changes' | 'failed';
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
  /** Takes the termination protection off first: who calls it has decided on the deletion. */
  deleteStack(name: string): Promise<void>;
  /** Failed resources of the last operation with their reasons, the first failure first. */
  failures(name: string): Promise<{ resource: string; type: string; reason: string }[]>;
  /** Stacks whose tag `sluice:cluster` is this cluster and which are not deleted. */
  listOfCluster(cluster: string): Promise<StackState[]>;
}

export interface AccountStacks {
  of(account: string, region: string, session: string): Stacks;
}
