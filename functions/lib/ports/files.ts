import type { RandomAccess } from './random-access.ts';

/** What a snapshot's file holds, computed from the bytes as they were written. */
export interface SpooledFile {
  readonly bytes: number;
  /** SHA-256 of the whole file. */
  readonly sha256: string;
  /** SHA-256 of all but the last 32 bytes, 64 hex digits. */
  readonly bodySha256: string;
  /** The last 32 bytes in hex; shorter when the file is. */
  readonly trailer: string;
}

/** Temporary files of one step; the only place that a function may write to. */
export interface Scratch {
  /** Runs with a new empty directory and removes it afterwards, on every path; before, it removes those that ended processes left. */
  withDirectory<T>(use: (directory: string) => Promise<T>): Promise<T>;
  /**
   * Writes chunks to a new file as fast as they come, hashing on the way. Passes the chunks' own error on.
   * @throws RefusedError when the disk is full
   */
  spool(chunks: AsyncIterable<Uint8Array>, path: string): Promise<SpooledFile>;
  /** Runs with a file opened for reading. @throws InputError when it cannot be read or changes meanwhile */
  read<T>(path: string, use: (file: RandomAccess) => T): T;
}

/** Executables kept between calls of a warm function, named by their content. */
export interface Binaries {
  /**
   * Path of the executable with this SHA-256. When it is not there, `fetch` writes it to the given path; it is kept only
   * if it then has the hash. A kept file is hashed again before each use.
   * @throws RefusedError when what was fetched has another hash
   */
  provide(file: string, sha256: string, fetch: (path: string) => Promise<void>): Promise<string>;
}
