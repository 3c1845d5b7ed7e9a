/** One version of an object, or a mark that its key was deleted. */
export interface ObjectVersion {
  readonly key: string;
  readonly version: string;
  /** Nothing newer is there under this key. */
  readonly latest: boolean;
  readonly kind: 'object' | 'delete-marker';
  readonly bytes: number;
  /** By the store's clock. */
  readonly storedAt: Date;
}

/** What the store says of a version without giving it. */
export interface VersionFacts {
  readonly bytes: number;
  readonly etag: string;
  /** SHA-256 that the writer noted in the object's metadata. */
  readonly sha256: string | undefined;
  /** Until when Object Lock keeps it; `open` under a legal hold. */
  readonly lock: Date | 'open' | undefined;
}

/** Objects of a bucket with versions, each version by its id: what removes has to know just what it removes. */
export interface Versions {
  /** Every version and mark below a prefix, all of them. @throws TransientError, RefusedError */
  list(prefix: string): Promise<ObjectVersion[]>;
  /** The text of a version; undefined when it is not there. @throws TransientError, RefusedError */
  read(key: string, version: string): Promise<string | undefined>;
  /** Undefined when it is not there. @throws TransientError, RefusedError */
  look(key: string, version: string): Promise<VersionFacts | undefined>;
  /**
   * Removes one version for good; also fine when it is gone already.
   * @returns false when Object Lock keeps it
   * @throws TransientError, RefusedError
   */
  remove(key: string, version: string): Promise<boolean>;
  /**
   * Has Object Lock keep a version until then (mode GOVERNANCE). What is kept longer already stays so.
   * @returns false when the bucket has no Object Lock
   * @throws TransientError, RefusedError
   */
  keepUntil(key: string, version: string, until: Date): Promise<boolean>;
  /** The store's clock, read from its answers. @throws TransientError */
  now(): Promise<Date>;
}
