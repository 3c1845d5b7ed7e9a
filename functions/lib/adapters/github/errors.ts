import { RefusedError, TransientError } from '#model/errors.ts';

/** What is read of an error of @octokit/request; its class is not part of our dependencies. */
interface Failure {
  readonly status: number;
  readonly message: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** HTTP status of an Octokit error; undefined when it is none. GitHub not answering counts as 500 in Octokit. */
export function statusOf(error: unknown): number | undefined {
  return failureOf(error)?.status;
}

/**
 * Turns an Octokit error into ours. Rate limits (429, or 403 with the words or headers of a limit), 5xx and a broken or
 * timed out connection are TransientError; every other 4xx is RefusedError.
 * @param call method and route, for people
 */
export function mapGitHubError(error: unknown, call: string): TransientError | RefusedError {
  const failure = failureOf(error);
  if (failure === undefined) {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const broken = error instanceof Error && ['AbortError', 'TimeoutError', 'TypeError'].includes(error.name);
    return broken ? new TransientError(`${call}: ${text}`, { cause: error }) : new RefusedError(`${call}: ${text}`, { cause: error });
  }
  const text = `GitHub answered ${failure.status} to ${call}: ${failure.message}`;
  return isTransient(failure) ? new TransientError(text, { cause: error }) : new RefusedError(text, { cause: error });
}

function isTransient(failure: Failure): boolean {
  if (failure.status >= 500 || failure.status === 429 || failure.status === 408) return true;
  if (failure.status !== 403) return false;
  // docs.github.com, "Rate limits for the REST API": both limits may be answered as 403.
  const spent = String(failure.headers['x-ratelimit-remaining'] ?? '') === '0' || failure.headers['retry-after'] !== undefined;
  return spent || /rate limit|abuse detection/i.test(failure.message);
}

function failureOf(error: unknown): Failure | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined;
  return { status: error.status, message: error.message, headers: headersOf(error) };
}

function headersOf(error: Error): Readonly<Record<string, unknown>> {
  if (!('response' in error) || error.response === null || typeof error.response !== 'object') return {};
  if (!('headers' in error.response) || error.response.headers === null || typeof error.response.headers !== 'object') return {};
  return { ...error.response.headers };
}
