import { beforeEach, describe, expect, it } from 'vitest';
import { hashOf } from '#domain/hash.ts';
import { keys } from '#domain/names.ts';
import { NotFoundError, RefusedError, TransientError } from '#model/errors.ts';
import { PlanContext, PlanData } from '#model/plan.ts';
import { previewChangeSets } from '../../../functions/preview/preview-change-sets.ts';
import { createFakeAccountChangeSets } from '../../support/fakes/change-sets.ts';
import { aStack, CLUSTER, createStacksWorld } from '../../support/stacks-world.ts';

const GROUP = 'e'.repeat(64);
const CHANGE = { resource: 'Vpc', type: 'AWS::EC2::VPC', action: 'modify', replacement: 'always', properties: ['CidrBlock'] } as const;

async function setUp(roles: readonly string[] = ['network', 'etcd']) {
  const world = createStacksWorld();
  const account = createFakeAccountChangeSets();
  const changeSets = account.of(CLUSTER.account, CLUSTER.region, 'test');
  const renderHash = await world.deliver([
    aStack('network'),
    aStack('etcd', { parameters: { SubnetA: '!output:network.SubnetA', ClusterName: 'dev-1' } }),
    aStack('control-plane'),
  ]);
  const data = PlanData.parse({
    plan: {
      groups: [
        {
          hash: GROUP,
          class: 'replacement',
          clusters: ['dev-1'],
          changes: [],
          rolls: [],
          resources: [{ role: 'network', ...CHANGE, resource: 'ByTemplate' }],
          disruption: { restarts: [], ownPods: 0, drained: 0 },
        },
      ],
      clusters: 1,
      affected: 1,
      class: 'replacement',
      rollsNodes: 0,
    },
    context: PlanContext.parse({ channel: 'dev', downstream: [], notes: [] }),
    previews: [{ group: GROUP, cluster: CLUSTER, renderHash, roles }],
  });
  const planHash = hashOf(data);
  const { objects } = world.ports;
  await objects.put(keys.planData(planHash), JSON.stringify(data));
  const run = (more: object = {}) =>
    previewChangeSets.run(
      previewChangeSets.input.parse({ plan: { planHash }, ...more }),
      { objects, changeSets: account },
      { execution: 'pr-7' },
    );
  const textOf = async (hash: string): Promise<string> => (await objects.get(keys.plan(hash)))?.body ?? '';
  return { changeSets, run, textOf, planHash, objects };
}

describe('preview-change-sets', () => {
  let world: Awaited<ReturnType<typeof setUp>>;
  beforeEach(async () => {
    world = await setUp();
    world.changeSets.put('sluice-dev-1-network', { outputs: { SubnetA: 'subnet-1' }, tags: { 'sluice:cluster': 'dev-1' } });
    world.changeSets.put('sluice-dev-1-etcd', {}, 'Resources: of etcd');
    world.changeSets.propose('sluice-dev-1-network', [CHANGE]);
  });

  it('asks, waits, tells the plan anew and leaves no change set behind', async () => {
    const first = await world.run();
    world.changeSets.advance();
    const second = await world.run({ previewChangeSets: first });

    expect(first).toMatchObject({
      done: false,
      waitSeconds: 5,
      reason: '1 of 1 change sets are being made',
      looks: 1,
      planHash: world.planHash,
    });
    expect(second).toMatchObject({ done: true, waitSeconds: 0, looks: 2 });
    expect(second.planHash).not.toBe(world.planHash);
    expect(await world.textOf(second.planHash)).toContain(
      'CloudFormation, by change sets for dev-1:\n- stack network: Vpc (AWS::EC2::VPC) **is replaced**, for CidrBlock\n- stack etcd: nothing to do\n',
    );
    expect(world.changeSets.kept()).toEqual([]);
    expect(PlanData.parse(JSON.parse((await world.objects.get(keys.planData(second.planHash)))?.body ?? '')).context.previews).toHaveLength(
      1,
    );
  });

  it('asks with the outputs and tags that the stacks have, by a name that the role may use', async () => {
    await world.run();
    await world.run();

    expect(world.changeSets.requests).toMatchObject([
      { stack: 'sluice-dev-1-network', template: 'Resources: of network', tags: { 'sluice:cluster': 'dev-1' } },
      { stack: 'sluice-dev-1-etcd', parameters: { SubnetA: 'subnet-1', ClusterName: 'dev-1' }, tags: {} },
    ]);
    for (const { name } of world.changeSets.requests) expect(name).toMatch(/^sluice-plan-[0-9a-f]{24}$/);
  });

  it('says of each stack why it was not asked', async () => {
    world.changeSets.put('sluice-dev-1-network', { status: 'UPDATE_IN_PROGRESS' });
    const output = await world.run();

    expect(output.done).toBe(true);
    const text = await world.textOf(output.planHash);
    expect(text).toContain(
      '- stack network: not asked (the stack is being changed (UPDATE_IN_PROGRESS)); by the template alone:\n- stack network: ByTemplate (AWS::EC2::VPC) **is replaced**',
    );
    expect(text).toContain(
      '- stack etcd: not asked (it needs what the network stack does not have yet: SubnetA); by the template alone:\n- nothing is replaced or deleted',
    );
    expect(world.changeSets.requests).toEqual([]);
  });

  it('tells what CloudFormation refuses', async () => {
    world.changeSets.fail('sluice-dev-1-etcd', 'Parameters: [X] must have values');
    await world.run();
    world.changeSets.advance();

    const output = await world.run();

    expect(await world.textOf(output.planHash)).toContain(
      '- stack etcd: **CloudFormation refuses this change**: Parameters: &#91;X&#93; must have values',
    );
  });

  it('goes by the templates in an account that can’t be entered', async () => {
    world.changeSets.refuse(new RefusedError('could not assume the role: AccessDenied'));

    const output = await world.run();

    expect(output.done).toBe(true);
    expect(await world.textOf(output.planHash)).toContain(
      '- stack network: not asked (could not assume the role: AccessDenied); by the template alone:',
    );
  });

  it('gives up on what is never made, and deletes it', async () => {
    await world.run();
    const output = await world.run({ previewChangeSets: { looks: 23 } });

    expect(output).toMatchObject({ done: true, looks: 24 });
    expect(await world.textOf(output.planHash)).toContain('- stack network: not asked (the change set was not ready in time)');
    expect(world.changeSets.kept()).toEqual([]);
  });

  it('waits until the last look but one', async () => {
    await world.run();

    expect(await world.run({ previewChangeSets: { looks: 22 } })).toMatchObject({ done: false, looks: 23 });
  });

  it('deletes what is there and says why nothing was asked, when it is abandoned', async () => {
    await world.run();
    const output = await world.run({ abandon: true, previewError: { Error: 'TransientError', Cause: 'AWS did not answer' } });

    expect(output).toMatchObject({ done: true });
    expect(world.changeSets.kept()).toEqual([]);
    const text = await world.textOf(output.planHash);
    expect(text).toContain(
      '- CloudFormation could not be asked what it would replace: AWS did not answer. What is told of it is by the templates alone.',
    );
    expect(text).toContain('- stack network: ByTemplate (AWS::EC2::VPC) **is replaced**');
  });

  it('is tried again when AWS does not answer', async () => {
    world.changeSets.refuse(new TransientError('throttled'));

    await expect(world.run()).rejects.toThrow(TransientError);
  });

  it('says which step must run first', async () => {
    await expect(world.run({ plan: { planHash: 'f'.repeat(64) } })).rejects.toThrow(NotFoundError);
  });

  it('asks about the stacks that change only', async () => {
    const one = await setUp(['control-plane']);
    one.changeSets.put('sluice-dev-1-control-plane', { status: 'CREATE_COMPLETE' });
    one.changeSets.put('sluice-dev-1-network', {});

    await one.run();

    expect(one.changeSets.requests.map(({ stack }) => stack)).toEqual(['sluice-dev-1-control-plane']);
  });
});
