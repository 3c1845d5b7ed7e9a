import { describe, expect, it } from 'vitest';
import { DeadlineError } from '#model/errors.ts';
import type { Manifest, Render } from '#model/render.ts';
import { checkHealth } from '../../../functions/cluster/check-health.ts';
import { aNode, aRender, CLUSTER, type ClusterWorld, CONTEXT, createClusterWorld, HASH } from '../../support/cluster-world.ts';

const INPUT = { cluster: CLUSTER, render: { hash: HASH }, scope: 'all' as const, deadlineMinutes: 15 };
const READY = { ready: true, version: '1.36.3', milliseconds: 5, reason: 'ok' };
const DNS: Manifest = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'dns', namespace: 'kube-system' },
  spec: { clusterIP: '10.96.0.10' },
};
const AGENT: Manifest = { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'agent', namespace: 'default' }, spec: {} };
const WEB: Manifest = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'default' }, spec: { replicas: 1 } };

async function aCluster(change: Partial<Render> = {}): Promise<ClusterWorld> {
  const world = createClusterWorld();
  await world.deliver(aRender(change));
  world.instances.addGroup(CLUSTER.name, 'pool-general', { min: 3, max: 6, desired: 3 });
  world.kubernetes.probes = [READY];
  return world;
}

function system(...objects: Manifest[]): Partial<Render> {
  return { components: [{ name: 'a', phase: 'system', objects }] };
}

function putWorkload(world: ClusterWorld, object: Manifest, status: Record<string, unknown>): void {
  const spec = { ...(object['spec'] as object), selector: { matchLabels: { app: object.metadata.name } } };
  world.kubernetes.put({ ...object, metadata: { ...object.metadata, generation: 1 }, spec, status });
}

/** A pod of WEB. */
function putPod(world: ClusterWorld, status: Record<string, unknown>): void {
  const metadata = { name: 'web-1', namespace: 'default', labels: { app: 'web' } };
  world.kubernetes.put({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: '' }, status: { phase: 'Pending', ...status } });
}

function nodeOf(world: ClusterWorld): string {
  return world.kubernetes.all('Node')[0]?.metadata.name ?? '';
}

describe('health', () => {
  it('is good when nodes and API are, and waits up to the deadline when they are not', async () => {
    const world = await aCluster();

    const good = await checkHealth.run(INPUT, world.ports, CONTEXT);
    world.kubernetes.put(aNode(nodeOf(world), { ready: false }));
    world.kubernetes.probes = [{ ...READY, ready: false, reason: 'no' }];
    const bad = await checkHealth.run(INPUT, world.ports, CONTEXT);
    world.pass(16 * 60);

    expect(good).toMatchObject({ done: true, health: { problems: [], nodes: 3, apiMilliseconds: 5 } });
    expect(bad).toMatchObject({ done: false, reason: expect.stringMatching(/the API: 3 of 3 connections: no \| node .*is not Ready/) });
    await expect(checkHealth.run({ ...INPUT, checkHealth: bad }, world.ports, CONTEXT)).rejects.toThrow(DeadlineError);
  });

  it('does not ask for pools before their stacks are made', async () => {
    const world = createClusterWorld();
    await world.deliver(aRender());
    world.kubernetes.probes = [READY];

    for (const scope of ['before', 'before-control-plane', 'control-plane', 'before-nodes'] as const) {
      expect(await checkHealth.run({ ...INPUT, scope }, world.ports, CONTEXT), scope).toMatchObject({
        done: true,
        health: { problems: [] },
      });
    }
    await expect(checkHealth.run({ ...INPUT, scope: 'system' }, world.ports, CONTEXT)).rejects.toMatchObject({ name: 'NotFoundError' });
  });

  it('lets a creation that begins anew go on to its nodes, though workloads of the first try wait for them', async () => {
    const world = createClusterWorld();
    await world.deliver(aRender(system(WEB)));
    world.kubernetes.probes = [READY];
    world.kubernetes.put({ ...WEB, spec: { replicas: 1, selector: { matchLabels: { app: 'web' } } } });
    const early = { ...INPUT, scope: 'control-plane' as const };

    const creation = await checkHealth.run(early, world.ports, CONTEXT);
    const before = { problems: [], nodes: 0, workloads: 0, apiMilliseconds: 5 };
    const noted = {
      done: true,
      waitSeconds: 0,
      reason: '',
      since: '2026-01-01T00:00:00.000Z',
      scope: 'before' as const,
      health: before,
      before,
    };
    const update = await checkHealth.run({ ...early, checkHealth: noted }, world.ports, CONTEXT);
    world.kubernetes.probes = [{ ...READY, ready: false, reason: 'no' }];
    const silent = await checkHealth.run(early, world.ports, CONTEXT);

    expect([creation.done, update.done, silent.done]).toEqual([true, false, false]);
  });

  it('counts its deadline anew for each place in the update', async () => {
    const world = await aCluster();
    world.kubernetes.put(aNode(nodeOf(world), { ready: false }));
    const earlier = await checkHealth.run({ ...INPUT, scope: 'system' }, world.ports, CONTEXT);
    world.pass(16 * 60);

    expect(await checkHealth.run({ ...INPUT, checkHealth: earlier }, world.ports, CONTEXT)).toMatchObject({ done: false });
  });

  it('notes what is not well before the update, without waiting, even when the API is down', async () => {
    const world = await aCluster(system(WEB));
    world.kubernetes.put(aNode(nodeOf(world), { ready: false }));

    const before = await checkHealth.run({ ...INPUT, scope: 'before' }, world.ports, CONTEXT);
    world.kubernetes.unreachable = true;
    const down = await checkHealth.run({ ...INPUT, scope: 'before' }, world.ports, CONTEXT);

    expect(before).toMatchObject({ done: true, health: { problems: [{ subject: `node ${nodeOf(world)}` }], workloads: 0 } });
    expect(down).toMatchObject({ done: true, health: { problems: [{ subject: 'the API' }] } });
  });

  it('does not wait for what was not well before, tells it, and waits for what is new', async () => {
    const world = await aCluster();
    world.kubernetes.put(aNode(nodeOf(world), { ready: false }));
    const before = await checkHealth.run({ ...INPUT, scope: 'before' }, world.ports, CONTEXT);

    const same = await checkHealth.run({ ...INPUT, checkHealth: before }, world.ports, CONTEXT);
    world.kubernetes.put(aNode('another', { ready: false }));
    const worse = await checkHealth.run({ ...INPUT, checkHealth: before }, world.ports, CONTEXT);

    expect(same).toMatchObject({ done: true, reason: expect.stringMatching(/as before the update: node .*is not Ready/) });
    expect(worse).toMatchObject({ done: false, reason: '1 problems: node another: is not Ready' });
  });

  it.each([
    [1001, undefined, false],
    [900, undefined, true],
    [900, 100, false],
    [900, 400, true],
    [450, 20, true],
    [1001, 1000, false],
    [3000, 1100, true],
    [3400, 1100, false],
  ])('with an API that answers in %i ms, in %s before, is %s', async (milliseconds, earlier, done) => {
    const world = await aCluster();
    world.kubernetes.probes = [{ ...READY, milliseconds: earlier ?? 5 }];
    const before = await checkHealth.run({ ...INPUT, scope: 'before' }, world.ports, CONTEXT);
    world.kubernetes.probes = [{ ...READY, milliseconds }];

    const found = await checkHealth.run(earlier === undefined ? INPUT : { ...INPUT, checkHealth: before }, world.ports, CONTEXT);

    expect(found.done).toBe(done);
  });

  it('wants the workloads of the system, once they must be there', async () => {
    const world = await aCluster(system(WEB));

    const early = await checkHealth.run({ ...INPUT, scope: 'control-plane' }, world.ports, CONTEXT);
    const late = await checkHealth.run({ ...INPUT, scope: 'system' }, world.ports, CONTEXT);

    expect(early.done).toBe(true);
    expect(late).toMatchObject({ done: false, reason: expect.stringContaining('Deployment default/web: of component a, it is not there') });
  });

  it('wants a ready pod behind the address that pods ask for names', async () => {
    const world = await aCluster(system(DNS));
    const slice = (ready: boolean): Manifest => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'dns-1', namespace: 'kube-system', labels: { 'kubernetes.io/service-name': 'dns' } },
      endpoints: [{ addresses: ['10.1.1.1'], conditions: { ready } }],
    });
    world.kubernetes.put({ ...slice(true), metadata: { name: 'other', namespace: 'kube-system', labels: {} } });

    world.kubernetes.put(slice(false));
    const before = await checkHealth.run(INPUT, world.ports, CONTEXT);
    world.kubernetes.put(slice(true));
    const after = await checkHealth.run(INPUT, world.ports, CONTEXT);

    expect(before).toMatchObject({
      done: false,
      reason: expect.stringContaining('DNS: no pod behind Service kube-system/dns at 10.96.0.10'),
    });
    expect(after.done).toBe(true);
  });

  it('goes on to the nodes when they alone can mend what is missing: no room, or a node that is not Ready', async () => {
    const world = await aCluster(system(WEB, AGENT));
    world.kubernetes.put(aNode(nodeOf(world), { ready: false }));
    const noted = await checkHealth.run({ ...INPUT, scope: 'before' }, world.ports, CONTEXT);
    putWorkload(world, WEB, { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 0 });
    putWorkload(world, AGENT, { observedGeneration: 1, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 2 });
    const message = '0/3 nodes are available: 3 Insufficient cpu.';
    putPod(world, { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }] });
    const look = async (scope: 'before-nodes' | 'system') => checkHealth.run({ ...INPUT, scope, checkHealth: noted }, world.ports, CONTEXT);

    const [early, late] = [await look('before-nodes'), await look('system')];
    putWorkload(world, AGENT, { observedGeneration: 1, desiredNumberScheduled: 3, updatedNumberScheduled: 1, numberAvailable: 1 });
    const worse = await look('before-nodes');

    expect(early).toMatchObject({
      done: true,
      reason: expect.stringMatching(/left to the nodes: Deployment default\/web.*DaemonSet default\/agent/),
    });
    expect(late).toMatchObject({ done: false, reason: expect.stringMatching(/^2 problems: Deployment/) });
    expect(worse).toMatchObject({
      done: false,
      reason: expect.stringMatching(/^1 problems: DaemonSet default\/agent: of component a, 1 of 3/),
    });
  });

  it('does not go on to the nodes while the system is broken otherwise, and says what, whose and why', async () => {
    const world = await aCluster(system(WEB));
    const noted = await checkHealth.run({ ...INPUT, scope: 'before' }, world.ports, CONTEXT);
    putWorkload(world, WEB, { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 0 });
    putPod(world, {
      containerStatuses: [{ name: 'web', ready: false, state: { waiting: { reason: 'ImagePullBackOff', message: 'not found' } } }],
    });
    const input = { ...INPUT, scope: 'before-nodes' as const, checkHealth: noted };

    const found = await checkHealth.run(input, world.ports, CONTEXT);
    world.pass(16 * 60);

    expect(found).toMatchObject({
      done: false,
      reason: expect.stringMatching(/Deployment default\/web: of component a, 0 of 1 pods are available; .*ImagePullBackOff: not found/),
    });
    await expect(checkHealth.run({ ...input, checkHealth: found }, world.ports, CONTEXT)).rejects.toThrow(DeadlineError);
  });

  it('does not wait for a node that OnDelete leaves to itself', async () => {
    const world = await aCluster(system(AGENT));
    const noted = await checkHealth.run({ ...INPUT, scope: 'before' }, world.ports, CONTEXT);
    const onDelete = { ...AGENT, spec: { updateStrategy: { type: 'OnDelete' } } };
    putWorkload(world, onDelete, { observedGeneration: 1, desiredNumberScheduled: 3, updatedNumberScheduled: 0, numberAvailable: 3 });

    expect(await checkHealth.run({ ...INPUT, scope: 'before-nodes', checkHealth: noted }, world.ports, CONTEXT)).toMatchObject({
      done: true,
    });
  });

  it('what an earlier try of the same render broke does not pass for old, but for nodes', async () => {
    const world = await aCluster(system(WEB));
    world.kubernetes.put(aNode(nodeOf(world), { ready: false }));
    putWorkload(world, WEB, { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 0 });
    const noted = await checkHealth.run({ ...INPUT, scope: 'before' }, world.ports, CONTEXT);
    const input = { ...INPUT, scope: 'before-nodes' as const, checkHealth: noted };

    const mending = await checkHealth.run({ ...input, beginUpdate: { notWell: null } }, world.ports, CONTEXT);
    const known = await checkHealth.run({ ...input, beginUpdate: { notWell: ['Deployment default/web'] } }, world.ports, CONTEXT);
    const again = await checkHealth.run({ ...input, beginUpdate: { notWell: [] } }, world.ports, CONTEXT);

    const early = { ...input, scope: 'control-plane' as const, beginUpdate: { notWell: [] } };
    const beforeItsMending = await checkHealth.run(early, world.ports, CONTEXT);

    expect([mending.done, known.done, beforeItsMending.done]).toEqual([true, true, true]);
    expect(again).toMatchObject({ done: false, reason: expect.stringMatching(/^1 problems: Deployment default\/web/) });
  });

  it.each(['before-nodes', 'control-plane'] as const)(
    'at %s leaves single nodes that died to the roll, not a share of them that grew by more than a quarter',
    async (scope) => {
      const world = await aCluster();
      const names = Array.from({ length: 9 }, (_, index) => `worker-${index}`);
      for (const name of names) world.kubernetes.put(aNode(name));
      const noted = await checkHealth.run({ ...INPUT, scope: 'before' }, world.ports, CONTEXT);
      const lose = async (count: number, at: 'before-nodes' | 'control-plane' | 'system') => {
        for (const name of names.slice(0, count)) world.kubernetes.put(aNode(name, { ready: false }));
        return checkHealth.run({ ...INPUT, scope: at, checkHealth: noted }, world.ports, CONTEXT);
      };

      const churn = await lose(3, scope);
      const afterTheRoll = await lose(3, 'system');
      const outage = await lose(4, scope);

      expect(noted.health.nodes).toBe(12);
      expect(churn).toMatchObject({ done: true, reason: expect.stringMatching(/left to the nodes: node worker-0: is not Ready/) });
      expect([afterTheRoll, outage].map(({ reason }) => reason.split(':')[0])).toEqual(['3 problems', '4 problems']);
    },
  );

  it('does not leave a driver that crashes to the nodes that it takes down', async () => {
    const world = await aCluster(system(AGENT));
    const noted = await checkHealth.run({ ...INPUT, scope: 'before' }, world.ports, CONTEXT);
    world.kubernetes.put(aNode(nodeOf(world), { ready: false }));
    putWorkload(world, AGENT, { observedGeneration: 1, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 2 });
    const look = () => checkHealth.run({ ...INPUT, scope: 'before-nodes', checkHealth: noted }, world.ports, CONTEXT);

    const dead = await look();
    const metadata = { name: 'agent-1', namespace: 'default', labels: { app: 'agent' } };
    const waiting = { reason: 'CrashLoopBackOff', message: 'back-off' };
    const status = { phase: 'Running', containerStatuses: [{ name: 'agent', ready: false, state: { waiting } }] };
    world.kubernetes.put({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: nodeOf(world) }, status });
    const broken = await look();

    expect(dead.done).toBe(true);
    expect(broken).toMatchObject({ done: false, reason: expect.stringMatching(/^1 problems: DaemonSet default\/agent/) });
  });

  it('sees what broke behind many nodes that were not Ready before, and knows each of those', async () => {
    const world = await aCluster(system(DNS));
    const slice = (ready: boolean): Manifest => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'dns-1', namespace: 'kube-system', labels: { 'kubernetes.io/service-name': 'dns' } },
      endpoints: [{ addresses: ['10.1.1.1'], conditions: { ready } }],
    });
    world.kubernetes.put(slice(true));
    const names = Array.from({ length: 1000 }, (_, index) => `ip-10-1-${index}.eu-central-1.compute.internal`);
    for (const name of names) world.kubernetes.put(aNode(name, { ready: false }));
    const noted = await checkHealth.run({ ...INPUT, scope: 'before' }, world.ports, CONTEXT);
    const look = () => checkHealth.run({ ...INPUT, checkHealth: noted }, world.ports, CONTEXT);

    for (const name of names.slice(0, 30)) world.kubernetes.put(aNode(name));
    const recovered = await look();
    world.kubernetes.put(slice(false));
    const broken = await look();
    world.kubernetes.put(slice(true));
    world.kubernetes.put(aNode('ip-new', { ready: false }));
    const grown = await look();

    expect(noted.health.problems.length).toBe(20);
    expect(JSON.stringify(noted).length, 'of 256 KiB').toBeLessThan(20_000);
    expect(recovered.done).toBe(true);
    expect(broken).toMatchObject({
      done: false,
      health: { problems: expect.arrayContaining([expect.objectContaining({ subject: 'DNS' })]) },
    });
    expect(broken.reason).toMatch(/^1 problems: DNS: /);
    expect(grown.reason).toBe('1 problems: node ip-new: is not Ready');
  });

  it('asks the probes of the configuration at the end', async () => {
    const path = '/apis/metrics.k8s.io/v1beta1/nodes';
    const object = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'default', name: 'web' };
    const probes = [
      { name: 'metrics', path, maxMilliseconds: 100 },
      { name: 'web', object, condition: 'Available', maxMilliseconds: 1000 },
    ];
    const world = await aCluster({ probes });
    const run = async (scope: 'system' | 'all') => (await checkHealth.run({ ...INPUT, scope }, world.ports, CONTEXT)).reason;
    const available = (status: string): Manifest => ({
      ...WEB,
      status: { conditions: [{ type: 'Available', status, message: 'no pods' }] },
    });

    expect(await run('system')).toContain('are healthy');
    expect(await run('all')).toMatch(/probe metrics: .*answers 404.*probe web: the object is not there/);
    world.kubernetes.answers.set(path, { status: 200, milliseconds: 200, reason: '' });
    world.kubernetes.put(available('False'));
    expect(await run('all')).toMatch(/took 200 ms, 100 are allowed.*Deployment web: Available is False: no pods/);
    world.kubernetes.answers.set(path, { status: 200, milliseconds: 20, reason: '' });
    world.kubernetes.put(available('True'));
    expect(await run('all')).toContain('are healthy');
  });
});
