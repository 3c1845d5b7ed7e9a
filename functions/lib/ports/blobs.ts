/** What was read back from the store. */
export interface StoredBlob {
  readonly bytes: number;
  readonly sha256: string;
}

/** Big binary objects of one bucket, moved between it and files; never held in memory whole. */
export interface Blobs {
  /**
   * Uploads a file whole or not at all; false when the key is taken already (nothing is overwritten). On any error
   * nothing is left in the bucket, neither object nor parts.
   * @param expected SHA-256 that the file must still have while it is read
   * @throws TransientError, RefusedError, also when the file no longer has this hash
   */
  uploadFile(key: string, path: string, expected: { sha256: string }): Promise<boolean>;
  /** Downloads to a new file and says what came; undefined when there is no such object. @throws TransientError, RefusedError when the disk is full */
  downloadFile(key: string, path: string): Promise<StoredBlob | undefined>;
}
