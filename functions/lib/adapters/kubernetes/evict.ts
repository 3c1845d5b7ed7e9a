import { ClusterUnreachableError } from '#model/errors.ts';
import type { Status } from '#model/kubernetes.ts';
import type { Eviction } from '#ports/kubernetes.ts';
import { expectOk, statusOf } from './answers.ts';
import type { Send } from './http.ts';

const BUDGET_CAUSE = 'DisruptionBudget';
const SEVERAL_BUDGETS = 'more than one PodDisruptionBudget';

/**
 * One try of the Eviction API. Its answers are not its status codes alone: 429 is a budget only with the cause that says so,
 * else the API is overloaded; with a time to come again beside that cause it is a budget that nobody has counted yet; several
 * budgets are told by a Status of code 500.
 */
export async function evict(send: Send, namespace: string, pod: string, uid?: string): Promise<Eviction> {
  const preconditions = uid === undefined ? {} : { deleteOptions: { preconditions: { uid } } };
  const answer = await send({
    method: 'POST',
    path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/eviction`,
    body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace }, ...preconditions },
  });
  const what = `evict ${namespace}/${pod}`;
  if (answer.status === 404) return { outcome: 'gone' };
  const status = statusOf(answer);
  const code = status.status === 'Failure' ? (status.code ?? answer.status) : answer.status;
  if (code < 300) return { outcome: 'evicted' };
  const reason = reasonOf(status);
  if (status.message.includes(SEVERAL_BUDGETS)) return { outcome: 'blocked', by: 'budgets', reason };
  if (code === 429 && (status.details?.causes ?? []).some((cause) => cause.reason === BUDGET_CAUSE))
    return { outcome: 'blocked', by: (status.details?.retryAfterSeconds ?? 0) > 0 ? 'uncounted' : 'budget', reason };
  if (code === 409 && uid !== undefined && /precondition/i.test(status.message)) return { outcome: 'gone' };
  if (code === 429 || (code >= 500 && !status.message.includes('webhook')))
    throw new ClusterUnreachableError(`could not ${what}: ${code} ${status.message}`);
  if (code === 401) expectOk(answer, what);
  return { outcome: 'blocked', by: 'refusal', reason };
}

/** The server's words, with the budget's name from the causes. */
function reasonOf({ message, details }: Status): string {
  const causes = (details?.causes ?? []).flatMap((cause) => cause.message ?? []);
  return [message, ...causes].join(' ');
}
