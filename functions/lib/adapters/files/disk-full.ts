import { RefusedError } from '#model/errors.ts';

/** No room, a quota, or the largest file that this process may write. */
const FULL: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** A full disk as what it is, which no retry mends; any other error as it came. */
export function diskError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !('code' in error) || !FULL.has(error.code)) return error;
  return new RefusedError(
    `the disk is full at ${path} (${error.message}). A snapshot has to fit into the function's /tmp, for a drill twice (EphemeralStorage in channels/bootstrap/account.yaml, 10,240 MB at most): compact and defragment etcd`,
    { cause: error },
  );
}
