/** Private addresses of instances of the function's own account: of those that have one, by id. @throws TransientError */
export type Addresses = (instances: readonly string[]) => Promise<ReadonlyMap<string, string>>;
