/** Bytes of a file at any place. Reads are synchronous: a database has millions of pages of 4 KiB. */
export interface RandomAccess {
  /** Length as it was when the file was opened. */
  readonly bytes: number;
  /** Fills `target` with the bytes from `offset` on. @throws InputError when the file does not have them (any more) */
  read(offset: number, target: Uint8Array): void;
}
