import { beforeEach, describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { LockHeldError, StackFailedError } from '#model/errors.ts';
import { advanceDeletion } from '../../../functions/stacks/advance-deletion.ts';
import { reportLeftovers } from '../../../functions/stacks/report-leftovers.ts';
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

async function look(before?: Looked) {
  const lock = { fence: await world.lock('delete-1') };
  const state = { cluster: CLUSTER, lock, ...(before === undefined ? {} : { advanceDeletion: before }) };
  return runStep(advanceDeletion, state, world.ports, 'delete-1');
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

    expect(third).toMatchObject({ done: false, waitSeconds: 1 });
    expect(third.reason).toBe('deleting sluice-dev-1-pool-general; deleting sluice-dev-1-pool-batch; 5 left');
    expect(world.stacks.calls).toEqual(['delete sluice-dev-1-pool-general', 'delete sluice-dev-1-pool-batch']);
  });

  it('tries again what could not be deleted at first', async () => {
    world.stacks.failNext('sluice-dev-1-network', FAILURE);

    expect((await untilDone()).done).toBe(true);
    expect(world.stacks.calls.filter((call) => call.endsWith('network'))).toHaveLength(2);
  });

  it('leaves behind what holds a stack at the third try, and names it in the report', async () => {
    world.stacks.stick('sluice-dev-1-etcd', FAILURE);

    const last = await untilDone();
    const report = runStep(reportLeftovers, { cluster: CLUSTER, advanceDeletion: last }, world.ports);

    expect(world.stacks.calls.slice(-4)).toEqual([
      'delete sluice-dev-1-etcd',
      'delete sluice-dev-1-etcd',
      'delete sluice-dev-1-etcd without Vpc',
      'delete sluice-dev-1-network',
    ]);
    await expect(report).rejects.toThrow(StackFailedError);
    await expect(report).rejects.toThrow(
      'these resources could not be and are left in account 200000000001: AWS::EC2::VPC id-of-Vpc (of sluice-dev-1-etcd)',
    );
  });

  it('names a stack that can not be deleted even so, with the first command', async () => {
    const fail = (): void => world.stacks.failNext('sluice-dev-1-etcd', FAILURE);
    let last: Looked | undefined;
    const run = async (): Promise<void> => {
      for (let count = 0; count < 20; count++) {
        fail();
        last = await look(last);
        world.stacks.advance();
      }
    };

    await expect(run()).rejects.toThrow(StackFailedError);
    await expect(look(last)).rejects.toThrow("stack sluice-dev-1-etcd can't be deleted at AWS::EC2::VPC Vpc (it has dependencies)");
    await expect(look(last)).rejects.toThrow(
      'First: aws cloudformation delete-stack --stack-name sluice-dev-1-etcd --retain-resources Vpc',
    );
    expect(await world.stacks.describe('sluice-dev-1-network')).toMatchObject({ status: 'CREATE_COMPLETE' });
  });

  it('waits for a change that is under way, and counts that as no try', async () => {
    world.stacks.put({
      name: 'sluice-dev-1-pool-general',
      status: 'UPDATE_ROLLBACK_IN_PROGRESS',
      tags: { 'sluice:cluster': 'dev-1', 'sluice:role': 'pool-general' },
    });

    let last: Looked | undefined;
    for (let count = 0; count < 5; count++) last = await look(last);

    expect(last).toMatchObject({ asked: { 'sluice-dev-1-pool-batch': 1 }, retained: {} });
    expect(last?.reason).toContain('sluice-dev-1-pool-general is UPDATE_ROLLBACK_IN_PROGRESS: waiting for its end');
    expect((await untilDone()).done).toBe(true);
  });

  it('deletes what has nothing but a change set', async () => {
    world.stacks.put({ name: 'sluice-dev-1-network', status: 'REVIEW_IN_PROGRESS', tags: { 'sluice:cluster': 'dev-1' } });

    expect((await untilDone()).done).toBe(true);
  });

  it('deletes nothing once another execution has the lock', async () => {
    const fence = await world.lock('delete-1');
    world.ports.objects.advance(3601);
    await world.lock('update-2');

    await expect(runStep(advanceDeletion, { cluster: CLUSTER, lock: { fence } }, world.ports, 'delete-1')).rejects.toThrow(LockHeldError);
    expect(world.stacks.calls).toEqual([]);
  });

  it('is done at once where nothing is', async () => {
    await untilDone();

    expect(await look()).toEqual({ done: true, waitSeconds: 0, reason: 'no stack is left', asked: {}, busy: {}, retained: {} });
  });
});
