/** An error inside a state machine: a name that Retry and Catch match on, and a cause. */
export class AslError extends Error {
  override readonly name = 'AslError';
  readonly error: string;

  constructor(error: string, cause = '') {
    super(`${error}: ${cause}`, { cause });
    this.error = error;
  }
}

/** AWS cuts a cause here (characters). */
export const CAUSE_LIMIT = 32_768;

/** What a Catch puts at its ResultPath. A task that timed out has an empty Cause. */
export interface ErrorOutput {
  readonly Error: string;
  readonly Cause: string;
}

/** As an error output; anything that is no AslError is a fault of the test itself and thrown on. */
export function errorOutput(error: AslError): ErrorOutput {
  return { Error: error.error, Cause: String(error.cause).slice(0, CAUSE_LIMIT) };
}

/** An execution failed beyond recovery: no Retry and no Catch sees it, whatever it names. */
function isFatal(error: string): boolean {
  return error === 'States.Runtime';
}

/**
 * Whether an ErrorEquals list matches. `States.ALL` matches neither States.DataLimitExceeded nor States.Runtime;
 * `States.TaskFailed` matches any error but timeouts and those; `States.Timeout` also means a missed heartbeat
 * (Step Functions guide, "Error names").
 */
export function matchesError(patterns: readonly string[], error: string): boolean {
  if (isFatal(error)) return false;
  return patterns.some((pattern) => {
    if (pattern === error) return true;
    if (error === 'States.DataLimitExceeded') return false;
    if (pattern === 'States.ALL') return true;
    const timedOut = error === 'States.Timeout' || error === 'States.HeartbeatTimeout';
    if (pattern === 'States.Timeout') return timedOut;
    return pattern === 'States.TaskFailed' && !timedOut;
  });
}

/** The terms in which a Lambda's exception reaches the state machine. */
export function fromException(thrown: unknown): AslError {
  if (thrown instanceof AslError) return thrown;
  if (!(thrown instanceof Error)) return new AslError('Error', JSON.stringify({ errorType: 'string', errorMessage: String(thrown) }));
  return new AslError(thrown.name, JSON.stringify({ errorType: thrown.name, errorMessage: thrown.message, trace: [] }));
}

/** 256 KiB of UTF-8 for any input, output, parameters or result. */
export const PAYLOAD_LIMIT = 262_144;

/** Size of a payload as Step Functions counts it (bytes of its JSON). */
export function payloadBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? 'null');
}

/** Answers the size in bytes. @throws AslError States.DataLimitExceeded */
export function limitPayload(value: unknown, what: string): number {
  const bytes = payloadBytes(value);
  if (bytes > PAYLOAD_LIMIT) {
    throw new AslError('States.DataLimitExceeded', `${what} has ${bytes} bytes; the maximum is ${PAYLOAD_LIMIT} bytes.`);
  }
  return bytes;
}
