import type { ChangeSetState, StackState } from '#ports/stacks.ts';

/** What to do next with one stack; a pure function of what is observed. */
export type StackDecision =
  | { readonly act: 'done'; readonly reason: string }
  | { readonly act: 'wait'; readonly reason: string }
  | { readonly act: 'create-change-set'; readonly type: 'CREATE' | 'UPDATE' }
  | { readonly act: 'execute' }
  /** A first creation failed: such a stack can only be deleted and made again. */
  | { readonly act: 'delete-and-retry'; readonly reason: string }
  | { readonly act: 'fail'; readonly reason: string };

export interface StackObservation {
  readonly stack: StackState | undefined;
  readonly changeSet: ChangeSetState | undefined;
  /** Hash of template and parameters; the stack's tag `sluice:content` holds that of the last success. */
  readonly content: string;
  /** True when this execution has executed a change set of this content already. */
  readonly attempted: boolean;
}

const SETTLED = new Set(['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'IMPORT_COMPLETE']);
/** Creation ended badly; nothing of use is in such a stack. */
const STILLBORN = new Set(['ROLLBACK_COMPLETE', 'CREATE_FAILED', 'ROLLBACK_FAILED', 'DELETE_FAILED']);

/** CloudFormation's stack status codes are those of its user guide, "Stack status codes". */
export function decideStack({ stack, changeSet, content, attempted }: StackObservation): StackDecision {
  if (stack === undefined) return creation(changeSet);
  if (stack.status === 'REVIEW_IN_PROGRESS') return creation(changeSet);
  if (stack.status.endsWith('_IN_PROGRESS')) return { act: 'wait', reason: `stack ${stack.name} is ${stack.status}` };
  if (STILLBORN.has(stack.status)) {
    const reason = `stack ${stack.name} ended in ${stack.status}`;
    return attempted ? { act: 'fail', reason } : { act: 'delete-and-retry', reason };
  }
  if (stack.status === 'UPDATE_ROLLBACK_FAILED') {
    return {
      act: 'fail',
      reason: `stack ${stack.name} is UPDATE_ROLLBACK_FAILED: continue its rollback in CloudFormation, then run again`,
    };
  }
  if (SETTLED.has(stack.status) && stack.tags['sluice:content'] === content)
    return { act: 'done', reason: `stack ${stack.name} is ${stack.status}` };
  if (stack.status === 'UPDATE_ROLLBACK_COMPLETE' && attempted)
    return { act: 'fail', reason: `the update of stack ${stack.name} was rolled back` };
  return update(stack, changeSet);
}

function creation(changeSet: ChangeSetState | undefined): StackDecision {
  if (changeSet === undefined) return { act: 'create-change-set', type: 'CREATE' };
  if (changeSet.state === 'creating') return { act: 'wait', reason: 'the change set is being made' };
  if (changeSet.state === 'ready') return { act: 'execute' };
  return { act: 'fail', reason: `CloudFormation refused the template: ${changeSet.reason ?? 'no reason given'}` };
}

function update(stack: StackState, changeSet: ChangeSetState | undefined): StackDecision {
  if (changeSet === undefined) return { act: 'create-change-set', type: 'UPDATE' };
  if (changeSet.state === 'creating') return { act: 'wait', reason: `the change set of stack ${stack.name} is being made` };
  if (changeSet.state === 'no-changes') return { act: 'done', reason: `stack ${stack.name} needs no change` };
  if (changeSet.state === 'ready') return { act: 'execute' };
  return { act: 'fail', reason: `CloudFormation refused the change of stack ${stack.name}: ${changeSet.reason ?? 'no reason given'}` };
}

/** Order in which a cluster's stacks are deleted: what stands on others first. */
export function deletionOrder(stacks: readonly StackState[]): StackState[] {
  const rank = (role: string): number => (role.startsWith('pool-') ? 0 : role === 'control-plane' ? 1 : role === 'etcd' ? 2 : 3);
  const ranked = stacks.map((stack) => ({ stack, rank: rank(stack.tags['sluice:role'] ?? '') }));
  const first = Math.min(...ranked.map((entry) => entry.rank));
  return ranked.filter((entry) => entry.rank === first).map((entry) => entry.stack);
}
