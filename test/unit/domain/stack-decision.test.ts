import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideStack, deletionOrder, type StackObservation } from '#domain/stack-decision.ts';
import type { StackState } from '#ports/stacks.ts';

const CONTENT = 'c'.repeat(64);

function stack(status: string, tags: Record<string, string> = {}): StackState {
  return { name: 'sluice-dev-1-etcd', status, parameters: {}, outputs: {}, tags };
}

function observe(change: Partial<StackObservation>): StackObservation {
  return { stack: undefined, changeSet: undefined, content: CONTENT, attempted: false, ...change };
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
    ['a failed creation of an earlier run', observe({ stack: stack('ROLLBACK_COMPLETE') }), 'delete-and-retry'],
    ['a failed creation of this run', observe({ stack: stack('ROLLBACK_COMPLETE'), attempted: true }), 'fail'],
    ['an update rolled back in an earlier run', observe({ stack: stack('UPDATE_ROLLBACK_COMPLETE') }), 'create-change-set'],
    ['an update rolled back in this run', observe({ stack: stack('UPDATE_ROLLBACK_COMPLETE'), attempted: true }), 'fail'],
    ['a rollback that failed', observe({ stack: stack('UPDATE_ROLLBACK_FAILED') }), 'fail'],
    ['a stack that could not be deleted', observe({ stack: stack('DELETE_FAILED') }), 'delete-and-retry'],
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
    const changeSet = fc.constantFrom('creating' as const, 'ready' as const, 'no-changes' as const, 'failed' as const);

    fc.assert(
      fc.property(status, changeSet, fc.boolean(), (name, state, attempted) => {
        const decision = decideStack(observe({ stack: stack(name), changeSet: { state, replacements: [] }, attempted }));
        expect(decision.act).toBe('wait');
      }),
    );
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
