import { describe, expect, it } from 'vitest';
import { DeadlineError, NotFoundError } from '#model/errors.ts';
import type { Manifest } from '#model/render.ts';
import { applyComponents } from '../../../functions/cluster/apply-components.ts';
import { replaceLostNodes } from '../../../functions/cluster/replace-lost-nodes.ts';
import { reportDrift } from '../../../functions/cluster/report-drift.ts';
import { aNode, aRender, CLUSTER, type ClusterWorld, CONTEXT, createClusterWorld, HASH } from '../../support/cluster-world.ts';

const INPUT = { cluster: CLUSTER, render: { hash: HASH }, deadlineMinutes: 30 };
const config = (name: string, value: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data: { value },
});

async function aCluster(objects: Manifest[] = []): Promise<ClusterWorld> {
  const world = createClusterWorld();
  await world.deliver(aRender({ components: [{ name: 'a', phase: 'system', objects }] }));
  world.instances.addGroup(CLUSTER.name, 'pool-general', { min: 3, max: 6, desired: 3 });
  return world;
}

function firstNode(world: ClusterWorld): string {
  return world.kubernetes.all('Node')[0]?.metadata.name ?? '';
}

const ended = (world: ClusterWorld) => world.instances.calls.filter((call) => call.startsWith('terminate'));

describe('nodes after a restore', () => {
  it('are well when each instance has its Ready node', async () => {
    const world = await aCluster();

    expect(await replaceLostNodes.run(INPUT, world.ports, CONTEXT)).toMatchObject({ done: true, reason: '3 nodes are Ready', replaced: 0 });
    expect(ended(world)).toEqual([]);
  });

  it('that the backup does not know are replaced, once a booting one would have joined', async () => {
    const world = await aCluster();
    const lost = firstNode(world);
    await world.kubernetes.delete({ apiVersion: 'v1', kind: 'Node', name: lost });

    const early = await replaceLostNodes.run(INPUT, world.ports, CONTEXT);
    expect(early).toMatchObject({ done: false, reason: expect.stringContaining(`1 instances have no node (${lost})`) });
    expect(ended(world)).toEqual([]);
    world.pass(5 * 60);
    const replaced = await replaceLostNodes.run({ ...INPUT, replaceLostNodes: early }, world.ports, CONTEXT);
    expect(replaced).toMatchObject({ done: false, replaced: 1 });
    world.instances.tick();
    world.instances.tick();

    const late = await replaceLostNodes.run({ ...INPUT, replaceLostNodes: replaced }, world.ports, CONTEXT);
    expect(late).toMatchObject({ done: true, reason: expect.stringContaining('1 instances whose node was lost were replaced') });
    expect(ended(world)).toHaveLength(1);
  });

  it('that are not Ready are waited for until the deadline, and nobody is ended for it', async () => {
    const world = await aCluster();
    world.kubernetes.put(aNode(firstNode(world), { ready: false }));

    const waits = await replaceLostNodes.run(INPUT, world.ports, CONTEXT);
    world.pass(31 * 60);

    expect(waits).toMatchObject({ done: false, reason: expect.stringContaining('1 nodes are not Ready') });
    await expect(replaceLostNodes.run({ ...INPUT, replaceLostNodes: waits }, world.ports, CONTEXT)).rejects.toBeInstanceOf(DeadlineError);
    expect(ended(world)).toEqual([]);
  });
});

describe('drift', () => {
  it('is none right after the components were applied', async () => {
    const world = await aCluster([config('one', 'a'), config('two', 'b')]);
    await applyComponents.run({ ...INPUT, phase: 'system' }, world.ports, CONTEXT);

    expect(await reportDrift.run(INPUT, world.ports, CONTEXT)).toEqual({ objects: 2, missing: 0, changed: 0, named: [] });
  });

  it('names what is missing and what differs, and changes nothing', async () => {
    const world = await aCluster([config('one', 'a'), config('two', 'b'), config('three', 'c')]);
    await applyComponents.run({ ...INPUT, phase: 'system' }, world.ports, CONTEXT);
    await world.kubernetes.delete({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name: 'one' });
    await world.deliver(
      aRender({
        components: [{ name: 'a', phase: 'system', objects: [config('one', 'a'), config('two', 'other'), config('three', 'c')] }],
      }),
    );

    const told = await reportDrift.run(INPUT, world.ports, CONTEXT);

    expect(told).toMatchObject({ objects: 3, missing: 1, changed: 1 });
    expect(told.named).toEqual([expect.stringMatching(/ConfigMap default\/one is missing/), expect.stringMatching(/default\/two differs/)]);
    expect(world.kubernetes.all('ConfigMap').map(({ metadata }) => metadata.name)).not.toContain('one');
  });

  it('can not be told without what was wanted', async () => {
    const world = createClusterWorld();

    await expect(reportDrift.run(INPUT, world.ports, CONTEXT)).rejects.toBeInstanceOf(NotFoundError);
  });
});
