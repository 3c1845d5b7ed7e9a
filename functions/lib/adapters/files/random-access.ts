import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { InputError } from '#model/errors.ts';
import type { RandomAccess } from '#ports/random-access.ts';

/** Runs with a file opened for reading, and closes it on every path. @throws InputError when it cannot be read or changes meanwhile */
export function withFile<T>(path: string, use: (file: RandomAccess) => T): T {
  const descriptor = opened(path);
  try {
    const before = fstatSync(descriptor);
    if (!before.isFile()) throw new InputError(`${path} is no file: name a snapshot that \`etcdctl snapshot save\` or a backup wrote`);
    const result = use({ bytes: before.size, read: (offset, target) => fill(descriptor, path, offset, target) });
    const after = fstatSync(descriptor);
    if (after.size !== before.size || after.mtimeMs !== before.mtimeMs)
      throw new InputError(`${path} was changed while it was read: run again on a copy`);
    return result;
  } finally {
    closeSync(descriptor);
  }
}

function opened(path: string): number {
  try {
    // Without waiting: nobody may ever write to a pipe, which is refused once it is open.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw new InputError(`${path} cannot be opened: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function fill(descriptor: number, path: string, offset: number, target: Uint8Array): void {
  let done = 0;
  while (done < target.length) {
    const read = readSync(descriptor, target, done, target.length - done, offset + done);
    if (read === 0) throw new InputError(`${path} ends at ${offset + done}: it was cut while it was read`);
    done += read;
  }
}
