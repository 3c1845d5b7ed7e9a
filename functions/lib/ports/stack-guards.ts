/** What guards a stack beside its template. */
export interface StackGuard {
  /** Nobody can delete the stack before this is taken off. */
  readonly terminationProtected: boolean;
  /** JSON text as it was set; undefined for none. */
  readonly policy: string | undefined;
}

/** Guards of the stacks in a cluster's account. */
export interface StackGuards {
  /** @throws TransientError, RefusedError */
  read(stack: string): Promise<StackGuard>;
  setPolicy(stack: string, policy: string): Promise<void>;
  protect(stack: string): Promise<void>;
}

export interface AccountStackGuards {
  of(account: string, region: string, session: string): StackGuards;
}
