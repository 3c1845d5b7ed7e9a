import { beforeEach, describe, expect, it } from 'vitest';
import { InputError, LockHeldError } from '#model/errors.ts';
import { fencePorts } from '#runtime/fenced.ts';
import { CLUSTER, type ClusterWorld, createClusterWorld } from '../../support/cluster-world.ts';

const NODE = { apiVersion: 'v1', kind: 'Node', name: 'i-1' };
let world: ClusterWorld;
beforeEach(() => {
  world = createClusterWorld();
  world.kubernetes.kinds.add('coordination.k8s.io/v1/Lease');
  world.instances.addGroup('dev-1', 'pool-a', { min: 1, max: 2, desired: 1 });
});

function portsOf(fence: number | undefined, machine = 'update-cluster') {
  const input = { cluster: CLUSTER, ...(fence === undefined ? {} : { lock: { fence } }) };
  const call = { step: 'roll', machine, state: 'roll', execution: `update-${fence}`, startedAt: '', input, with: {} };
  return fencePorts(call, world.ports, world.ports.kubernetes);
}

describe('ports of a call', () => {
  it('of a holder that lost its lock change neither the cluster nor its instances', async () => {
    await portsOf(2).instances.setDesiredCapacity('dev-1-pool-a', 2);
    const early = portsOf(1);

    await expect(early.instances.terminate('i-0001', true)).rejects.toThrow(LockHeldError);
    await expect((await early.kubernetes(CLUSTER)).delete(NODE)).rejects.toThrow(LockHeldError);
    expect(await early.instances.group('dev-1', 'pool-a')).toMatchObject({ desired: 2 });
  });

  it('change instances of a cluster whose API is down', async () => {
    world.kubernetes.unreachable = true;

    await portsOf(1).instances.setDesiredCapacity('dev-1-pool-a', 2);

    expect(world.instances.calls).toEqual(['desired dev-1-pool-a 2']);
  });

  it('need the number of the lock, but for machines without one', async () => {
    expect(() => portsOf(undefined)).toThrow(InputError);
    expect(portsOf(undefined, 'e2e')).toBe(world.ports);
  });
});
