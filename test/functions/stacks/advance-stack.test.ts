import { beforeEach, describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { keys } from '#domain/names.ts';
import { DeadlineError, GateClosedError, LockHeldError, NotFoundError, RefusedError, StackFailedError } from '#model/errors.ts';
import { advanceStack } from '../../../functions/stacks/advance-stack.ts';
import { runStep } from '../../support/control-world.ts';
import { aStack, CLUSTER, createStacksWorld, type StacksWorld } from '../../support/stacks-world.ts';

const NAME = 'sluice-dev-1-network';
const FAILURE = { resource: 'SubnetA', type: 'AWS::EC2::Subnet', reason: 'The CIDR 10.1.0.0/20 conflicts' };

let world: StacksWorld;
beforeEach(() => {
  world = createStacksWorld();
});

type Advanced = z.infer<typeof advanceStack.output>;

/** The lock is the execution's own, whoever had it before. */
async function inputOf(hash: string, roles: readonly string[], before: Advanced | undefined, execution: string, creation = true) {
  world.ports.objects.remove(keys.lock(CLUSTER.name));
  await world.begin(execution);
  const fence = await world.lock(execution);
  const state = { cluster: CLUSTER, render: { hash }, roles, lock: { fence }, readWhatRuns: { creation } };
  return { ...state, ...(before === undefined ? {} : { advanceStack: before }) };
}

async function look(hash: string, roles: readonly string[], before?: Advanced, execution = 'update-1', creation = true) {
  return runStep(advanceStack, await inputOf(hash, roles, before, execution, creation), world.ports, execution);
}

/** As the state machine does: looks, lets time pass, looks again until it is done. */
async function untilDone(hash: string, roles: readonly string[], execution = 'update-1', creation = true): Promise<Advanced[]> {
  const looks: Advanced[] = [];
  while (looks.at(-1)?.done !== true) {
    if (looks.length > 20) throw new Error(`not done: ${looks.at(-1)?.reason}`);
    looks.push(await look(hash, roles, looks.at(-1), execution, creation));
    world.stacks.advance();
  }
  return looks;
}

describe('advance-stack', () => {
  it('creates a stack by a change set and waits for it', async () => {
    const hash = await world.deliver([aStack('network', { parameters: { ClusterName: 'dev-1' } })]);

    const looks = await untilDone(hash, ['network']);

    expect(looks.map(({ reason }) => reason)).toEqual([
      `stack ${NAME}: change set requested`,
      `stack ${NAME}: change set started`,
      'network: 1 stack(s) as rendered',
    ]);
    expect(looks.map(({ waitSeconds }) => waitSeconds)).toEqual([1, 1, 0]);
    expect(await world.stacks.describe(NAME)).toMatchObject({
      status: 'CREATE_COMPLETE',
      parameters: { ClusterName: 'dev-1' },
      tags: { 'sluice:cluster': 'dev-1', 'sluice:role': 'network' },
    });
  });

  it('begins a role only once the one named before it is done, whose outputs it may need', async () => {
    const vpc = { parameters: { ClusterName: '!output:network.ClusterName' } };
    const hash = await world.deliver([aStack('etcd', vpc), aStack('network', { parameters: { ClusterName: 'dev-1' } })]);
    const roles = ['network', 'etcd'];
    const first = await look(hash, roles);
    world.stacks.advance();
    const second = await look(hash, roles, first);

    expect([first.reason, second.reason]).toEqual([`stack ${NAME}: change set requested`, `stack ${NAME}: change set started`]);
    expect(world.stacks.calls).toEqual([`create-change-set CREATE ${NAME}`, `execute ${NAME}`]);
    await expect(look(hash, ['network', 'pools'], second)).rejects.toThrow(/has no stack of pools/);
  });

  it('waits while CloudFormation works, however often it is asked', async () => {
    const hash = await world.deliver([aStack('network')]);
    const asked = await look(hash, ['network']);
    const again = await look(hash, ['network'], asked);
    world.stacks.advance();
    const started = await look(hash, ['network'], again);
    const running = await look(hash, ['network'], started);

    expect([asked, again, started, running].map(({ done }) => done)).toEqual([false, false, false, false]);
    expect(again.reason).toBe('the change set is being made');
    expect(running.reason).toBe(`stack ${NAME} is CREATE_IN_PROGRESS`);
    expect(world.stacks.calls).toEqual([`create-change-set CREATE ${NAME}`, `execute ${NAME}`]);
  });

  it('goes on after a crash that lost what a look had answered', async () => {
    const hash = await world.deliver([aStack('network')]);
    for (let round = 0; round < 3; round++) {
      await look(hash, ['network']);
      world.stacks.advance();
    }

    const last = await look(hash, ['network']);

    expect(last.done).toBe(true);
    expect(world.stacks.calls).toEqual([`create-change-set CREATE ${NAME}`, `execute ${NAME}`]);
  });

  it('changes nothing of a stack as rendered', async () => {
    const hash = await world.deliver([aStack('network')]);
    await untilDone(hash, ['network']);
    const { calls } = world.stacks;
    const before = [...calls];

    const again = await look(hash, ['network'], undefined, 'update-2');

    expect(again).toMatchObject({ done: true, waitSeconds: 0 });
    expect(calls).toEqual(before);
  });

  it('updates a stack whose template or parameters differ', async () => {
    await untilDone(await world.deliver([aStack('network')]), ['network']);

    const next = await world.deliver([aStack('network', { parameters: { PoolSize: '6' } })]);
    await untilDone(next, ['network'], 'update-2');

    expect(await world.stacks.describe(NAME)).toMatchObject({ status: 'UPDATE_COMPLETE', parameters: { PoolSize: '6' } });
  });

  it('is done when CloudFormation finds no changes', async () => {
    world.stacks.put({ name: NAME, status: 'UPDATE_COMPLETE', tags: { 'sluice:cluster': 'dev-1' } });
    const hash = await world.deliver([aStack('network')]);
    const asked = await look(hash, ['network']);
    const unchanged = { state: 'no-changes' as const, replacements: [] };
    const stacks = { ...world.stacks, describeChangeSet: async () => unchanged };
    const ports = { ...world.ports, stacks: { of: () => stacks } };

    const done = await runStep(advanceStack, await inputOf(hash, ['network'], asked, 'update-1'), ports, 'update-1');

    expect(done.done).toBe(true);
    expect(world.stacks.calls).toEqual([`create-change-set UPDATE ${NAME}`]);
  });

  it('advances the stacks of all pools at once', async () => {
    const hash = await world.deliver([aStack('network'), aStack('pool-general'), aStack('pool-batch')]);

    const looks = await untilDone(hash, ['pools']);

    expect(looks[0]?.reason).toBe(
      'stack sluice-dev-1-pool-general: change set requested; stack sluice-dev-1-pool-batch: change set requested',
    );
    expect(looks.at(-1)?.reason).toBe('pools: 2 stack(s) as rendered');
    expect(await world.stacks.describe(NAME)).toBeUndefined();
  });

  it('puts in what another stack of the cluster has as output', async () => {
    world.stacks.setOutputs(NAME, { SubnetA: 'subnet-7', SubnetC: 'subnet-9' });
    const list = '!output:network.SubnetA,!output:network.SubnetC';
    const etcd = aStack('etcd', { parameters: { SubnetA: '!output:network.SubnetA', List: list, Text: 'output:network.SubnetA' } });
    const hash = await world.deliver([aStack('network'), etcd]);
    await untilDone(hash, ['network']);

    await untilDone(hash, ['etcd']);

    expect((await world.stacks.describe('sluice-dev-1-etcd'))?.parameters).toEqual({
      SubnetA: 'subnet-7',
      List: 'subnet-7,subnet-9',
      Text: 'output:network.SubnetA',
    });
  });

  it('names an output that is not there', async () => {
    const hash = await world.deliver([aStack('etcd', { parameters: { SubnetA: '!output:network.SubnetA' } })]);

    await expect(look(hash, ['etcd'])).rejects.toThrow(NotFoundError);
    await expect(look(hash, ['etcd'])).rejects.toThrow(`stack ${NAME} has no output SubnetA`);
  });

  it('names a role and a render that are not there', async () => {
    const hash = await world.deliver([aStack('network')]);

    await expect(look(hash, ['etcd'])).rejects.toThrow(`the render ${hash} has no stack of etcd`);
    await expect(look('0'.repeat(64), ['etcd'])).rejects.toThrow(NotFoundError);
  });
});

describe('advance-stack when CloudFormation refuses', () => {
  it('gives on the refusal of a template', async () => {
    const hash = await world.deliver([aStack('network', { template: 'nonsense' })]);

    await expect(look(hash, ['network'])).rejects.toThrow(RefusedError);
    await expect(look(hash, ['network'])).rejects.toThrow('Template format error');
  });

  it('gives the reason of a change set that failed', async () => {
    const hash = await world.deliver([aStack('network')]);
    world.stacks.failChangeSet(NAME, 'Parameter VpcId is empty');
    const asked = await look(hash, ['network']);
    world.stacks.advance();

    await expect(look(hash, ['network'], asked)).rejects.toThrow(StackFailedError);
    await expect(look(hash, ['network'], asked)).rejects.toThrow('CloudFormation refused the template: Parameter VpcId is empty');
  });

  it('lets a new run try again where a change set failed', async () => {
    const hash = await world.deliver([aStack('network')]);
    world.stacks.failChangeSet(NAME, 'Rate exceeded');
    await look(hash, ['network']);
    world.stacks.advance();

    const looks = await untilDone(hash, ['network'], 'update-2');

    expect(looks.at(-1)?.done).toBe(true);
  });

  it('names resource and reason of its own failed creation, and tries it no second time', async () => {
    const hash = await world.deliver([aStack('network')]);
    world.stacks.failNext(NAME, FAILURE);

    const run = untilDone(hash, ['network']);

    await expect(run).rejects.toThrow(StackFailedError);
    await expect(run).rejects.toThrow(`stack ${NAME} ended in ROLLBACK_COMPLETE: AWS::EC2::Subnet SubnetA: The CIDR 10.1.0.0/20 conflicts`);
    expect(world.stacks.calls.filter((call) => call.startsWith('execute'))).toHaveLength(1);
  });

  it('clears away what an earlier run failed to create and makes it anew', async () => {
    world.stacks.put({ name: NAME, status: 'ROLLBACK_COMPLETE' });
    const hash = await world.deliver([aStack('network')]);

    const looks = await untilDone(hash, ['network']);

    expect(looks[0]?.reason).toBe(`stack ${NAME} ended in ROLLBACK_COMPLETE in an earlier run: deleted, to be made again`);
    expect(world.stacks.calls).toEqual([`delete ${NAME}`, `create-change-set CREATE ${NAME}`, `execute ${NAME}`]);
  });

  it('names resource and reason of an update that was rolled back, and leaves the stack as it was', async () => {
    await untilDone(await world.deliver([aStack('network', { parameters: { Size: '1' } })]), ['network']);
    const next = await world.deliver([aStack('network', { parameters: { Size: '2' } })]);
    world.stacks.failNext(NAME, FAILURE);

    const run = untilDone(next, ['network'], 'update-2');

    await expect(run).rejects.toThrow(`the update of stack ${NAME} was rolled back: AWS::EC2::Subnet SubnetA`);
    expect(await world.stacks.describe(NAME)).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE', parameters: { Size: '1' } });
  });

  it('lets a new run try an update again that was rolled back', async () => {
    await untilDone(await world.deliver([aStack('network', { parameters: { Size: '1' } })]), ['network']);
    const next = await world.deliver([aStack('network', { parameters: { Size: '2' } })]);
    world.stacks.failNext(NAME, FAILURE);
    await untilDone(next, ['network'], 'update-2').catch(() => undefined);

    await untilDone(next, ['network'], 'update-3');

    expect(await world.stacks.describe(NAME)).toMatchObject({ status: 'UPDATE_COMPLETE', parameters: { Size: '2' } });
  });
});

describe('advance-stack on a stack that was left half-made', () => {
  const GROUP = { resource: 'Group', type: 'AWS::AutoScaling::AutoScalingGroup', reason: 'AutoScalingGroup sluice-1 does not exist' };

  it('makes a stack of one that has nothing but an old change set', async () => {
    const hash = await world.deliver([aStack('network')]);
    await look(hash, ['network'], undefined, 'update-0');
    world.stacks.advance();

    await untilDone(hash, ['network']);

    expect(world.stacks.calls.filter((call) => call.startsWith('execute'))).toHaveLength(1);
    expect(await world.stacks.describe(NAME)).toMatchObject({ status: 'CREATE_COMPLETE' });
  });

  it('continues a rollback that failed, and then makes its change', async () => {
    world.stacks.put({ name: NAME, status: 'UPDATE_ROLLBACK_FAILED' });
    const hash = await world.deliver([aStack('network')]);

    await untilDone(hash, ['network'], 'update-1', false);

    expect(world.stacks.calls).toEqual([`continue ${NAME}`, `create-change-set UPDATE ${NAME}`, `execute ${NAME}`]);
  });

  it('continues it without a group that is gone, when it fails again', async () => {
    world.stacks.stick(NAME, GROUP);
    world.stacks.put({ name: NAME, status: 'UPDATE_ROLLBACK_FAILED' });
    const hash = await world.deliver([aStack('network')]);

    await untilDone(hash, ['network'], 'update-1', false);

    expect(world.stacks.calls.slice(0, 2)).toEqual([`continue ${NAME}`, `continue ${NAME} without Group`]);
  });

  it.each([
    ['a group that is there', { ...GROUP, reason: 'Group did not stabilize' }],
    ['a volume', { resource: 'Data', type: 'AWS::EC2::Volume', reason: 'vol-1 does not exist' }],
  ])('leaves %s to a person, with the first command', async (_, failure) => {
    world.stacks.stick(NAME, failure);
    world.stacks.put({ name: NAME, status: 'UPDATE_ROLLBACK_FAILED' });
    const hash = await world.deliver([aStack('network')]);

    const run = untilDone(hash, ['network'], 'update-1', false);

    await expect(run).rejects.toThrow(StackFailedError);
    await expect(run).rejects.toThrow(
      `First: aws cloudformation continue-update-rollback --stack-name ${NAME} --resources-to-skip ${failure.resource}`,
    );
    expect(world.stacks.calls).toEqual([`continue ${NAME}`]);
  });

  it('deletes one that was never finished twice at most', async () => {
    world.stacks.put({ name: NAME, status: 'ROLLBACK_COMPLETE' });
    world.stacks.stick(NAME, FAILURE);
    const hash = await world.deliver([aStack('network')]);

    const run = untilDone(hash, ['network'], 'update-1', false);

    await expect(run).rejects.toThrow(`the deletion of stack ${NAME} failed at AWS::EC2::Subnet SubnetA (The CIDR 10.1.0.0/20 conflicts)`);
    await expect(run).rejects.toThrow(`First: aws cloudformation delete-stack --stack-name ${NAME} --retain-resources SubnetA`);
    expect(world.stacks.calls).toEqual([`delete ${NAME}`, `delete ${NAME}`]);
  });

  it('finishes a deletion that failed half-way only where nobody uses the cluster', async () => {
    world.stacks.put({ name: NAME, status: 'DELETE_FAILED' });
    const hash = await world.deliver([aStack('network')]);

    await expect(look(hash, ['network'], undefined, 'update-1', false)).rejects.toThrow(
      `the deletion of stack ${NAME} failed. First: aws cloudformation delete-stack`,
    );
    expect(world.stacks.calls).toEqual([]);
    await untilDone(hash, ['network']);

    expect(await world.stacks.describe(NAME)).toMatchObject({ status: 'CREATE_COMPLETE' });
  });

  it('makes its change set anew when somebody else changed the stack since', async () => {
    await untilDone(await world.deliver([aStack('network', { parameters: { Size: '1' } })]), ['network'], 'update-0');
    const hash = await world.deliver([aStack('network', { parameters: { Size: '2' } })]);
    const asked = await look(hash, ['network']);
    world.stacks.advance();
    await untilDone(await world.deliver([aStack('network', { parameters: { Size: '3' } })]), ['network'], 'by-hand');

    const again = await look(hash, ['network'], asked);
    await untilDone(hash, ['network']);

    expect(again.reason).toBe(`stack ${NAME} was changed by somebody else since its change set was made; it is made anew`);
    expect(await world.stacks.describe(NAME)).toMatchObject({ parameters: { Size: '2' } });
  });

  it('knows by its own change set that its update was rolled back, when the look that began it lost its answer', async () => {
    await untilDone(await world.deliver([aStack('network', { parameters: { Size: '1' } })]), ['network'], 'update-0');
    const hash = await world.deliver([aStack('network', { parameters: { Size: '2' } })]);
    world.stacks.failNext(NAME, FAILURE);
    for (let round = 0; round < 2; round++) {
      await look(hash, ['network']);
      world.stacks.advance();
    }

    await expect(look(hash, ['network'])).rejects.toThrow(`the update of stack ${NAME} was rolled back: AWS::EC2::Subnet SubnetA`);
  });
});

describe('advance-stack and the lock', () => {
  it('waits until nothing is under way in any stack of the cluster, and not for ever', async () => {
    const tags = { 'sluice:cluster': 'dev-1', 'sluice:role': 'etcd' };
    world.stacks.put({ name: 'sluice-dev-1-etcd', status: 'UPDATE_IN_PROGRESS', tags });
    const hash = await world.deliver([aStack('network')]);

    const first = await look(hash, ['network']);
    world.ports.clock.advance(2 * 3600 + 1);
    const late = look(hash, ['network'], first);

    expect(first.reason).toBe('stack sluice-dev-1-etcd is UPDATE_IN_PROGRESS, begun before this run');
    expect(world.stacks.calls).toEqual([]);
    await expect(late).rejects.toThrow(DeadlineError);
    await expect(late).rejects.toThrow('First: aws cloudformation describe-stack-events --stack-name sluice-dev-1-etcd');
    world.stacks.advance();
    expect((await untilDone(hash, ['network'])).at(-1)?.done).toBe(true);
  });

  it.each(['create', 'execute'])('does not %s a change set once another execution has the lock', async (act) => {
    const hash = await world.deliver([aStack('network')]);
    const asked = act === 'create' ? undefined : await look(hash, ['network']);
    world.stacks.advance();
    const input = await inputOf(hash, ['network'], asked, 'update-1');
    const before = [...world.stacks.calls];
    world.ports.objects.advance(3601);
    await world.lock('update-2');

    await expect(runStep(advanceStack, input, world.ports, 'update-1')).rejects.toThrow(LockHeldError);
    expect(world.stacks.calls).toEqual(before);
  });
});

describe('advance-stack and the number of members of etcd', () => {
  const of = (members: string | undefined) =>
    world.deliver([aStack('etcd', { parameters: { ClusterName: 'dev-1', ...(members === undefined ? {} : { EtcdMembers: members }) } })]);

  it.each([
    ['3', '5'],
    ['5', '3'],
    ['1', '3'],
  ])('refuses to make %s of them %s, before anything is asked of CloudFormation', async (has, gets) => {
    await untilDone(await of(has), ['etcd']);
    const before = [...world.stacks.calls];

    const changed = look(await of(gets), ['etcd'], undefined, 'update-2', false);

    await expect(changed).rejects.toThrow(GateClosedError);
    await expect(changed).rejects.toThrow(`is of ${has} members of etcd, and the settings of its cluster say ${gets}`);
    expect(world.stacks.calls).toEqual(before);
  });

  it.each([
    [undefined, '3'],
    ['3', undefined],
    ['3', '3'],
  ])('lets it be named (%s) or left out (%s)', async (has, gets) => {
    await untilDone(await of(has), ['etcd']);

    expect((await untilDone(await of(gets), ['etcd'], 'update-2', false)).at(-1)?.done).toBe(true);
  });
});

describe('advance-stack and the record', () => {
  it.each([
    ['etcd', { etcd: '3.6.16' }],
    ['control-plane', { kubernetes: '1.35.4' }],
    ['network', {}],
    ['pool-general', {}],
  ])('notes before it changes the stack %s what can not be taken back', async (role, reached) => {
    const hash = await world.deliver([aStack(role)]);

    const asked = await look(hash, [role]);
    const before = world.reached();
    world.stacks.advance();
    await look(hash, [role], asked);

    expect([before, world.reached()]).toEqual([{}, reached]);
  });
});
