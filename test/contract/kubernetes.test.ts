import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSend, type Send } from '#adapters/kubernetes/http.ts';
import { createKubernetes } from '#adapters/kubernetes/kubernetes.ts';
import { API_PORT } from '#domain/network.ts';
import { ClusterUnreachableError } from '#model/errors.ts';
import type { Manifest } from '#model/render.ts';
import type { Kubernetes } from '#ports/kubernetes.ts';
import { type KubernetesWorld, kubernetesContract } from '../support/contracts/kubernetes.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { createFakeKubernetes } from '../support/fakes/kubernetes.ts';

describe('the fake', () => {
  const kubernetes = createFakeKubernetes();
  kubernetesContract(() => ({
    kubernetes,
    applyAs: async (owner, object) => void kubernetes.applyAs(owner, object),
    updateAs: async (owner, id, patch) => kubernetes.updateAs(owner, id, patch),
    run: async () => {},
    protect: async (name) => void kubernetes.blocked.set(`default/${name}`, "Cannot evict pod: the disruption budget doesn't allow it"),
  }));
});

describe('a real API server', () => {
  let plane: ControlPlane;
  let kubernetes: Kubernetes;
  let world: KubernetesWorld;
  beforeAll(async () => {
    plane = await startControlPlane();
    const api = { ...(await plane.client('kubernetes')), address: plane.address, port: API_PORT, serverName: 'kubernetes' };
    kubernetes = createKubernetes(api);
    world = realWorld(kubernetes, createSend(api));
  }, 60_000);
  afterAll(() => plane.stop());

  kubernetesContract(() => world);

  it('knows a custom resource as soon as its definition is established', async () => {
    const versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }];
    const names = { plural: 'gates', singular: 'gate', kind: 'Gate' };
    const spec = { group: 'example.net', scope: 'Cluster', names, versions };
    const gate = { apiVersion: 'example.net/v1', kind: 'Gate', metadata: { name: 'one' } };
    const before = await kubernetes.apply(gate);

    await kubernetes.apply({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'gates.example.net' },
      spec,
    });
    const apply = async (): Promise<string> => (await kubernetes.apply(gate)).outcome;

    expect(before.outcome).toBe('refused');
    await expect.poll(apply, { timeout: 10_000 }).toMatch(/created|unchanged/);
  });

  it('reads long lists by pages', async () => {
    const names = Array.from({ length: 510 }, (_, index) => `many-${index}`);
    for (let start = 0; start < names.length; start += 20) {
      const batch = names
        .slice(start, start + 20)
        .map((name) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'kube-public' } }));
      await Promise.all(batch.map((object) => kubernetes.apply(object)));
    }

    const listed = await kubernetes.list('v1', 'ConfigMap', 'kube-public');

    expect(listed.filter(({ metadata }) => metadata.name.startsWith('many-'))).toHaveLength(510);
  }, 60_000);

  it('does not trust an API server of another authority', async () => {
    const other = await startControlPlane({ api: false });
    const api = { ...(await other.client('kubernetes')), address: plane.address, port: API_PORT, serverName: 'kubernetes' };
    await other.stop();

    await expect(createKubernetes(api).version()).rejects.toBeInstanceOf(ClusterUnreachableError);
  }, 30_000);

  it('names the server that answers by its own address, also when it is asked there', async () => {
    const throughTheBalancer = await kubernetes.probe();
    const direct = await kubernetes.probe(plane.address);
    const nobody = await kubernetes.probe(plane.address.replace(/\d+$/, '250'));

    expect([throughTheBalancer.server, direct.server]).toEqual([plane.address, plane.address]);
    expect(nobody).toMatchObject({ ready: false, reason: expect.stringContaining('ECONNREFUSED') });
  });

  it('says that an API server that is gone can not be reached', async () => {
    await plane.stopApi();

    const probe = await kubernetes.probe();

    expect(await kubernetes.ready()).toBe(false);
    expect(probe).toMatchObject({ ready: false, reason: expect.stringContaining('ECONNREFUSED') });
    await expect(kubernetes.version()).rejects.toBeInstanceOf(ClusterUnreachableError);
  }, 30_000);
});

function realWorld(kubernetes: Kubernetes, send: Send): KubernetesWorld {
  const mustBeOk = (answer: { status: number; body: string }): void => {
    if (answer.status >= 300) throw new Error(`${answer.status} ${answer.body}`);
  };
  return {
    kubernetes,
    async applyAs(owner, object: Manifest) {
      const path = `/api/v1/namespaces/${object.metadata.namespace}/configmaps/${object.metadata.name}?fieldManager=${owner}`;
      mustBeOk(await send({ method: 'PATCH', path, body: object, contentType: 'application/apply-patch+yaml' }));
    },
    async updateAs(owner, { namespace, name }, body) {
      const path = `/api/v1/namespaces/${namespace}/configmaps/${name}?fieldManager=${owner}`;
      mustBeOk(await send({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' }));
    },
    async run({ namespace, name }) {
      const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`;
      const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
      mustBeOk(await send({ method: 'PATCH', path, body: { status }, contentType: 'application/merge-patch+json' }));
    },
    async protect(name) {
      const spec = { minAvailable: 1, selector: { matchLabels: { app: name } } };
      const result = await kubernetes.apply({
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name, namespace: 'default' },
        spec,
      });
      if (result.outcome !== 'created') throw new Error(result.reason ?? result.outcome);
    },
  };
}
