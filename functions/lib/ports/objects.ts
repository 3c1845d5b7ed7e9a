/** An object as read: text, entity tag and when the store wrote it (the store's clock). */
export interface StoredObject {
  readonly body: string;
  readonly etag: string;
  readonly lastModified: Date;
}

/** Where a bucket lies: the hub's own, or that of a cluster's account. */
export interface ObjectStore {
  /** The object, or undefined when there is none. @throws TransientError */
  get(key: string): Promise<StoredObject | undefined>;
  /** The object's bytes, or undefined. @throws TransientError */
  getBytes(key: string): Promise<Uint8Array | undefined>;
  /** Writes without condition. Only for objects whose name is their content. */
  put(key: string, body: string | Uint8Array): Promise<void>;
  /** Writes only if absent; false when the object is there. @throws TransientError */
  putIfAbsent(key: string, body: string | Uint8Array): Promise<boolean>;
  /** Writes only if the entity tag still matches; false when it does not. @throws TransientError */
  putIfMatch(key: string, body: string, etag: string): Promise<boolean>;
  /** Keys under a prefix, in order. @throws TransientError */
  list(prefix: string): Promise<string[]>;
  /** The store's clock, read from its answers (never from this machine). */
  now(): Promise<Date>;
}

/** The bucket of a cluster's account, entered by the account's hub role. */
export interface AccountObjects {
  of(account: string, region: string, session: string): ObjectStore;
}
