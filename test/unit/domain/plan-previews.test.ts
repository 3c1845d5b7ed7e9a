import { describe, expect, it } from 'vitest';
import { chosenPreviews, previewName, previewOf, whyNotAsked, withOutputs, withPreviews } from '#domain/plan-previews.ts';
import { clusterRef } from '#domain/waves.ts';
import { PlanContext, type PlanData } from '#model/plan.ts';
import type { StackFacts } from '#ports/change-sets.ts';
import { clusterEntry } from '../../support/fleet.ts';

const facts = (status: string): StackFacts => ({ status, outputs: {}, tags: {} });

describe('the name of a change set that is only read', () => {
  it('is one for each stack and execution, within the names that the role may use', () => {
    const name = previewName('sluice-dev-1-etcd', 'pull-request-1');

    expect(name).toMatch(/^sluice-plan-[0-9a-f]{24}$/);
    expect(previewName('sluice-dev-1-etcd', 'pull-request-1')).toBe(name);
    expect(previewName('sluice-dev-1-etcd', 'pull-request-2')).not.toBe(name);
    expect(previewName('sluice-dev-2-etcd', 'pull-request-1')).not.toBe(name);
  });
});

describe('a stack', () => {
  it.each(['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE', 'IMPORT_COMPLETE', 'IMPORT_ROLLBACK_COMPLETE'])(
    'can be asked when it is %s',
    (status) => expect(whyNotAsked(facts(status))).toBeUndefined(),
  );

  it.each([
    [undefined, 'the stack does not exist yet'],
    ['REVIEW_IN_PROGRESS', 'the stack does not exist yet'],
    ['UPDATE_IN_PROGRESS', 'the stack is being changed (UPDATE_IN_PROGRESS)'],
    ['UPDATE_ROLLBACK_FAILED', 'the stack is UPDATE_ROLLBACK_FAILED'],
    ['ROLLBACK_COMPLETE', 'the stack is ROLLBACK_COMPLETE'],
  ])('can not be asked when it is %s', (status, why) => expect(whyNotAsked(status === undefined ? undefined : facts(status))).toBe(why));
});

describe('parameters of a change set', () => {
  it('get the outputs of the network stack', () =>
    expect(withOutputs({ VpcId: '!output:network-1.VpcId', Size: '3' }, { VpcId: 'vpc-1' })).toEqual({
      parameters: { VpcId: 'vpc-1', Size: '3' },
      missing: [],
    }));

  it('get several outputs where they are a list', () => {
    const outputs = { SubnetA: 'subnet-1', SubnetC: 'subnet-3' };

    expect(withOutputs({ SubnetIds: '!output:network.SubnetA,!output:network.SubnetC' }, outputs)).toEqual({
      parameters: { SubnetIds: 'subnet-1,subnet-3' },
      missing: [],
    });
    expect(withOutputs({ SubnetIds: '!output:network.SubnetA,!output:network.SubnetB' }, outputs).missing).toEqual(['SubnetB']);
    expect(withOutputs({ Text: '!output:network.SubnetA,b' }, outputs).parameters).toEqual({ Text: '!output:network.SubnetA,b' });
  });

  it('name the outputs that it lacks', () =>
    expect(withOutputs({ A: '!output:network.A', B: '!output:network.B' }, {})).toEqual({
      parameters: { A: '', B: '' },
      missing: ['A', 'B'],
    }));

  it.each(['x!output:network.A', '!output:network.A!', '!output:.A', '!output:network', '!output:Network.A'])(
    'leave what is no output: %s',
    (text) => expect(withOutputs({ Text: text }, { A: 'a' })).toEqual({ parameters: { Text: text }, missing: [] }),
  );
});

describe('what a change set says', () => {
  const change = { resource: 'Vpc', type: 'AWS::EC2::VPC', action: 'modify', replacement: 'always', properties: ['CidrBlock'] } as const;

  it('is not known while it is being made', () => expect(previewOf('network', { state: 'creating', changes: [] })).toBeUndefined());

  it('is its changes, of the stack’s role', () =>
    expect(previewOf('network', { state: 'ready', changes: [change] })).toEqual({
      role: 'network',
      state: 'changes',
      resources: [{ role: 'network', ...change }],
    }));

  it('is nothing where CloudFormation has nothing to do', () =>
    expect(previewOf('etcd', { state: 'no-changes', changes: [change] })).toEqual({ role: 'etcd', state: 'no-changes', resources: [] }));

  it('is a refusal with its reason', () => {
    expect(previewOf('etcd', { state: 'failed', reason: 'no such type', changes: [change] })).toEqual({
      role: 'etcd',
      state: 'refused',
      reason: 'no such type',
      resources: [],
    });
    expect(previewOf('etcd', { state: 'failed', changes: [] })).toMatchObject({ reason: 'no reason given' });
  });
});

describe('a plan with previews', () => {
  const context = PlanContext.parse({ channel: 'dev', downstream: [], notes: ['a note'] });
  const data: PlanData = { plan: { groups: [], clusters: 0, affected: 0, class: 'nothing', rollsNodes: 0 }, context, previews: [] };
  const preview = { group: 'a'.repeat(64), cluster: 'dev-1', stacks: [] };

  it('has them in its context, and nothing else changes', () =>
    expect(withPreviews(data, [preview])).toEqual({ ...data, context: { ...context, previews: [preview] } }));

  it('says about how many groups CloudFormation was asked, where it was not asked about all', () => {
    const asked = ['1', '2'].map((digit) => ({
      group: digit.repeat(64),
      cluster: clusterRef(clusterEntry('dev-1'), { channel: 'dev' }),
      renderHash: digit.repeat(64),
      roles: ['etcd'],
    }));
    const capped = { ...data, previews: asked, unasked: 3 };

    expect(withPreviews(capped, [preview]).context.notes).toEqual([
      'a note',
      expect.stringMatching(/^CloudFormation was asked about the first 2 of 5 groups whose stacks change, .*by the templates alone\.$/),
    ]);
    expect(withPreviews(capped, [], 'it is down').context.notes).toEqual(['a note', expect.stringContaining('could not be asked')]);
    expect(chosenPreviews([...Array(12).keys()])).toEqual({ asked: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], unasked: 2 });
    expect(chosenPreviews([...Array(10).keys()])).toMatchObject({ unasked: 0 });
  });

  it('says why CloudFormation could not be asked', () =>
    expect(withPreviews(data, [], 'it is down').context.notes).toEqual([
      'a note',
      'CloudFormation could not be asked what it would replace: it is down. What is told of it is by the templates alone.',
    ]));
});
