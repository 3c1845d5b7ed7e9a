/** Secrets Manager of the account that the function runs in. Values never leave the step that reads them. */
export interface Secrets {
  /** undefined when there is none. @throws TransientError */
  get(id: string): Promise<string | undefined>;
  /** Creates the secret; false when it is there already. @throws TransientError */
  create(id: string, value: string, tags: Readonly<Record<string, string>>): Promise<boolean>;
  put(id: string, value: string): Promise<void>;
  delete(id: string): Promise<void>;
}
