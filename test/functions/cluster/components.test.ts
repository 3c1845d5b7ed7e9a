import { describe, expect, it } from 'vitest';
import { DeadlineError, NotFoundError, RefusedError } from '#model/errors.ts';
import type { Manifest, RenderedComponent } from '#model/render.ts';
import { applyComponents } from '../../../functions/cluster/apply-components.ts';
import { awaitWorkloads } from '../../../functions/cluster/await-workloads.ts';
import { prune } from '../../../functions/cluster/prune.ts';
import { aPod, aRender, CLUSTER, CONTEXT, createClusterWorld, HASH } from '../../support/cluster-world.ts';

const INPUT = { cluster: CLUSTER, render: { hash: HASH } };
const SYSTEM = { ...INPUT, phase: 'system' as const };
const WAIT = { ...SYSTEM, deadlineMinutes: 20 };

function configMap(name: string, data: Record<string, string> = {}): Manifest {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'kube-system' }, data };
}

function component(name: string, objects: Manifest[], phase: RenderedComponent['phase'] = 'system'): RenderedComponent {
  return { name, phase, objects };
}

function deployment(name: string): Manifest {
  const spec = { replicas: 1, selector: { matchLabels: { app: name } } };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: 'kube-system' }, spec };
}

const CRD: Manifest = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'gates.example.net' },
  spec: { group: 'example.net', names: { kind: 'Gate' }, versions: [{ name: 'v1' }] },
};
const GATE: Manifest = { apiVersion: 'example.net/v1', kind: 'Gate', metadata: { name: 'one', namespace: 'team' } };

async function worldWith(...components: RenderedComponent[]) {
  const world = createClusterWorld();
  await world.deliver(aRender({ components }));
  return world;
}

describe('applying components', () => {
  it('applies namespaces and definitions before what needs them, whatever the order', async () => {
    const world = await worldWith(component('gates', [GATE, CRD, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } }]));

    const first = await applyComponents.run(SYSTEM, world.ports, CONTEXT);
    const second = await applyComponents.run(SYSTEM, world.ports, CONTEXT);

    expect(first).toMatchObject({ applied: 3, changed: 3, unchanged: 0 });
    expect(second).toMatchObject({ applied: 3, changed: 0, unchanged: 3 });
  });

  it('applies its own phase only; system covers what comes before the control plane, which a new cluster skips', async () => {
    const world = await worldWith(
      component('early', [configMap('early')], 'before-control-plane'),
      component('late', [configMap('late')], 'workloads'),
    );

    await applyComponents.run(SYSTEM, world.ports, CONTEXT);

    const names = world.kubernetes.all('ConfigMap').map(({ metadata }) => metadata.name);
    expect(names.sort()).toEqual(['early', 'sluice-inventory']);
  });

  it('fails by name for a field that somebody else owns', async () => {
    const world = await worldWith(component('settings', [configMap('settings', { color: 'blue' })]));
    world.kubernetes.applyAs('night-shift', configMap('settings', { color: 'red' }));

    const run = applyComponents.run(SYSTEM, world.ports, CONTEXT);

    await expect(run).rejects.toThrow(RefusedError);
    await expect(run).rejects.toThrow(/kube-system\/settings: conflict: .*night-shift.*color/);
  });

  it('owns an object before it is applied, so that a run that breaks leaves none behind', async () => {
    const world = await worldWith(component('gates', [configMap('fine'), GATE]));
    await expect(applyComponents.run(SYSTEM, world.ports, CONTEXT)).rejects.toThrow('Gate');
    await world.deliver(aRender());

    const { deleted } = await prune.run(INPUT, world.ports, CONTEXT);

    expect(deleted).toEqual(['v1 ConfigMap kube-system/fine']);
  });

  it('deletes first what deletions.yaml wants deleted before, and refuses a contradiction', async () => {
    const world = createClusterWorld();
    const deletion = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'old', reason: 'renamed' };
    world.kubernetes.put(configMap('old'));
    await world.deliver(aRender({ deletions: { before: [deletion], after: [] } }));

    await applyComponents.run(SYSTEM, world.ports, CONTEXT);
    await world.deliver(aRender({ deletions: { before: [deletion], after: [] }, components: [component('a', [configMap('old')])] }));

    expect(world.kubernetes.all('ConfigMap')).toEqual([]);
    await expect(applyComponents.run(SYSTEM, world.ports, CONTEXT)).rejects.toThrow('remove one of both');
  });

  it('says which step must run first when the render is not there', async () => {
    const world = createClusterWorld();

    await expect(applyComponents.run(SYSTEM, world.ports, CONTEXT)).rejects.toThrow(NotFoundError);
  });
});

describe('pruning', () => {
  it('deletes what the new revision lacks, keeps data and strangers, and can be repeated', async () => {
    const namespace: Manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } };
    const world = await worldWith(component('a', [configMap('one'), configMap('two'), namespace]));
    world.kubernetes.put(configMap('of-a-stranger'));
    await applyComponents.run(SYSTEM, world.ports, CONTEXT);
    await world.deliver(aRender({ components: [component('a', [configMap('one')])] }));

    const first = await prune.run(INPUT, world.ports, CONTEXT);
    const second = await prune.run(INPUT, world.ports, CONTEXT);

    expect(first).toEqual({ deleted: ['v1 ConfigMap kube-system/two'], kept: ['v1 Namespace /team'] });
    expect(second).toEqual({ deleted: [], kept: ['v1 Namespace /team'] });
    const names = world.kubernetes.all('ConfigMap').map(({ metadata }) => metadata.name);
    expect(names.sort()).toEqual(['of-a-stranger', 'one', 'sluice-inventory']);
  });

  it('deletes a namespace that deletions.yaml names', async () => {
    const world = createClusterWorld();
    world.kubernetes.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } });
    await world.deliver(
      aRender({ deletions: { before: [], after: [{ apiVersion: 'v1', kind: 'Namespace', name: 'team', reason: 'unused' }] } }),
    );

    const { deleted } = await prune.run(INPUT, world.ports, CONTEXT);

    expect(deleted).toEqual(['v1 Namespace /team']);
  });
});

describe('awaiting workloads', () => {
  async function applied() {
    const world = await worldWith(component('dns', [deployment('coredns')]));
    await applyComponents.run(SYSTEM, world.ports, CONTEXT);
    const live = world.kubernetes.all('Deployment')[0];
    if (live === undefined) throw new Error('not applied');
    const status = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 };
    return { world, become: (change: object) => void world.kubernetes.put({ ...live, status: { ...status, ...change } }) };
  }

  it('waits until they are rolled out', async () => {
    const { world, become } = await applied();

    const before = await awaitWorkloads.run(WAIT, world.ports, CONTEXT);
    become({});
    const after = await awaitWorkloads.run({ ...WAIT, awaitWorkloads: before }, world.ports, CONTEXT);

    expect(before).toMatchObject({ done: false, waitSeconds: 5, reason: expect.stringContaining('kube-system/coredns') });
    expect(after).toMatchObject({ done: true, since: before.since });
  });

  it('ends at its own deadline with the cause, counted anew for each phase', async () => {
    const { world, become } = await applied();
    become({ availableReplicas: 0 });
    const stuck = aPod('coredns-1', 'n', { namespace: 'kube-system', labels: { app: 'coredns' } });
    const containerStatuses = [{ name: 'main', state: { waiting: { reason: 'ImagePullBackOff', message: 'not found' } } }];
    world.kubernetes.put({ ...stuck, status: { phase: 'Pending', containerStatuses } });
    const first = await awaitWorkloads.run(WAIT, world.ports, CONTEXT);
    world.pass(21 * 60);

    const sameWait = awaitWorkloads.run({ ...WAIT, awaitWorkloads: first }, world.ports, CONTEXT);
    const otherPhase = awaitWorkloads.run({ ...WAIT, awaitWorkloads: { ...first, phase: 'workloads' } }, world.ports, CONTEXT);

    await expect(sameWait).rejects.toThrow(DeadlineError);
    await expect(sameWait).rejects.toThrow('ImagePullBackOff');
    await expect(otherPhase).resolves.toMatchObject({ done: false });
  });
});
