import { beforeEach, describe, expect, it } from 'vitest';
import { keptBefore } from '#domain/health.ts';
import { BlockedError, ClusterUnreachableError, GateClosedError } from '#model/errors.ts';
import type { Health } from '#model/health.ts';
import { applyComponents } from '../../../functions/cluster/apply-components.ts';
import { checkMove } from '../../../functions/cluster/check-move.ts';
import { withPhaseHeld } from '../../../functions/cluster/hold-phase.ts';
import { aNode, aRender, CLUSTER, type ClusterWorld, CONTEXT, createClusterWorld, HASH } from '../../support/cluster-world.ts';

const held = withPhaseHeld(applyComponents);
const input = { cluster: CLUSTER, render: { hash: HASH } };
let world: ClusterWorld;
beforeEach(async () => {
  world = createClusterWorld();
  await world.deliver(aRender());
  serve('1.35.4');
});

/** What one API server after the other answers. */
function serve(...versions: string[]): void {
  world.kubernetes.serverVersion = versions[0] ?? '';
  world.kubernetes.probes = Array.from({ length: 30 }, (_, turn) => ({
    ready: true,
    version: versions[turn % versions.length] ?? '',
    milliseconds: 1,
    reason: 'ok',
  }));
}

function apply(phase: 'before-control-plane' | 'system' | 'workloads') {
  return held.run({ ...input, phase }, world.ports, CONTEXT);
}

describe('check-move', () => {
  it('lets a cluster go on to the next minor', async () => {
    expect(await checkMove.run(input, world.ports, CONTEXT)).toMatchObject({ reachable: true });
  });

  it.each([
    ['an API server that is newer', () => serve('1.36.3', '1.37.0'), "kubernetes can't go back from 1.37.0 to 1.36.3"],
    ['a node that is too old', () => world.kubernetes.put(aNode('i-1', { kubelet: '1.32.0' })), '1.32.0 runs on a node'],
    [
      'objects stored in a version that would go',
      async () => {
        const version = (name: string) => ({ name, served: true, storage: name === 'v2' });
        const definition = (versions: string[]) => ({
          apiVersion: 'apiextensions.k8s.io/v1',
          kind: 'CustomResourceDefinition',
          metadata: { name: 'gates.example.net' },
          spec: { versions: versions.map(version) },
        });
        world.kubernetes.put({ ...definition(['v1', 'v2']), status: { storedVersions: ['v1', 'v2'] } });
        await world.deliver(aRender({ components: [{ name: 'gates', phase: 'workloads', objects: [definition(['v2'])] }] }));
      },
      'Objects of gates.example.net are stored as v1',
    ],
  ])('is stopped by %s', async (_, make, words) => {
    await make();

    await expect(checkMove.run(input, world.ports, CONTEXT)).rejects.toThrow(GateClosedError);
    await expect(checkMove.run(input, world.ports, CONTEXT)).rejects.toThrow(words);
  });

  it('leaves a cluster that does not answer to its records', async () => {
    world.kubernetes.unreachable = true;

    expect(await checkMove.run(input, world.ports, CONTEXT)).toMatchObject({ reachable: false });
  });
});

describe('apply-components', () => {
  it('asks the cluster first, before the control plane, nodes and workloads', async () => {
    serve('1.37.0');
    await expect(apply('before-control-plane')).rejects.toThrow(GateClosedError);
    serve('1.36.3', '1.35.4');
    await expect(apply('system')).rejects.toThrow("nodes can't go to 1.36.3 while an API server of 1.35.4 runs.");

    expect(await apply('workloads')).toMatchObject({ applied: 0 });
    serve('1.36.3');
    expect(await apply('system')).toMatchObject({ applied: 0 });
  });

  it('does not go on to the control plane while the system is not well, but for what was so before', async () => {
    const objects = [
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'signer', namespace: 'default' },
        spec: { replicas: 1, selector: {} },
      },
    ];
    await world.deliver(aRender({ components: [{ name: 'signer', phase: 'before-control-plane', objects }] }));
    const before = { problems: [], nodes: 0, workloads: 0, apiMilliseconds: 1 };
    const known = { ...before, problems: [{ subject: 'Deployment default/signer', reason: 'r' }] };
    const run = (health: Health, notWell?: string[]) => {
      const state = { ...input, phase: 'before-control-plane' as const, checkHealth: { before: health }, beginUpdate: { notWell } };
      return held.run(state, world.ports, CONTEXT);
    };

    await expect(run(before)).rejects.toThrow(BlockedError);
    await expect(run(before)).rejects.toThrow(/control plane is not touched while 1 problems.*default\/signer: of component signer, /);
    // What an earlier try of the same broke: only what comes after the control plane may mend it.
    expect(await run(known, [])).toMatchObject({ applied: 1 });
    expect(await run(known)).toMatchObject({ applied: 1 });
  });

  it('goes on to the control plane over single nodes that died, and over an API that was too slow before', async () => {
    const before = { problems: [], nodes: 10, workloads: 0, apiMilliseconds: 1200 };
    const run = () => {
      const state = { ...input, phase: 'before-control-plane' as const, checkHealth: { before: keptBefore(before) } };
      return held.run(state, world.ports, CONTEXT);
    };
    for (let index = 0; index < 10; index++) world.kubernetes.put(aNode(`i-${index}`, { kubelet: '1.35.4', ready: index > 1 }));
    world.kubernetes.probes = world.kubernetes.probes.map((probe) => ({ ...probe, milliseconds: 4000 }));

    expect(await run()).toMatchObject({ applied: 0 });
    for (let index = 0; index < 10; index++) world.kubernetes.put(aNode(`i-${index}`, { kubelet: '1.35.4', ready: index > 2 }));
    await expect(run()).rejects.toThrow(/while 3 problems are there: node i-0: is not Ready/);
  });

  it('does not begin in a cluster that does not answer', async () => {
    world.kubernetes.unreachable = true;

    await expect(apply('workloads')).rejects.toThrow(ClusterUnreachableError);
  });
});
