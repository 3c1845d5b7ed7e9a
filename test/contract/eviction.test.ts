import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSend, type Send } from '#adapters/kubernetes/http.ts';
import { createKubernetes } from '#adapters/kubernetes/kubernetes.ts';
import { forcedEvent } from '#domain/drain/forced.ts';
import { API_PORT } from '#domain/network.ts';
import { Pod } from '#model/kubernetes.ts';
import type { Manifest } from '#model/render.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { startWholeControlPlane } from '../support/whole-control-plane.ts';

let plane: ControlPlane;
let kubernetes: Kubernetes;
let send: Send;
beforeAll(async () => {
  plane = await startWholeControlPlane('1.36.3');
  const api = { ...(await plane.client('kubernetes')), address: plane.address, port: API_PORT, serverName: 'kubernetes' };
  kubernetes = createKubernetes(api);
  send = createSend(api);
}, 90_000);
afterAll(() => plane?.stop());

async function apply(object: Manifest): Promise<void> {
  const { outcome, reason } = await kubernetes.apply(object);
  if (outcome === 'refused' || outcome === 'conflict') throw new Error(reason ?? outcome);
}

/** A Deployment whose pods run, in a namespace of its own. */
async function running(name: string, replicas: number): Promise<Pod[]> {
  const labels = { app: name };
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  const wanted = async (): Promise<boolean> =>
    (await kubernetes.get({ apiVersion: 'v1', kind: 'ServiceAccount', namespace: name, name: 'default' })) !== undefined;
  await expect.poll(wanted, { timeout: 20_000 }).toBe(true);
  await apply({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: 'none' }] } },
    },
  });
  await expect.poll(async () => (await podsIn(name)).filter(isRunning).length, { timeout: 30_000 }).toBe(replicas);
  return podsIn(name);
}

async function podsIn(namespace: string): Promise<Pod[]> {
  return (await kubernetes.list('v1', 'Pod', namespace)).map((pod) => Pod.parse(pod));
}

function isRunning({ status }: Pod): boolean {
  return status.conditions.some(({ type, status: value }) => type === 'Ready' && value === 'True');
}

/** Until the controller has counted the pods: before it has, every budget says that it allows none. */
async function budget(namespace: string, name: string, spec: object, allowed: number): Promise<void> {
  await apply({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name, namespace }, spec: { ...spec } });
  const counted = async (): Promise<object | undefined> => {
    const found = await kubernetes.get({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', namespace, name });
    return found?.['status'] as object | undefined;
  };
  const wanted = { disruptionsAllowed: allowed, observedGeneration: 1, expectedPods: expect.any(Number) };
  await expect.poll(counted, { timeout: 20_000 }).toMatchObject(wanted);
}

describe('the answers of the Eviction API', () => {
  it('a pod without a budget goes; one that is not there is gone', async () => {
    const [pod] = await running('free', 1);

    const first = await kubernetes.evict('free', pod?.metadata.name ?? '', pod?.metadata.uid);
    const never = await kubernetes.evict('free', 'never-there');

    expect([first, never]).toEqual([{ outcome: 'evicted' }, { outcome: 'gone' }]);
  });

  it('a budget that allows none blocks, and says its name and what it needs', async () => {
    const [pod] = await running('full', 2);
    await budget('full', 'keep-two', { minAvailable: 2, selector: { matchLabels: { app: 'full' } } }, 0);

    const blocked = await kubernetes.evict('full', pod?.metadata.name ?? '', pod?.metadata.uid);

    expect(blocked).toEqual({ outcome: 'blocked', by: 'budget', reason: expect.stringMatching(/keep-two needs 2 healthy pods and has 2/) });
  });

  it('a budget with room lets one go, and another one once the first is made up for', async () => {
    const pods = await running('roomy', 2);
    await budget('roomy', 'one-at-a-time', { maxUnavailable: 1, selector: { matchLabels: { app: 'roomy' } } }, 1);

    for (const pod of pods) {
      const evicted = async (): Promise<string> => (await kubernetes.evict('roomy', pod.metadata.name, pod.metadata.uid)).outcome;
      await expect.poll(evicted, { timeout: 20_000 }).toMatch(/evicted|gone/);
    }

    const left = await podsIn('roomy');
    expect(left.some(({ metadata }) => pods.some((pod) => pod.metadata.uid === metadata.uid))).toBe(false);
  });

  it('two budgets for one pod block by themselves, whatever they allow', async () => {
    const [pod] = await running('twice', 2);
    for (const name of ['first', 'second'])
      await budget('twice', name, { maxUnavailable: 1, selector: { matchLabels: { app: 'twice' } } }, 1);

    const blocked = await kubernetes.evict('twice', pod?.metadata.name ?? '', pod?.metadata.uid);

    expect(blocked).toMatchObject({
      outcome: 'blocked',
      by: 'budgets',
      reason: expect.stringContaining('more than one PodDisruptionBudget'),
    });
  });

  it('an empty selector selects every pod of the namespace', async () => {
    const [pod] = await running('every', 1);
    await budget('every', 'all', { maxUnavailable: 0, selector: {} }, 0);

    const blocked = await kubernetes.evict('every', pod?.metadata.name ?? '');

    expect(blocked).toMatchObject({ outcome: 'blocked', by: 'budget' });
  });

  it('a finished pod goes although its budget allows none', async () => {
    await running('finished', 1);
    const name = 'job-of-yesterday';
    const metadata = { name, namespace: 'finished', labels: { app: 'finished' } };
    await apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: { nodeName: 'elsewhere', containers: [{ name: 'main', image: 'none' }] },
    });
    const done = await send({
      method: 'PATCH',
      path: `/api/v1/namespaces/finished/pods/${name}/status`,
      body: { status: { phase: 'Succeeded' } },
      contentType: 'application/merge-patch+json',
    });
    await budget('finished', 'none', { maxUnavailable: 0, selector: { matchLabels: { app: 'finished' } } }, 0);

    const evicted = await kubernetes.evict('finished', name);

    expect(done.status).toBe(200);
    expect(evicted.outcome).toBe('evicted');
  });

  it('another pod that has the name by now is left alone, by eviction and by deletion', async () => {
    const [pod] = await running('renamed', 1);
    const { name = '', uid = '' } = pod?.metadata ?? {};
    const other = '00000000-0000-4000-8000-000000000000';

    const evicted = await kubernetes.evict('renamed', name, other);
    const deleted = await kubernetes.delete({ apiVersion: 'v1', kind: 'Pod', namespace: 'renamed', name }, { uid: other });

    expect([evicted.outcome, deleted]).toEqual(['gone', false]);
    expect((await podsIn('renamed')).map(({ metadata }) => metadata.uid)).toEqual([uid]);
  });

  it('a rule that forbids evictions blocks, which no age of a pod overrules', async () => {
    const [pod] = await running('ruled', 1);
    const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods/eviction'] }];
    const expression = "object.metadata.namespace != 'ruled'";
    const policy = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name: 'stay' } };
    await apply({
      ...policy,
      spec: { matchConstraints: { resourceRules: rules }, validations: [{ expression, message: 'nobody leaves' }] },
    });
    const binding = { ...policy, kind: 'ValidatingAdmissionPolicyBinding' };
    await apply({ ...binding, spec: { policyName: 'stay', validationActions: ['Deny'] } });
    const probe = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod?.metadata.name, namespace: 'ruled' } };
    const path = `/api/v1/namespaces/ruled/pods/${pod?.metadata.name}/eviction?dryRun=All`;
    await expect.poll(async () => (await send({ method: 'POST', path, body: probe })).status, { timeout: 30_000 }).toBe(422);

    const blocked = await kubernetes.evict('ruled', pod?.metadata.name ?? '');

    expect(blocked).toMatchObject({ outcome: 'blocked', by: 'refusal', reason: expect.stringContaining('nobody leaves') });
  });

  it('an admission webhook that is down and fails closed blocks, and is named', async () => {
    const [pod] = await running('hooked', 1);
    const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods/eviction'] }];
    const webhook = {
      name: 'gone.example.org',
      rules,
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      failurePolicy: 'Fail',
      timeoutSeconds: 1,
    };
    const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': 'hooked' } };
    const clientConfig = { url: 'https://127.0.0.1:9/none' };
    await apply({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'gone' },
      webhooks: [{ ...webhook, namespaceSelector, clientConfig }],
    });
    const path = `/api/v1/namespaces/hooked/pods/${pod?.metadata.name}/eviction?dryRun=All`;
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod?.metadata.name, namespace: 'hooked' } };
    await expect.poll(async () => (await send({ method: 'POST', path, body })).status, { timeout: 30_000 }).toBe(500);

    const blocked = await kubernetes.evict('hooked', pod?.metadata.name ?? '');

    expect(blocked).toMatchObject({ outcome: 'blocked', by: 'refusal', reason: expect.stringContaining('gone.example.org') });
  });

  it('the event of a forced deletion is taken, and a second time changes nothing', async () => {
    const [pod] = await running('told', 1);
    if (pod === undefined) throw new Error('no pod');
    const record = { pod: 'told/x', node: 'one', owner: null, reason: 'all conditions hold', at: '2026-01-01T06:00:00.123Z' };

    const first = await kubernetes.apply(forcedEvent(pod, record));
    const second = await kubernetes.apply(forcedEvent(pod, record));

    expect([first.outcome, second.outcome], first.reason).toEqual(['created', 'unchanged']);
  });
});
