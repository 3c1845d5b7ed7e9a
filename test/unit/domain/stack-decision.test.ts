import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideDeletion, decideStack, deletionOrder, type StackObservation } from '#domain/stack-decision.ts';
import type { ChangeSetState, StackResource, StackState } from '#ports/stacks.ts';

const CONTENT = 'c'.repeat(64);

function stack(status: string, tags: Record<string, string> = {}): StackState {
  return { name: 'sluice-dev-1-etcd', status, parameters: {}, outputs: {}, tags };
}

function observe(change: Partial<StackObservation>): StackObservation {
  return {
    stack: undefined,
    changeSet: undefined,
    content: CONTENT,
    attempted: false,
    mended: 0,
    creation: false,
    resources: [],
    ...change,
  };
}

const GONE_GROUP: StackResource = {
  resource: 'Group',
  type: 'AWS::AutoScaling::AutoScalingGroup',
  status: 'UPDATE_FAILED',
  reason: 'AutoScalingGroup sluice-1 does not exist',
  physicalId: 'sluice-1',
};

function changeSet(state: ChangeSetState['state']): ChangeSetState {
  return { state, replacements: [] };
}

function stuckRollback(resources: readonly StackResource[]): StackObservation {
  return observe({ stack: stack('UPDATE_ROLLBACK_FAILED'), mended: 1, resources });
}

describe('decideStack', () => {
  it.each([
    ['a stack that is not there', observe({}), 'create-change-set'],
    ['a stack under review without change set', observe({ stack: stack('REVIEW_IN_PROGRESS') }), 'create-change-set'],
    ['a change set that is being made', observe({ changeSet: { state: 'creating', replacements: [] } }), 'wait'],
    [
      'a change set that is ready',
      observe({ stack: stack('REVIEW_IN_PROGRESS'), changeSet: { state: 'ready', replacements: [] } }),
      'execute',
    ],
    ['a refused template', observe({ changeSet: { state: 'failed', reason: 'bad', replacements: [] } }), 'fail'],
    ['a stack in progress', observe({ stack: stack('UPDATE_IN_PROGRESS') }), 'wait'],
    ['a settled stack of this content', observe({ stack: stack('UPDATE_COMPLETE', { 'sluice:content': CONTENT }) }), 'done'],
    ['a settled stack of other content', observe({ stack: stack('CREATE_COMPLETE', { 'sluice:content': 'other' }) }), 'create-change-set'],
    [
      'a change that changes nothing',
      observe({ stack: stack('CREATE_COMPLETE'), changeSet: { state: 'no-changes', replacements: [] } }),
      'done',
    ],
    ['a failed creation of an earlier run', observe({ stack: stack('ROLLBACK_COMPLETE') }), 'delete'],
    ['one that was made and failed without a rollback', observe({ stack: stack('CREATE_FAILED') }), 'delete'],
    ['one whose creation could not be rolled back', observe({ stack: stack('ROLLBACK_FAILED') }), 'delete'],
    ['one that was deleted twice by this run', observe({ stack: stack('ROLLBACK_COMPLETE'), mended: 2 }), 'fail'],
    [
      'a change set that is out of date',
      observe({ stack: stack('UPDATE_COMPLETE'), changeSet: changeSet('obsolete') }),
      'discard-change-set',
    ],
    [
      'a first change set that is out of date',
      observe({ stack: stack('REVIEW_IN_PROGRESS'), changeSet: changeSet('obsolete') }),
      'discard-change-set',
    ],
    [
      'a change set that was executed and rolled back',
      observe({ stack: stack('UPDATE_ROLLBACK_COMPLETE'), changeSet: changeSet('executed') }),
      'fail',
    ],
    ['a stack that was changed after this run', observe({ stack: stack('UPDATE_COMPLETE'), changeSet: changeSet('executed') }), 'fail'],
    ['an update that failed without a rollback', observe({ stack: stack('UPDATE_FAILED') }), 'create-change-set'],
    ['a status that nobody knows', observe({ stack: stack('IMPORT_ROLLBACK_FAILED') }), 'fail'],
    ['a failed creation of this run', observe({ stack: stack('ROLLBACK_COMPLETE'), attempted: true }), 'fail'],
    ['an update rolled back in an earlier run', observe({ stack: stack('UPDATE_ROLLBACK_COMPLETE') }), 'create-change-set'],
    ['an update rolled back in this run', observe({ stack: stack('UPDATE_ROLLBACK_COMPLETE'), attempted: true }), 'fail'],
    ['a rollback that failed', observe({ stack: stack('UPDATE_ROLLBACK_FAILED') }), 'continue-rollback'],
    ['one that failed at what is gone, again', stuckRollback([GONE_GROUP]), 'continue-rollback'],
    ['one that failed at what is there, again', stuckRollback([{ ...GONE_GROUP, reason: 'Group did not stabilize' }]), 'fail'],
    ['one that failed at data, again', stuckRollback([{ ...GONE_GROUP, type: 'AWS::EC2::Volume' }]), 'fail'],
    [
      'one of several that failed at data',
      stuckRollback([GONE_GROUP, { ...GONE_GROUP, resource: 'Data', type: 'AWS::EC2::Volume' }]),
      'fail',
    ],
    ['one that failed for a third time', { ...stuckRollback([GONE_GROUP]), mended: 2 }, 'fail'],
    ['a deletion that failed, of a cluster in use', observe({ stack: stack('DELETE_FAILED') }), 'fail'],
    ['one of a cluster that was never whole', observe({ stack: stack('DELETE_FAILED'), creation: true }), 'delete'],
    ['one that this run began', observe({ stack: stack('DELETE_FAILED'), mended: 1 }), 'delete'],
    ['one that this run began twice', observe({ stack: stack('DELETE_FAILED'), mended: 2, creation: true }), 'fail'],
  ])('for %s: %s', (_, observation, act) => {
    expect(decideStack(observation).act).toBe(act);
  });

  it('never executes or deletes while CloudFormation works on the stack', () => {
    const status = fc.constantFrom(
      'CREATE_IN_PROGRESS',
      'UPDATE_IN_PROGRESS',
      'ROLLBACK_IN_PROGRESS',
      'UPDATE_ROLLBACK_IN_PROGRESS',
      'DELETE_IN_PROGRESS',
      'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
    );
    const states = fc.constantFrom('creating' as const, 'ready' as const, 'no-changes' as const, 'failed' as const, 'obsolete' as const);

    fc.assert(
      fc.property(status, states, fc.boolean(), (name, state, attempted) => {
        const decision = decideStack(observe({ stack: stack(name), changeSet: { state, replacements: [] }, attempted }));
        expect(decision.act).toBe('wait');
      }),
    );
  });
});

describe('decideDeletion', () => {
  const held = [{ ...GONE_GROUP, status: 'DELETE_FAILED', reason: 'it is in use' }];

  it.each([
    ['a stack', stack('CREATE_COMPLETE'), 0, [], 'delete', []],
    ['one that has nothing but a change set', stack('REVIEW_IN_PROGRESS'), 0, [], 'delete', []],
    ['one that is changed', stack('UPDATE_IN_PROGRESS'), 0, [], 'wait', []],
    ['one that is being deleted', stack('DELETE_IN_PROGRESS'), 3, [], 'wait', []],
    ['one that failed once', stack('DELETE_FAILED'), 1, held, 'delete', []],
    ['one that failed twice', stack('DELETE_FAILED'), 2, held, 'delete', ['Group']],
    ['one that failed twice at nothing', stack('DELETE_FAILED'), 2, [], 'fail', []],
    ['one that failed without what held it', stack('DELETE_FAILED'), 3, held, 'fail', []],
  ])('for %s', (_, one, asked, resources, act, retained) => {
    const decision = decideDeletion(one, asked, resources);

    expect(decision.act).toBe(act);
    if (decision.act === 'delete') expect(decision.retain.map(({ resource }) => resource)).toEqual(retained);
    if (decision.act === 'fail') expect(decision.first).toMatch(/^aws cloudformation delete-stack --stack-name sluice-dev-1-etcd/);
  });
});

describe('deletionOrder', () => {
  it('takes the node pools first and the network last', () => {
    const all = ['network', 'etcd', 'control-plane', 'pool-general', 'pool-batch'].map((role) => ({
      ...stack('CREATE_COMPLETE', { 'sluice:role': role }),
      name: role,
    }));
    const order: string[][] = [];

    for (let left = all; left.length > 0; ) {
      const next = deletionOrder(left).map((entry) => entry.name);
      order.push(next);
      left = left.filter((entry) => !next.includes(entry.name));
    }

    expect(order).toEqual([['pool-general', 'pool-batch'], ['control-plane'], ['etcd'], ['network']]);
  });
});
