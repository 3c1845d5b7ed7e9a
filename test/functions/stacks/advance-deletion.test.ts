import { beforeEach, describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { StackFailedError } from '#model/errors.ts';
import { advanceDeletion } from '../../../functions/stacks/advance-deletion.ts';
import { runStep } from '../../support/control-world.ts';
import { CLUSTER, createStacksWorld, type StacksWorld } from '../../support/stacks-world.ts';

const FAILURE = { resource: 'Vpc', type: 'AWS::EC2::VPC', reason: 'it has dependencies' };

let world: StacksWorld;
beforeEach(() => {
  world = createStacksWorld();
  for (const role of ['network', 'etcd', 'control-plane', 'pool-general', 'pool-batch']) putStack(role);
  world.stacks.put({
    name: 'sluice-dev-2-network',
    status: 'CREATE_COMPLETE',
    tags: { 'sluice:cluster': 'dev-2', 'sluice:role': 'network' },
  });
});

function putStack(role: string): void {
  world.stacks.put({
    name: `sluice-dev-1-${role}`,
    status: 'CREATE_COMPLETE',
    tags: { 'sluice:cluster': 'dev-1', 'sluice:role': role },
  });
}

type Looked = z.infer<typeof advanceDeletion.output>;

function look(before?: Looked) {
  return runStep(advanceDeletion, { cluster: CLUSTER, ...(before === undefined ? {} : { advanceDeletion: before }) }, world.ports);
}

async function untilDone(): Promise<Looked> {
  let last: Looked | undefined;
  for (let count = 0; count < 20; count++) {
    last = await look(last);
    if (last.done) return last;
    world.stacks.advance();
  }
  throw new Error(`not done: ${last?.reason}`);
}

describe('advance-deletion', () => {
  it('deletes pools, control plane, etcd and network in this order, and nothing of another cluster', async () => {
    const last = await untilDone();

    expect(last.reason).toBe('no stack is left');
    expect(world.stacks.calls).toEqual([
      'delete sluice-dev-1-pool-general',
      'delete sluice-dev-1-pool-batch',
      'delete sluice-dev-1-control-plane',
      'delete sluice-dev-1-etcd',
      'delete sluice-dev-1-network',
    ]);
    expect(await world.stacks.describe('sluice-dev-2-network')).toBeDefined();
  });

  it('asks once while a deletion runs, also when an answer was lost', async () => {
    await look();
    const again = await look();
    const third = await look(again);

    expect(third).toMatchObject({ done: false, waitSeconds: 10 });
    expect(third.reason).toBe('deleting sluice-dev-1-pool-general, sluice-dev-1-pool-batch; 5 left');
    expect(world.stacks.calls).toEqual(['delete sluice-dev-1-pool-general', 'delete sluice-dev-1-pool-batch']);
  });

  it('tries again what could not be deleted at first', async () => {
    world.stacks.failNext('sluice-dev-1-network', FAILURE);

    expect((await untilDone()).done).toBe(true);
    expect(world.stacks.calls.filter((call) => call.endsWith('network'))).toHaveLength(2);
  });

  it('names what holds a stack after three tries', async () => {
    let last: Looked | undefined;
    const run = async (): Promise<void> => {
      for (let count = 0; count < 20; count++) {
        world.stacks.failNext('sluice-dev-1-etcd', FAILURE);
        last = await look(last);
        world.stacks.advance();
      }
    };

    await expect(run()).rejects.toThrow(StackFailedError);
    await expect(look(last)).rejects.toThrow("stack sluice-dev-1-etcd can't be deleted: Vpc: it has dependencies");
    expect(world.stacks.calls.filter((call) => call.endsWith('etcd'))).toHaveLength(3);
    expect(await world.stacks.describe('sluice-dev-1-network')).toMatchObject({ status: 'CREATE_COMPLETE' });
  });

  it('is done at once where nothing is', async () => {
    await untilDone();

    expect(await look()).toEqual({ done: true, waitSeconds: 0, reason: 'no stack is left', asked: {} });
  });
});
