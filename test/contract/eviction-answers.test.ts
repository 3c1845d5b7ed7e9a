import { request } from 'node:https';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_PORT } from '#domain/network.ts';
import type { ClientIdentity } from '#model/identity.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import {
  EVICTION_ANSWERS,
  EVICTION_SITUATIONS,
  type EvictionAnswer,
  type EvictionSituation,
  FOUND_UID,
  WANTED_UID,
} from '../support/eviction-answers.ts';

interface Asked {
  readonly uid?: string;
  readonly dryRun?: boolean;
  /** Of an impersonated user; null: no client certificate. */
  readonly user?: string | null;
  /** So many at once; answered is what was too many, if anything was. */
  readonly crowd?: number;
}

const RUNS = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
const UNREADY = { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] };
/** As the controller of disruption budgets writes it, which does not run here: nobody changes it. */
const COUNTED = { observedGeneration: 1, disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2, expectedPods: 2 };
const ROOM = { ...COUNTED, disruptionsAllowed: 1 };
const EVICTIONS = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods/eviction'] }];

const RBAC = 'rbac.authorization.k8s.io';

/** Servers that take connections and never say anything. */
const silent: Server[] = [];

async function silentServer(): Promise<{ url: string; asked: () => number }> {
  let asked = 0;
  const server = createServer(() => {
    asked++;
  });
  silent.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `https://127.0.0.1:${address.port}/`, asked: () => asked };
}

/** An API server alone, with objects brought into each situation by hand. */
class Api {
  readonly #address: string;
  readonly #identity: ClientIdentity;

  constructor(address: string, identity: ClientIdentity) {
    this.#address = address;
    this.#identity = identity;
  }

  send(
    method: string,
    path: string,
    content: unknown,
    user?: string | null,
  ): Promise<{ status: number; retryAfter?: string; body: string }> {
    const { ca, cert, key } = this.#identity;
    const own = user === null ? {} : { cert, key };
    const headers = {
      accept: 'application/json',
      'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
      ...(typeof user === 'string' ? { 'impersonate-user': user } : {}),
    };
    return new Promise((resolve, reject) => {
      const options = { host: this.#address, port: API_PORT, path, method, ca, ...own, headers, servername: 'kubernetes', agent: false };
      const call = request(options, (answer) => {
        const retryAfter = answer.headers['retry-after'];
        let body = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => {
          body += chunk;
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body, ...(retryAfter === undefined ? {} : { retryAfter }) }));
        answer.on('error', reject);
      });
      call.on('error', reject);
      call.end(JSON.stringify(content));
    });
  }

  async must(method: string, path: string, content: unknown = {}): Promise<void> {
    const answer = await this.send(method, path, content);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
  }

  async evict(namespace: string, asked: Asked): Promise<EvictionAnswer> {
    const answers = await Promise.all(Array.from({ length: asked.crowd ?? 1 }, () => this.evictOnce(namespace, asked)));
    const [answer = answers[0]] = answers.filter(({ status }) => status === 429);
    if (answer === undefined) throw new Error('nothing was asked');
    return answer;
  }

  async evictOnce(namespace: string, { uid, dryRun, user }: Asked): Promise<EvictionAnswer> {
    const path = `/api/v1/namespaces/${namespace}/pods/web-1/eviction${dryRun === true ? '?dryRun=All' : ''}`;
    const deleteOptions = uid === undefined ? {} : { deleteOptions: { preconditions: { uid } } };
    const metadata = { name: 'web-1', namespace };
    const { body, ...answer } = await this.send(
      'POST',
      path,
      { apiVersion: 'policy/v1', kind: 'Eviction', metadata, ...deleteOptions },
      user,
    );
    const text = body.replace(/(in record \()[0-9a-f-]+/, `$1${FOUND_UID}`);
    if (text.startsWith('{')) return { ...answer, body: JSON.parse(text) };
    // How long it asks for grows with what it has turned away.
    return { ...answer, ...(answer.retryAfter === undefined ? {} : { retryAfter: '1' }), body: text.trim() };
  }

  /** The namespace with its pod. @param held by a finalizer, so that it stays when it is deleted */
  async pod(namespace: string, status: object = RUNS, held = false): Promise<void> {
    await this.must('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    const metadata = { name: 'web-1', labels: { app: 'web' }, ...(held ? { finalizers: ['example.org/held'] } : {}) };
    const spec = { nodeName: 'one', containers: [{ name: 'main', image: 'none' }] };
    await this.must('POST', `/api/v1/namespaces/${namespace}/pods`, { apiVersion: 'v1', kind: 'Pod', metadata, spec });
    await this.must('PATCH', `/api/v1/namespaces/${namespace}/pods/web-1/status`, { status });
  }

  /** @param status undefined: nobody has counted yet */
  async budget(namespace: string, status: object | undefined, name = 'keep', more: object = {}): Promise<void> {
    const budgets = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
    const spec = { minAvailable: 2, selector: { matchLabels: { app: 'web' } }, ...more };
    await this.must('POST', budgets, { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name }, spec });
    if (status !== undefined) await this.must('PATCH', `${budgets}/${name}/status`, { status });
  }

  /** Asked about each eviction in a namespace. */
  async webhook(name: string, namespace: string, url: string, failurePolicy: string): Promise<void> {
    const group = 'admissionregistration.k8s.io/v1';
    const webhook = {
      name: `${name}.example.org`,
      rules: EVICTIONS,
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      failurePolicy,
      timeoutSeconds: 1,
      clientConfig: { url },
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    };
    const object = { apiVersion: group, kind: 'ValidatingWebhookConfiguration', metadata: { name }, webhooks: [webhook] };
    await this.must('POST', `/apis/${group}/validatingwebhookconfigurations`, object);
  }

  /** Until the server goes by what it was just told. */
  async refuses(namespace: string, user?: string): Promise<void> {
    const asked = { dryRun: true, ...(user === undefined ? {} : { user }) };
    await expect.poll(async () => (await this.evict(namespace, asked)).status, { timeout: 30_000 }).toBeGreaterThan(399);
  }
}

/** How each situation is brought about, and what is asked then. */
const SITUATIONS: Readonly<Record<EvictionSituation, (api: Api, namespace: string) => Promise<Asked>>> = {
  async free(api, namespace) {
    await api.pod(namespace);
    return {};
  },
  async 'dry-run'(api, namespace) {
    await api.pod(namespace);
    return { dryRun: true };
  },
  async 'budget-with-room'(api, namespace) {
    await api.pod(namespace);
    await api.budget(namespace, ROOM);
    return {};
  },
  async 'finished-pod'(api, namespace) {
    await api.pod(namespace, { phase: 'Succeeded' });
    await api.budget(namespace, COUNTED);
    return {};
  },
  async 'pending-pod'(api, namespace) {
    await api.pod(namespace, { phase: 'Pending' });
    await api.budget(namespace, COUNTED);
    return {};
  },
  async 'ending-pod'(api, namespace) {
    await api.pod(namespace, RUNS, true);
    await api.must('DELETE', `/api/v1/namespaces/${namespace}/pods/web-1`);
    await api.budget(namespace, COUNTED);
    return {};
  },
  async 'unready-pod-of-a-met-budget'(api, namespace) {
    await api.pod(namespace, UNREADY);
    await api.budget(namespace, COUNTED);
    return {};
  },
  async 'unready-pod-always-allowed'(api, namespace) {
    await api.pod(namespace, UNREADY);
    await api.budget(namespace, { ...COUNTED, currentHealthy: 1 }, 'keep', { unhealthyPodEvictionPolicy: 'AlwaysAllow' });
    return {};
  },
  async 'unready-pod-of-an-unmet-budget'(api, namespace) {
    await api.pod(namespace, UNREADY);
    await api.budget(namespace, { ...COUNTED, currentHealthy: 1 });
    return {};
  },
  async 'no-pod'(api, namespace) {
    await api.must('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    return {};
  },
  'no-namespace': async () => ({}),
  async 'another-pod'(api, namespace) {
    await api.pod(namespace);
    return { uid: WANTED_UID };
  },
  async 'full-budget'(api, namespace) {
    await api.pod(namespace);
    await api.budget(namespace, COUNTED);
    return {};
  },
  async 'dry-run-of-a-full-budget'(api, namespace) {
    await api.pod(namespace);
    await api.budget(namespace, COUNTED);
    return { dryRun: true };
  },
  async 'budget-that-failed'(api, namespace) {
    const condition = { type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed', message: 'found no controllers for pod "web-1"' };
    await api.pod(namespace);
    await api.budget(namespace, { ...COUNTED, conditions: [{ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' }] });
    return {};
  },
  async 'budget-not-counted'(api, namespace) {
    await api.pod(namespace);
    await api.budget(namespace, undefined);
    return {};
  },
  async 'budget-changed'(api, namespace) {
    await api.pod(namespace);
    await api.budget(namespace, ROOM);
    await api.must('PATCH', `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets/keep`, { spec: { minAvailable: 1 } });
    return {};
  },
  async 'two-budgets'(api, namespace) {
    await api.pod(namespace);
    for (const name of ['keep', 'hold']) await api.budget(namespace, ROOM, name);
    return {};
  },
  async 'too-many-on-their-way'(api, namespace) {
    const names = Array.from({ length: 2001 }, (_, index) => [`gone-${index}`, '2026-01-01T00:00:00Z']);
    await api.pod(namespace);
    await api.budget(namespace, { ...ROOM, disruptedPods: Object.fromEntries(names) });
    return {};
  },
  async 'ending-namespace'(api, namespace) {
    await api.pod(namespace, RUNS, true);
    await api.must('DELETE', `/api/v1/namespaces/${namespace}`);
    return {};
  },
  async 'no-right'(api, namespace) {
    await api.pod(namespace);
    return { user: 'ann' };
  },
  async 'no-certificate'(api, namespace) {
    await api.pod(namespace);
    return { user: null };
  },
  async 'webhook-down'(api, namespace) {
    await api.pod(namespace);
    await api.webhook('gone', namespace, 'https://127.0.0.1:9/none', 'Fail');
    await api.refuses(namespace);
    return {};
  },
  async ruled(api, namespace) {
    await api.pod(namespace);
    await rule(api, namespace, 'Invalid');
    return {};
  },
  async 'ruled-forbidden'(api, namespace) {
    await api.pod(namespace);
    await rule(api, namespace, 'Forbidden');
    return {};
  },
  async overload(api, namespace) {
    const metadata = { name: 'crowd' };
    const flow = { apiVersion: 'flowcontrol.apiserver.k8s.io/v1', metadata };
    const level = {
      type: 'Limited',
      limited: { nominalConcurrencyShares: 0, borrowingLimitPercent: 0, limitResponse: { type: 'Reject' } },
    };
    const resources = [{ verbs: ['create'], apiGroups: [''], resources: ['pods/eviction'], namespaces: ['*'] }];
    const rules = [{ subjects: [{ kind: 'User', user: { name: 'bob' } }], resourceRules: resources }];
    const bound = {
      subjects: [{ kind: 'User', name: 'bob', apiGroup: RBAC }],
      roleRef: { kind: 'ClusterRole', name: 'cluster-admin', apiGroup: RBAC },
    };
    await api.pod(namespace);
    await api.must('POST', `/apis/${RBAC}/v1/clusterrolebindings`, {
      apiVersion: `${RBAC}/v1`,
      kind: 'ClusterRoleBinding',
      metadata,
      ...bound,
    });
    await api.must('POST', `/apis/${flow.apiVersion}/prioritylevelconfigurations`, {
      ...flow,
      kind: 'PriorityLevelConfiguration',
      spec: level,
    });
    const spec = { priorityLevelConfiguration: metadata, matchingPrecedence: 2, rules };
    await api.must('POST', `/apis/${flow.apiVersion}/flowschemas`, { ...flow, kind: 'FlowSchema', spec });
    // One is under way for a second, since the webhook never answers; the level lets no second one in.
    const { url, asked: times } = await silentServer();
    await api.webhook('silent', namespace, url, 'Ignore');
    const asked = { user: 'bob', dryRun: true, crowd: 4 };
    await expect.poll(async () => [(await api.evict(namespace, asked)).status, times() > 0], { timeout: 60_000 }).toEqual([429, true]);
    return asked;
  },
};

/** Has a rule of admission refuse each eviction in a namespace. */
async function rule(api: Api, namespace: string, reason: string): Promise<void> {
  const group = '/apis/admissionregistration.k8s.io/v1';
  const of = { apiVersion: 'admissionregistration.k8s.io/v1', metadata: { name: namespace } };
  const validations = [{ expression: 'false', message: 'nobody leaves', reason }];
  const selected = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } }, resourceRules: EVICTIONS };
  await api.must('POST', `${group}/validatingadmissionpolicies`, {
    ...of,
    kind: 'ValidatingAdmissionPolicy',
    spec: { matchConstraints: selected, validations },
  });
  await api.must('POST', `${group}/validatingadmissionpolicybindings`, {
    ...of,
    kind: 'ValidatingAdmissionPolicyBinding',
    spec: { policyName: namespace, validationActions: ['Deny'] },
  });
  await api.refuses(namespace);
}

describe.each(['1.35.4', '1.36.3'])('the Eviction API of Kubernetes %s', (version) => {
  let plane: ControlPlane;
  let api: Api;
  beforeAll(async () => {
    plane = await startControlPlane({ version });
    api = new Api(plane.address, await plane.client('kubernetes'));
  }, 90_000);
  afterAll(async () => {
    await plane?.stop();
    for (const server of silent.splice(0)) server.close();
  });

  it.each(EVICTION_SITUATIONS)('answers as it is written down: %s', async (situation) => {
    const asked = await SITUATIONS[situation](api, situation);

    expect(await api.evict(situation, asked)).toEqual(EVICTION_ANSWERS[situation]);
  });
});
