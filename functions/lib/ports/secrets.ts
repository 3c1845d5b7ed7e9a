/** A version of a secret, and the id that Secrets Manager gave it. */
export interface SecretVersion {
  readonly value: string;
  readonly version: string;
}

/** Secrets Manager of the account that the function runs in. Values never leave the step that reads them. */
export interface Secrets {
  /** undefined when there is none. @throws TransientError */
  get(id: string): Promise<string | undefined>;
  /**
   * One version of a secret, with the id that Secrets Manager gave it; undefined when there is none.
   * @param label staging label of the version; absent: the current one
   * @throws TransientError
   */
  getVersion(id: string, label?: string): Promise<SecretVersion | undefined>;
  /** Creates the secret; false when it is there already. @throws TransientError */
  create(id: string, value: string, tags: Readonly<Record<string, string>>): Promise<boolean>;
  /**
   * Writes a new version in place of the one that was read; false when another has become the current one meanwhile.
   * @param version id of the current version, from `getVersion`
   * @throws NotFoundError, TransientError
   */
  replace(id: string, value: string, version: string): Promise<boolean>;
  /** Absent is fine. @param recoveryDays how long it can be restored, 7 to 30; absent: deleted at once @throws TransientError */
  delete(id: string, recoveryDays?: number): Promise<void>;
}
