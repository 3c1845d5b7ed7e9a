import { beforeEach, describe, expect, it } from 'vitest';
import { stackPolicy } from '#domain/stack-policy.ts';
import { protectStacks } from '../../../functions/stacks/protect-stacks.ts';
import { createFakeStackGuards, type FakeStackGuards } from '../../support/fakes/stack-guards.ts';
import { CLUSTER, createStacksWorld, type StacksWorld } from '../../support/stacks-world.ts';

let world: StacksWorld;
let guards: FakeStackGuards;

beforeEach(() => {
  world = createStacksWorld();
  guards = createFakeStackGuards();
  for (const role of ['network', 'etcd']) {
    const tags = { 'sluice:cluster': CLUSTER.name, 'sluice:role': role };
    world.stacks.put({ name: `sluice-dev-1-${role}`, status: 'UPDATE_COMPLETE', tags });
  }
});

function run(cluster = CLUSTER) {
  return protectStacks.run({ cluster }, { stacks: world.ports.stacks, guards }, { execution: 'update-1' });
}

describe('protect-stacks', () => {
  it('protects each stack from deletion, and the groups of etcd from replacement, once', async () => {
    const first = await run();
    const second = await run();

    expect(first).toEqual({ stacks: 2, changed: ['sluice-dev-1-network', 'sluice-dev-1-etcd'] });
    expect(guards.calls).toEqual(['protect sluice-dev-1-network', 'policy sluice-dev-1-etcd', 'protect sluice-dev-1-etcd']);
    expect(second.changed).toEqual([]);
  });

  it('sets a policy again that somebody opened for one update', async () => {
    await run();
    guards.guards.set('sluice-dev-1-etcd', { terminationProtected: true, policy: '{"Statement":[]}' });

    expect((await run()).changed).toEqual(['sluice-dev-1-etcd']);
    expect(guards.guards.get('sluice-dev-1-etcd')?.policy).toBe(stackPolicy('etcd'));
  });

  it('leaves the stacks of e2e clusters alone', async () => {
    expect(await run({ ...CLUSTER, environment: 'e2e' })).toEqual({ stacks: 0, changed: [] });
    expect(guards.calls).toEqual([]);
  });
});
