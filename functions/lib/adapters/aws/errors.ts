import { RefusedError, TransientError } from '#model/errors.ts';

const TRANSIENT_STATUS = new Set([408, 429, 500, 502, 503, 504]);

/** HTTP status of an AWS SDK error; undefined when no answer came. */
export function statusOf(error: unknown): number | undefined {
  if (error === null || typeof error !== 'object' || !('$metadata' in error)) return undefined;
  const metadata = error.$metadata;
  if (metadata === null || typeof metadata !== 'object' || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

/** Name of an AWS SDK error, the service's error code. */
export function codeOf(error: unknown): string {
  return error instanceof Error ? error.name : 'UnknownError';
}

/**
 * Turns an AWS SDK error into ours: no answer, throttling and 5xx are TransientError, everything else RefusedError.
 * @param what what was tried, for people, for example `read s3://bucket/key`
 */
export function mapAwsError(error: unknown, what: string): TransientError | RefusedError {
  const status = statusOf(error);
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const text = `could not ${what}: ${code}: ${message}`;
  const transient = status === undefined || TRANSIENT_STATUS.has(status) || /Throttl|TooManyRequests|RequestLimit|SlowDown/.test(code);
  return transient ? new TransientError(text, { cause: error }) : new RefusedError(text, { cause: error });
}
