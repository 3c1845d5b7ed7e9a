import { describe, expect, it } from 'vitest';
import type { Scope } from '#model/health.ts';
import type { Manifest, RenderedComponent } from '#model/render.ts';
import { applyComponents } from '../../../functions/cluster/apply-components.ts';
import { awaitNodes } from '../../../functions/cluster/await-nodes.ts';
import { awaitWorkloads } from '../../../functions/cluster/await-workloads.ts';
import { checkHealth } from '../../../functions/cluster/check-health.ts';
import { prune } from '../../../functions/cluster/prune.ts';
import { rollControlPlane } from '../../../functions/cluster/roll-control-plane.ts';
import { rollNodePools } from '../../../functions/cluster/roll-node-pools.ts';
import { aRender, CLUSTER, type ClusterWorld, CONTEXT, createClusterWorld, HASH } from '../../support/cluster-world.ts';

const INPUT = { cluster: CLUSTER, render: { hash: HASH }, deadlineMinutes: 20 };

const DNS: Manifest = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'dns', namespace: 'kube-system' },
  spec: { replicas: 1, selector: { matchLabels: { app: 'dns' } }, template: { spec: { containers: [{ name: 'dns', image: 'dns:1' }] } } },
};
const SECRET: Manifest = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'db', namespace: 'kube-system' },
  stringData: { password: '${SECRET:db@v1}' },
};
const HOOK: Manifest = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'checks' },
  webhooks: [],
};
const MAP: Manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'early', namespace: 'kube-system' }, data: { a: '1' } };

const COMPONENTS: RenderedComponent[] = [
  { name: 'early', phase: 'before-control-plane', objects: [MAP] },
  { name: 'dns', phase: 'system', objects: [DNS, HOOK], skew: { maxMinorsBehind: 3 } },
  { name: 'app', phase: 'workloads', objects: [SECRET, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } }] },
];
const GONE = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'gone', reason: 'renamed' };

/** The cluster-side steps of `update-cluster` in its order, each once; all must be done at once. */
async function update({ ports }: ClusterWorld): Promise<void> {
  const phase = (name: RenderedComponent['phase']) => ({ ...INPUT, phase: name });
  const before = await checkHealth.run({ ...INPUT, scope: 'before' }, ports, CONTEXT);
  const healthy = async (scope: Scope) =>
    expect(await checkHealth.run({ ...INPUT, scope, checkHealth: before }, ports, CONTEXT)).toMatchObject({ done: true });
  await applyComponents.run(phase('before-control-plane'), ports, CONTEXT);
  await healthy('before-control-plane');
  expect(await rollControlPlane.run(INPUT, ports, CONTEXT)).toMatchObject({ done: true });
  await healthy('control-plane');
  await applyComponents.run(phase('system'), ports, CONTEXT);
  await healthy('before-nodes');
  expect(await rollNodePools.run({ ...INPUT, permission: { decision: 'go' } }, ports, CONTEXT)).toMatchObject({ done: true });
  expect(await awaitNodes.run(INPUT, ports, CONTEXT)).toMatchObject({ done: true });
  expect(await awaitWorkloads.run(phase('system'), ports, CONTEXT)).toMatchObject({ done: true });
  await healthy('system');
  await applyComponents.run(phase('workloads'), ports, CONTEXT);
  expect(await awaitWorkloads.run(phase('workloads'), ports, CONTEXT)).toMatchObject({ done: true });
  await prune.run(INPUT, ports, CONTEXT);
  await healthy('all');
}

describe('two updates to one revision', () => {
  it('the second asks neither the API server nor Auto Scaling for any change', async () => {
    const world = createClusterWorld();
    await world.deliver(aRender({ components: COMPONENTS, deletions: { before: [{ ...GONE, name: 'first' }], after: [GONE] } }));
    world.instances.addGroup(CLUSTER.name, 'control-plane', { min: 1, max: 2, desired: 1 });
    world.instances.addGroup(CLUSTER.name, 'pool-general', { min: 3, max: 6, desired: 3 });
    world.kubernetes.probes = [{ ready: true, version: '1.36.3', milliseconds: 5, reason: 'ok' }];
    world.secrets.labelled.set('sluice-config/db@v1', 'hunter2');
    const status = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 };
    await world.kubernetes.apply(DNS);
    world.kubernetes.updateAs(
      'kube-controller-manager',
      { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'kube-system', name: 'dns' },
      { status },
    );

    await update(world);
    const [changes, scaling] = [world.kubernetes.calls.length, world.instances.calls.length];
    await update(world);

    expect(changes).toBeGreaterThan(5);
    expect(world.kubernetes.calls.slice(changes)).toEqual([]);
    expect(world.instances.calls.slice(scaling)).toEqual([]);
  });
});
