import { ClusterUnreachableError, RefusedError } from '#model/errors.ts';
import { Status } from '#model/kubernetes.ts';
import type { ApiAnswer } from './http.ts';

/** @throws ClusterUnreachableError for overload and server errors, RefusedError for every other failure */
export function expectOk(answer: ApiAnswer, what: string): ApiAnswer {
  if (answer.status >= 200 && answer.status < 300) return answer;
  refuseServerErrors(answer, what);
  throw new RefusedError(`could not ${what}: ${answer.status} ${statusOf(answer).message}`);
}

/** Overload (429) and server errors may pass: they are the cluster's state, not the request's fault. */
export function refuseServerErrors(answer: ApiAnswer, what: string): void {
  if (answer.status < 500 && answer.status !== 429) return;
  throw new ClusterUnreachableError(`could not ${what}: ${answer.status} ${statusOf(answer).message}`);
}

/** The Status that a failure carries, or its text as one. */
export function statusOf(answer: ApiAnswer): Status {
  try {
    return Status.parse(JSON.parse(answer.body));
  } catch {
    return { kind: 'Status', status: '', message: answer.body.slice(0, 300), reason: '' };
  }
}
