/** What a real API server said to the eviction of a pod `web-1`; test/contract/eviction-answers.test.ts asks for each again. */
export interface EvictionAnswer {
  readonly status: number;
  /** The header `retry-after`, where there was one. */
  readonly retryAfter?: string;
  /** JSON, or the text where it was none. */
  readonly body: object | string;
}

/** Stands for the uid of the pod that was there. */
export const FOUND_UID = 'e0991a46-b15b-4588-b48a-436483947fff';
/** Asked for where the eviction is of one very pod. */
export const WANTED_UID = '00000000-0000-4000-8000-000000000000';

const HEAD = { kind: 'Status', apiVersion: 'v1', metadata: {} } as const;
const GONE: EvictionAnswer = { status: 201, body: { ...HEAD, status: 'Success', code: 201 } };

/** A refusal for a budget, with the server's words and, where it names one, the time to come again. */
function keptByBudget(message: string, retryAfterSeconds?: number): EvictionAnswer {
  const details = { causes: [{ reason: 'DisruptionBudget', message }], ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
  return {
    status: 429,
    ...(retryAfterSeconds === undefined ? {} : { retryAfter: String(retryAfterSeconds) }),
    body: {
      ...HEAD,
      status: 'Failure',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      reason: 'TooManyRequests',
      details,
      code: 429,
    },
  };
}

function failure(code: number, reason: string, message: string, details: object): EvictionAnswer {
  return { status: code, body: { ...HEAD, status: 'Failure', message, reason, details, code } };
}

const POD = { name: 'web-1', kind: 'pods' };
const UNREACHED =
  'failed calling webhook "gone.example.org": failed to call webhook: Post "https://127.0.0.1:9/none?timeout=1s": dial tcp 127.0.0.1:9: connect: connection refused';

function ruledOut(code: number, reason: string, policy: string): EvictionAnswer {
  const denial = `ValidatingAdmissionPolicy '${policy}' with binding '${policy}' denied request: nobody leaves`;
  const message = `pods "web-1" is forbidden: ${denial}`;
  return failure(code, reason, message, { ...POD, causes: [{ message: denial }] });
}

/** By the situation, which is also the pod's namespace. Kubernetes 1.35.4 and 1.36.3 say the same. */
export const EVICTION_ANSWERS = {
  free: GONE,
  'dry-run': GONE,
  'budget-with-room': GONE,
  'finished-pod': GONE,
  'pending-pod': GONE,
  'ending-pod': GONE,
  'unready-pod-of-a-met-budget': GONE,
  'unready-pod-always-allowed': GONE,
  'no-pod': failure(404, 'NotFound', 'pods "web-1" not found', POD),
  'no-namespace': failure(404, 'NotFound', 'namespaces "no-namespace" not found', { name: 'no-namespace', kind: 'namespaces' }),
  'another-pod': failure(
    409,
    'Conflict',
    `Operation cannot be fulfilled on Pod "web-1": the UID in the precondition (${WANTED_UID}) does not match the UID in record (${FOUND_UID}). The object might have been deleted and then recreated`,
    { name: 'web-1', kind: 'Pod' },
  ),
  'full-budget': keptByBudget('The disruption budget keep needs 2 healthy pods and has 2 currently'),
  'dry-run-of-a-full-budget': keptByBudget('The disruption budget keep needs 2 healthy pods and has 2 currently'),
  'unready-pod-of-an-unmet-budget': keptByBudget('The disruption budget keep needs 2 healthy pods and has 1 currently'),
  'budget-that-failed': keptByBudget(
    'The disruption budget keep does not allow evicting pods currently because it failed sync: found no controllers for pod "web-1"',
  ),
  'budget-not-counted': keptByBudget('The disruption budget keep is still being processed by the server.', 10),
  'budget-changed': keptByBudget('The disruption budget keep is still being processed by the server.', 10),
  'two-budgets': {
    status: 500,
    body: {
      ...HEAD,
      status: 'Failure',
      message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      code: 500,
    },
  },
  'too-many-on-their-way': failure(
    403,
    'Forbidden',
    'poddisruptionbudget.policy "keep" is forbidden: DisruptedPods map too big - too many evictions not confirmed by PDB controller',
    { name: 'keep', group: 'policy', kind: 'poddisruptionbudget' },
  ),
  'ending-namespace': failure(
    403,
    'Forbidden',
    'pods "web-1" is forbidden: unable to create new content in namespace ending-namespace because it is being terminated',
    {
      ...POD,
      causes: [{ reason: 'NamespaceTerminating', message: 'namespace ending-namespace is being terminated', field: 'metadata.namespace' }],
    },
  ),
  'no-right': failure(
    403,
    'Forbidden',
    'pods "web-1" is forbidden: User "ann" cannot create resource "pods/eviction" in API group "" in the namespace "no-right"',
    POD,
  ),
  'no-certificate': { status: 401, body: { ...HEAD, status: 'Failure', message: 'Unauthorized', reason: 'Unauthorized', code: 401 } },
  'webhook-down': failure(500, 'InternalError', `Internal error occurred: ${UNREACHED}`, { causes: [{ message: UNREACHED }] }),
  ruled: ruledOut(422, 'Invalid', 'ruled'),
  'ruled-forbidden': ruledOut(403, 'Forbidden', 'ruled-forbidden'),
  overload: { status: 429, retryAfter: '1', body: 'Too many requests, please try again later.' },
} as const satisfies Readonly<Record<string, EvictionAnswer>>;

export type EvictionSituation = keyof typeof EVICTION_ANSWERS;
export const EVICTION_SITUATIONS = Object.keys(EVICTION_ANSWERS) as EvictionSituation[];
