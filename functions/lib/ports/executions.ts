export interface ExecutionStatus {
  readonly status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
  readonly error?: string;
  readonly cause?: string;
  /** The execution's input as JSON text. */
  readonly input?: string;
}

/** State machine executions of the hub. */
export interface Executions {
  /**
   * Starts an execution. `existed` when one of this name is there already, running or closed: the name is made from the
   * work, so that counts as success. @throws TransientError
   */
  start(machine: string, name: string, input: unknown): Promise<{ existed: boolean }>;
  /** undefined when there is none of this name. @throws TransientError */
  describe(machine: string, name: string): Promise<ExecutionStatus | undefined>;
  /** Link for people to the execution. */
  link(machine: string, name: string): string;
}
