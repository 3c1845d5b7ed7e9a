import { describe, expect, it } from 'vitest';
import { evict } from '#adapters/kubernetes/evict.ts';
import type { ApiRequest } from '#adapters/kubernetes/http.ts';
import { ClusterUnreachableError, RefusedError } from '#model/errors.ts';
import type { Eviction } from '#ports/kubernetes.ts';
import {
  EVICTION_ANSWERS,
  EVICTION_SITUATIONS,
  type EvictionAnswer,
  type EvictionSituation,
  WANTED_UID,
} from '../../../support/eviction-answers.ts';

/** What became of an eviction: its outcome and by whom it is kept, or the error's class. */
type Became = Exclude<Eviction['outcome'], 'blocked'> | Extract<Eviction, { outcome: 'blocked' }>['by'] | 'unreachable' | 'refused';

/** Each that there is; the compiler says when one is missing. */
const EVERY: Readonly<Record<Became, true>> = {
  evicted: true,
  gone: true,
  budget: true,
  budgets: true,
  uncounted: true,
  refusal: true,
  unreachable: true,
  refused: true,
};

const TABLE: Readonly<Record<EvictionSituation, Became>> = {
  free: 'evicted',
  'dry-run': 'evicted',
  'budget-with-room': 'evicted',
  'finished-pod': 'evicted',
  'pending-pod': 'evicted',
  'ending-pod': 'evicted',
  'unready-pod-of-a-met-budget': 'evicted',
  'unready-pod-always-allowed': 'evicted',
  'no-pod': 'gone',
  'no-namespace': 'gone',
  'another-pod': 'gone',
  'full-budget': 'budget',
  'dry-run-of-a-full-budget': 'budget',
  'unready-pod-of-an-unmet-budget': 'budget',
  'budget-that-failed': 'budget',
  'budget-not-counted': 'uncounted',
  'budget-changed': 'uncounted',
  'two-budgets': 'budgets',
  'too-many-on-their-way': 'refusal',
  'ending-namespace': 'refusal',
  'no-right': 'refusal',
  'no-certificate': 'refused',
  'webhook-down': 'refusal',
  ruled: 'refusal',
  'ruled-forbidden': 'refusal',
  overload: 'unreachable',
};

const CAUSES = [{ reason: 'DisruptionBudget', message: 'no' }];

/** @param uid with which the pod is asked for */
async function became(answer: EvictionAnswer, uid?: string): Promise<{ what: Became; reason: string; asked: readonly ApiRequest[] }> {
  const asked: ApiRequest[] = [];
  const body = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
  const send = async (request: ApiRequest) => {
    asked.push(request);
    return { status: answer.status, body };
  };
  try {
    const eviction = await evict(send, 'shop', 'web-1', uid);
    const what = eviction.outcome === 'blocked' ? eviction.by : eviction.outcome;
    return { what, reason: eviction.outcome === 'blocked' ? eviction.reason : '', asked };
  } catch (error) {
    if (error instanceof ClusterUnreachableError) return { what: 'unreachable', reason: error.message, asked };
    if (error instanceof RefusedError) return { what: 'refused', reason: error.message, asked };
    throw error;
  }
}

describe('what an answer of the Eviction API means', () => {
  it('is said for each answer that was seen, and each meaning has one', () => {
    expect(Object.keys(TABLE).sort()).toEqual([...EVICTION_SITUATIONS].sort());
    expect([...new Set(Object.values(TABLE))].sort()).toEqual(Object.keys(EVERY).sort());
  });

  it.each(EVICTION_SITUATIONS)('%s', async (situation) => {
    const uid = situation === 'another-pod' ? WANTED_UID : undefined;

    expect((await became(EVICTION_ANSWERS[situation], uid)).what).toBe(TABLE[situation]);
  });

  it.each<[EvictionSituation, string]>([
    [
      'full-budget',
      "Cannot evict pod as it would violate the pod's disruption budget. The disruption budget keep needs 2 healthy pods and has 2 currently",
    ],
    ['two-budgets', 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.'],
    [
      'ending-namespace',
      'pods "web-1" is forbidden: unable to create new content in namespace ending-namespace because it is being terminated namespace ending-namespace is being terminated',
    ],
    ['overload', 'could not evict shop/web-1: 429 Too many requests, please try again later.'],
    ['no-certificate', 'could not evict shop/web-1: 401 Unauthorized'],
  ])('in the server’s words: %s', async (situation, reason) => {
    expect((await became(EVICTION_ANSWERS[situation])).reason).toBe(reason);
  });

  // No server was made to say these.
  it.each<[string, EvictionAnswer, string | undefined, Became]>([
    ['a gateway without a server', { status: 502, body: '<html>Bad Gateway</html>' }, undefined, 'unreachable'],
    ['a store that does not answer', statusOf({ code: 504, message: 'Timeout: request did not complete' }), undefined, 'unreachable'],
    ['a failure that is told with status 200', statusOf({ code: 429, message: 'later' }, 200), undefined, 'unreachable'],
    ['a failure without a code', { status: 500, body: { kind: 'Status', status: 'Failure', message: 'no' } }, undefined, 'unreachable'],
    ['a success without a code', { status: 200, body: { kind: 'Status', status: 'Success' } }, undefined, 'evicted'],
    ['a redirection', { status: 300, body: { kind: 'Status', message: 'elsewhere' } }, undefined, 'refusal'],
    ['the pod itself, by an old server', { status: 201, body: { kind: 'Pod', metadata: {} } }, undefined, 'evicted'],
    ['overload with causes of another kind', overloaded({ causes: [{ reason: 'Queue' }] }), undefined, 'unreachable'],
    ['overload with an empty cause', overloaded({ causes: [{}] }), undefined, 'unreachable'],
    ['overload without causes', overloaded({ retryAfterSeconds: 1 }), undefined, 'unreachable'],
    ['a budget with no time to come again', overloaded({ causes: CAUSES, retryAfterSeconds: 0 }), undefined, 'budget'],
    ['a budget among causes', overloaded({ causes: [{ reason: 'Queue' }, ...CAUSES] }), undefined, 'budget'],
    ['a budget that is told with another code', statusOf({ code: 403, details: { causes: CAUSES } }), undefined, 'refusal'],
    ['a conflict of an eviction of any pod', { ...EVICTION_ANSWERS['another-pod'] }, undefined, 'refusal'],
    ['a conflict for something else', statusOf({ code: 409, message: 'the object has been modified' }), WANTED_UID, 'refusal'],
    ['a precondition that is told with another code', statusOf({ code: 422, message: 'precondition' }), WANTED_UID, 'refusal'],
    ['a webhook that asks to come again', statusOf({ code: 429, message: 'webhook "x" denied' }), undefined, 'unreachable'],
  ])('%s', async (_name, answer, uid, what) => {
    expect((await became(answer, uid)).what).toBe(what);
  });
});

function statusOf(
  content: { readonly code: number; readonly message?: string; readonly details?: object },
  status = content.code,
): EvictionAnswer {
  return { status, body: { kind: 'Status', status: 'Failure', ...content } };
}

function overloaded(details: object): EvictionAnswer {
  return statusOf({ code: 429, message: 'later', details });
}

describe('what is asked of the Eviction API', () => {
  const path = '/api/v1/namespaces/shop/pods/web-1/eviction';
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'web-1', namespace: 'shop' } };

  it('is an eviction of policy/v1, of one very pod where its uid is known', async () => {
    const { asked } = await became(EVICTION_ANSWERS.free);
    const { asked: very } = await became(EVICTION_ANSWERS.free, WANTED_UID);

    expect(asked).toEqual([{ method: 'POST', path, body }]);
    expect(very).toEqual([{ method: 'POST', path, body: { ...body, deleteOptions: { preconditions: { uid: WANTED_UID } } } }]);
  });

  it('keeps names within their part of the path', async () => {
    const asked: string[] = [];
    await evict(
      async (request) => {
        asked.push(request.path);
        return { status: 404, body: '' };
      },
      'a/b',
      'c?d',
    );

    expect(asked).toEqual(['/api/v1/namespaces/a%2Fb/pods/c%3Fd/eviction']);
  });
});
