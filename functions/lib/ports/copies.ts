import type { StoredBlob } from './blobs.ts';

/** A second bucket, in another account or region, that backups are copied to. */
export interface Copies {
  /** Keys below a prefix that are there. @throws TransientError, RefusedError */
  list(prefix: string): Promise<string[]>;
  /**
   * Has the store copy one version of an object of the first bucket, with its metadata, under the same key. Takes the place of what is
   * there under it.
   * @throws TransientError, RefusedError
   */
  copy(key: string, version: string, bytes: number): Promise<void>;
  /** Reads the copy whole and says what came; undefined when there is none. @throws TransientError, RefusedError */
  hash(key: string): Promise<StoredBlob | undefined>;
}
