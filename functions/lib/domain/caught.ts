import type { CaughtError } from './check-texts.ts';

/** A failed execution inside a failed execution is unwrapped this often; the machines nest three deep. */
const DEEPEST = 5;

/**
 * The error behind what a Catch left. A Lambda's Cause is JSON with errorType and errorMessage; a nested execution's is
 * the description of that execution, whose own Error and Cause are the ones that count.
 */
export function readCaught(error: { readonly Error: string; readonly Cause: string }): CaughtError {
  return unwrap(error.Error, error.Cause, DEEPEST);
}

/** A reason in a record: enough to act on; the whole is in the execution's history. */
export const REASON_LIMIT = 500;

/** What a Catch left as one line: name and message. @param limit in characters */
export function caughtReason(error: { readonly Error: string; readonly Cause: string } | undefined, limit = REASON_LIMIT): string {
  if (error === undefined) return 'no reason was told';
  const { name, message } = readCaught(error);
  return `${name}: ${message}`.slice(0, limit);
}

function unwrap(name: string, cause: string, depth: number): CaughtError {
  const fields = parseObject(cause);
  if (fields === undefined || depth === 0) return { name, message: cause };
  const nested = text(fields['Cause']) ?? text(fields['cause']);
  const nestedName = text(fields['Error']) ?? text(fields['error']);
  if (nested !== undefined || nestedName !== undefined) return unwrap(nestedName ?? name, nested ?? '', depth - 1);
  const message = text(fields['errorMessage']);
  if (message !== undefined) return { name: text(fields['errorType']) ?? name, message };
  const status = text(fields['Status']);
  return { name, message: status === undefined ? cause : `the execution ${text(fields['Name']) ?? ''} ended as ${status}` };
}

function parseObject(json: string): Record<string, unknown> | undefined {
  if (!json.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(json);
    return value !== null && typeof value === 'object' ? Object.fromEntries(Object.entries(value)) : undefined;
  } catch {
    // A Cause is cut at 32,768 characters and then no JSON any more; it is shown as it is.
    return undefined;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
