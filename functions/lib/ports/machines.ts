/** An EC2 instance and what AWS says of it, whatever it says of itself. */
export interface Machine {
  readonly id: string;
  /** For example `running`. */
  readonly state: string;
  readonly address: string | undefined;
  /** Roles of its instance profile. */
  readonly roles: readonly string[];
  /** The Auto Scaling group that it is in. */
  readonly group:
    | {
        readonly name: string;
        readonly tags: Readonly<Record<string, string>>;
        readonly lifecycleState: string;
        readonly healthStatus: string;
      }
    | undefined;
}

export interface Machines {
  /** undefined when the account has no such instance. @throws TransientError, RefusedError */
  find(id: string): Promise<Machine | undefined>;
}
