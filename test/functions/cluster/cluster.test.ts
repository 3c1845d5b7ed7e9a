import { describe, expect, it } from 'vitest';
import { DeadlineError, GateClosedError, NotFoundError, TestsFailedError } from '#model/errors.ts';
import type { Manifest } from '#model/render.ts';
import { assertForecast } from '../../../functions/cluster/assert-forecast.ts';
import { awaitNodes } from '../../../functions/cluster/await-nodes.ts';
import { releaseNodes } from '../../../functions/cluster/release-nodes.ts';
import { removeAwsResources } from '../../../functions/cluster/remove-aws-resources.ts';
import { rollControlPlane } from '../../../functions/cluster/roll-control-plane.ts';
import { rollNodePools } from '../../../functions/cluster/roll-node-pools.ts';
import { startLoad } from '../../../functions/cluster/start-load.ts';
import { aNode, aPod, aRender, CLUSTER, type ClusterWorld, CONTEXT, createClusterWorld, HASH } from '../../support/cluster-world.ts';

const INPUT = { cluster: CLUSTER, render: { hash: HASH }, deadlineMinutes: 15, permission: { decision: 'go' as const } };
const READY = { ready: true, version: '1.36.3', milliseconds: 5, reason: 'ok' };

async function aCluster(): Promise<ClusterWorld> {
  const world = createClusterWorld();
  await world.deliver(aRender());
  world.instances.addGroup(CLUSTER.name, 'control-plane', { min: 1, max: 2, desired: 1 });
  world.instances.addGroup(CLUSTER.name, 'pool-general', { min: 3, max: 6, desired: 3 });
  world.kubernetes.probes = [READY];
  return world;
}

function nodesOf(world: ClusterWorld): string[] {
  return world.kubernetes.all('Node').map(({ metadata }) => metadata.name);
}

describe('rolling the control plane', () => {
  it('replaces the instance and ends with one', async () => {
    const world = await aCluster();
    world.instances.setVersion(CLUSTER.name, 'control-plane', '2');
    let previous: Awaited<ReturnType<typeof rollControlPlane.run>> | undefined;
    for (let look = 0; look < 30 && previous?.done !== true; look++) {
      previous = await rollControlPlane.run(
        { ...INPUT, ...(previous === undefined ? {} : { rollControlPlane: previous }) },
        world.ports,
        CONTEXT,
      );
      world.instances.tick();
      world.pass(10);
    }

    const group = await world.instances.group(CLUSTER.name, 'control-plane');

    expect(previous).toMatchObject({ done: true });
    expect(group?.instances).toMatchObject([{ launchTemplateVersion: '2', lifecycleState: 'InService' }]);
    expect(world.instances.calls).toEqual(['desired dev-1-control-plane 2', 'terminate i-0001 decrement']);
  });

  it('keeps the old instance while the new one is not ready at its own address, or no connection meets it', async () => {
    const world = await aCluster();
    world.instances.setVersion(CLUSTER.name, 'control-plane', '2');
    await rollControlPlane.run(INPUT, world.ports, CONTEXT);
    for (let tick = 0; tick < 2; tick++) world.instances.tick();

    world.own.set('i-0005', { ready: false, milliseconds: 5, reason: '/readyz answers 500: etcd failed' });
    const notReady = await rollControlPlane.run(INPUT, world.ports, CONTEXT);
    world.own.set('i-0005', { ...READY, version: '1.35.4' });
    const old = await rollControlPlane.run(INPUT, world.ports, CONTEXT);
    world.own.delete('i-0005');
    world.kubernetes.probes = [{ ...READY, server: '10.20.0.1' }];
    const unmet = await rollControlPlane.run(INPUT, world.ports, CONTEXT);

    expect(notReady.reason).toContain('new instance i-0005 at 10.20.0.5: /readyz answers 500: etcd failed');
    expect(old.reason).toContain('i-0005 at 10.20.0.5 has version 1.35.4; wanted 1.36.3');
    expect(unmet.reason).toContain('waiting until the load balancer sends connections to it');
    expect(world.instances.calls).toEqual(['desired dev-1-control-plane 2']);
  });

  it('measures from answer to answer how long the API was away', async () => {
    const world = await aCluster();
    world.instances.setVersion(CLUSTER.name, 'control-plane', '2');
    const down = { ready: false, milliseconds: 5, reason: 'connect ECONNREFUSED' };

    const first = await rollControlPlane.run(INPUT, world.ports, CONTEXT);
    world.pass(5);
    world.kubernetes.probes = [...Array.from({ length: 12 }, () => down), READY];
    const second = await rollControlPlane.run({ ...INPUT, rollControlPlane: first }, world.ports, CONTEXT);
    world.pass(10);
    const third = await rollControlPlane.run({ ...INPUT, rollControlPlane: second }, world.ports, CONTEXT);

    expect(first.api).toMatchObject({ probes: 12, failed: 0, longestGapMilliseconds: 0 });
    expect(second.api).toMatchObject({ probes: 24, failed: 12, failing: true });
    expect(third.api).toMatchObject({ probes: 36, failed: 12, longestGapMilliseconds: 15_000, failing: false });
    expect(third.reason).toContain('12 of 36 probes of the API failed, longest gap 15000 ms');
  });

  it.each([
    ['a kubelet is too old', { kubelet: '1.32.9' }, /kubelet of i-old has 1.32.9, 4 minors behind 1.36.3 \(3 are allowed\)/],
    ['a kubelet is newer', { kubelet: '1.37.1' }, /kubelet of i-old has 1.37.1, newer than 1.36.3/],
    ['the API server is two minors behind', { server: '1.34.4' }, /an API server runs 1.34.4: 1.36.3 is 2 minors away/],
    ['the API server is newer', { server: '1.37.0' }, /an API server runs 1.37.0 and can't go back to 1.36.3/],
    ['kube-proxy is newer', { proxy: '1.37.0' }, /kube-proxy of DaemonSet kube-proxy has 1.37.0, newer than 1.36.3/],
  ])('starts nothing when %s', async (_, what: { kubelet?: string; server?: string; proxy?: string }, reason) => {
    const world = await aCluster();
    world.instances.setVersion(CLUSTER.name, 'control-plane', '2');
    world.kubernetes.put(aNode('i-old', { kubelet: what.kubelet ?? '1.33.0' }));
    if (what.server !== undefined) {
      world.kubernetes.probes = [{ ...READY, version: what.server }];
      world.own.set('i-0001', { ...READY, version: what.server });
    }
    const containers = [{ name: 'main', image: `registry.k8s.io/kube-proxy:v${what.proxy ?? '1.35.4'}` }];
    const spec = { template: { spec: { containers } } };
    world.kubernetes.put({ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'kube-proxy', namespace: 'kube-system' }, spec });

    const look = rollControlPlane.run(INPUT, world.ports, CONTEXT);

    await expect(look).rejects.toBeInstanceOf(GateClosedError);
    await expect(look).rejects.toThrow(reason);
    expect(world.instances.calls).toEqual([]);
  });

  it('goes on when no API server answers at all: that is what it is there to mend', async () => {
    const world = await aCluster();
    world.instances.setVersion(CLUSTER.name, 'control-plane', '2');
    world.kubernetes.probes = [{ ready: false, milliseconds: 5, reason: 'connect ECONNREFUSED' }];
    world.own.set('i-0001', { ready: false, milliseconds: 5, reason: 'connect ECONNREFUSED' });
    world.kubernetes.put(aNode('i-old', { kubelet: '1.32.9' }));

    await rollControlPlane.run(INPUT, world.ports, CONTEXT);

    expect(world.instances.calls).toEqual(['desired dev-1-control-plane 2']);
  });

  it('ends at the deadline and says which instance and what the API answers', async () => {
    const world = await aCluster();
    world.kubernetes.probes = [{ ready: false, milliseconds: 5, reason: '/readyz answers 500: etcd failed' }];
    const first = await rollControlPlane.run(INPUT, world.ports, CONTEXT);
    world.pass(15 * 60);

    const late = rollControlPlane.run({ ...INPUT, rollControlPlane: first }, world.ports, CONTEXT);

    await expect(late).rejects.toThrow(DeadlineError);
    await expect(late).rejects.toThrow(/i-0001 \(InService, Healthy\).*etcd failed/);
  });
});

describe('rolling node pools', () => {
  it('names the pod and the budget that block a drain, at the deadline too', async () => {
    const world = await aCluster();
    for (const node of nodesOf(world)) world.kubernetes.put(aPod(`db-${node}`, node));
    for (const node of nodesOf(world)) world.kubernetes.blocked.set(`default/db-${node}`, 'the disruption budget db needs 3');
    world.instances.setVersion(CLUSTER.name, 'pool-general', '2');
    await rollNodePools.run(INPUT, world.ports, CONTEXT);
    world.instances.tick();
    world.instances.tick();

    const blocked = await rollNodePools.run(INPUT, world.ports, CONTEXT);
    world.pass(16 * 60);
    const late = rollNodePools.run({ ...INPUT, rollNodePools: blocked }, world.ports, CONTEXT);

    await expect(late).rejects.toThrow(/disruption budget db/);
    expect(blocked).toMatchObject({ done: false, remaining: 3, rolled: 1 });
    expect(blocked.reason).toMatch(/default\/db-i-0003 since .*: the disruption budget db/);
  });
});

describe('releasing nodes', () => {
  it('takes back marks and cordons, but not an operator’s own cordon', async () => {
    const world = await aCluster();
    const own = world.kubernetes.all('Node')[2] as Manifest;
    world.kubernetes.put({ ...own, spec: { ...(own['spec'] as object), unschedulable: true } });
    world.kubernetes.put(aPod('stays', 'i-0003'));
    world.kubernetes.blocked.set('default/stays', 'the disruption budget');
    world.instances.setVersion(CLUSTER.name, 'pool-general', '2');
    for (let look = 0; look < 3; look++) {
      await rollNodePools.run(INPUT, world.ports, CONTEXT);
      world.instances.tick();
    }
    const cordoned = world.kubernetes.all('Node').filter((node) => (node['spec'] as { unschedulable?: boolean }).unschedulable === true);

    const { released } = await releaseNodes.run(INPUT, world.ports, CONTEXT);
    const again = await releaseNodes.run(INPUT, world.ports, CONTEXT);

    const after = world.kubernetes.all('Node');
    const specs = after.map((node) => node['spec'] as { unschedulable?: boolean; taints?: unknown[] });
    expect(cordoned).toHaveLength(2);
    expect(released).toHaveLength(4);
    expect(again.released).toEqual([]);
    expect(after.filter((_, index) => specs[index]?.unschedulable === true).map(({ metadata }) => metadata.name)).toEqual([
      own.metadata.name,
    ]);
    expect(specs.flatMap(({ taints = [] }) => taints)).toEqual([]);
  });

  it('reports a cluster that can not be reached instead of failing', async () => {
    const world = await aCluster();
    world.kubernetes.unreachable = true;

    const result = await releaseNodes.run(INPUT, world.ports, CONTEXT);

    expect(result).toEqual({ released: [], reason: expect.stringContaining('ECONNREFUSED') });
  });
});

describe('awaiting nodes', () => {
  it('wants the pool’s size in Ready nodes with the wanted kubelet', async () => {
    const world = await aCluster();
    const [first = '', second = ''] = nodesOf(world);
    world.kubernetes.put(aNode(first, { kubelet: '1.35.4' }));
    world.kubernetes.put(aNode(second, { ready: false }));

    const before = await awaitNodes.run(INPUT, world.ports, CONTEXT);
    for (const name of [first, second]) world.kubernetes.put(aNode(name));
    const after = await awaitNodes.run({ ...INPUT, awaitNodes: before }, world.ports, CONTEXT);

    expect(before).toMatchObject({ done: false, nodes: 1, reason: expect.stringMatching(/1 of 3 nodes.*kubelet v1\.35\.4/) });
    expect(after).toMatchObject({ done: true, nodes: 3 });
  });
});

describe('the forecast of an e2e run', () => {
  const load: Manifest[] = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'load' } },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'load' }, spec: { replicas: 1 } },
  ];
  const BASE = 'c'.repeat(64);
  const E2E = {
    cluster: CLUSTER,
    base: { render: { hash: BASE } },
    head: { render: { hash: HASH } },
    claimSlot: { suites: ['conformance' as const, 'load' as const] },
  };

  async function loaded() {
    const world = await aCluster();
    await world.deliver(aRender({ load, versions: { ...aRender().versions, kubernetes: '1.35.4' } }), BASE);
    const started = await startLoad.run({ ...E2E, from: 'base' }, world.ports, CONTEXT);
    const web = world.kubernetes.all('Deployment')[0] as Manifest;
    world.kubernetes.put({ ...web, status: { observedGeneration: 9, replicas: 1, updatedReplicas: 1, availableReplicas: 1 } });
    return { world, started, web };
  }

  it('holds when version, nodes and load are as planned', async () => {
    const { world, started } = await loaded();

    const result = await assertForecast.run({ ...E2E, startLoad: started }, world.ports, CONTEXT);

    expect(started).toMatchObject({ applied: 2, workloads: [{ object: 'apps/v1 Deployment load/web' }] });
    expect(result.observations).toHaveLength(3);
  });

  it('has no load where the settings want none', async () => {
    const world = await aCluster();
    await world.deliver(aRender({ load }), BASE);

    const started = await startLoad.run({ ...E2E, claimSlot: { suites: ['conformance'] }, from: 'base' }, world.ports, CONTEXT);

    expect(started).toEqual({ applied: 0, workloads: [] });
    expect(world.kubernetes.all('Deployment')).toEqual([]);
  });

  it('does not hold when the load was made anew, a node is old or an old API answers', async () => {
    const { world, started, web } = await loaded();
    await world.kubernetes.delete({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'load', name: 'web' });
    await world.kubernetes.apply({ ...web, metadata: { name: 'web', namespace: 'load' } });
    world.instances.setVersion(CLUSTER.name, 'pool-general', '2');
    world.kubernetes.probes = [READY, { ...READY, version: '1.35.4' }, READY];

    const run = assertForecast.run({ ...E2E, startLoad: started }, world.ports, CONTEXT);

    await expect(run).rejects.toThrow(TestsFailedError);
    await expect(run).rejects.toThrow(/1\.36\.3, 1\.35\.4.*3 old.*made anew/);
  });
});

describe('removing what made AWS resources', () => {
  it('deletes load balancers, volumes and their users outside of kube-system, and waits until they are gone', async () => {
    const world = await aCluster();
    const claim = (namespace: string): Manifest => ({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data', namespace },
    });
    world.kubernetes.put({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'default' },
      spec: { type: 'LoadBalancer' },
    });
    world.kubernetes.put({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kubernetes', namespace: 'default' },
      spec: { type: 'ClusterIP' },
    });
    world.kubernetes.put({ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'db', namespace: 'default' } });
    for (const namespace of ['default', 'kube-system']) world.kubernetes.put(claim(namespace));

    const first = await removeAwsResources.run(INPUT, world.ports, CONTEXT);
    const second = await removeAwsResources.run({ ...INPUT, removeAwsResources: first }, world.ports, CONTEXT);

    expect([first.done, second.done]).toEqual([false, true]);
    expect(world.kubernetes.all('Service').map(({ metadata }) => metadata.name)).toEqual(['kubernetes']);
    expect(world.kubernetes.all('PersistentVolumeClaim').map(({ metadata }) => metadata.namespace)).toEqual(['kube-system']);
    expect(world.kubernetes.all('StatefulSet')).toEqual([]);
  });

  it('is done for a cluster that never came up', async () => {
    const world = createClusterWorld();
    world.kubernetes.unreachable = true;
    const noIdentity = { ...world.ports, kubernetes: () => Promise.reject(new NotFoundError('cluster dev-1 has no identity')) };

    const noInstances = await removeAwsResources.run(INPUT, world.ports, CONTEXT);
    const noWayIn = await removeAwsResources.run(INPUT, noIdentity, CONTEXT);

    expect(noInstances).toMatchObject({ done: true, reason: expect.stringContaining('never came up') });
    expect(noWayIn).toMatchObject({ done: true, reason: expect.stringContaining('no identity') });
  });

  it('waits for an API that is down, up to the deadline', async () => {
    const world = await aCluster();
    world.kubernetes.unreachable = true;
    const first = await removeAwsResources.run(INPUT, world.ports, CONTEXT);
    world.pass(15 * 60);

    expect(first.done).toBe(false);
    await expect(removeAwsResources.run({ ...INPUT, removeAwsResources: first }, world.ports, CONTEXT)).rejects.toThrow(DeadlineError);
  });
});
