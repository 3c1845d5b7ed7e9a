import type { ChangeSetState, StackResource, StackState } from '#ports/stacks.ts';
import { paced } from './pace.ts';

/** What to do next with one stack; a pure function of what is observed. docs/operate.md has it as a table. */
export type StackDecision =
  | { readonly act: 'done'; readonly reason: string }
  | { readonly act: 'wait'; readonly reason: string }
  | { readonly act: 'create-change-set'; readonly type: 'CREATE' | 'UPDATE' }
  /** The stack was changed since the change set was made: CloudFormation executes it no more. */
  | { readonly act: 'discard-change-set'; readonly reason: string }
  | { readonly act: 'execute' }
  /** A first creation failed: such a stack can only be deleted and made again. */
  | { readonly act: 'delete'; readonly reason: string }
  | { readonly act: 'continue-rollback'; readonly skip: readonly string[]; readonly reason: string }
  /** `first`: the command to run first. */
  | { readonly act: 'fail'; readonly reason: string; readonly first?: string };

export interface StackObservation {
  readonly stack: StackState | undefined;
  readonly changeSet: ChangeSetState | undefined;
  /** Hash of template and parameters; the stack's tag `sluice:content` holds that of the last success. */
  readonly content: string;
  /** True when this execution has executed a change set of this content already. */
  readonly attempted: boolean;
  /** How often this execution has deleted the stack, or continued its rollback. */
  readonly mended: number;
  /** True for a cluster that was never whole: nobody uses it. */
  readonly creation: boolean;
  /** Resources of a stack whose rollback or deletion failed; else empty. */
  readonly resources: readonly StackResource[];
}

const SETTLED = new Set(['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'IMPORT_COMPLETE']);
/** The stack is as before a change that failed; it takes the next one. */
const TAKES_CHANGES = new Set([...SETTLED, 'UPDATE_ROLLBACK_COMPLETE', 'IMPORT_ROLLBACK_COMPLETE', 'UPDATE_FAILED']);
/** A first creation ended badly: the stack was never finished, so nothing of use is in it. */
const STILLBORN = new Set(['ROLLBACK_COMPLETE', 'CREATE_FAILED', 'ROLLBACK_FAILED']);
/** So often a stack is mended by one execution. */
const MENDS = 2;

/** CloudFormation's stack status codes are those of its user guide, "Stack status codes". */
export function decideStack(seen: StackObservation): StackDecision {
  const { stack, changeSet, attempted, mended, content } = seen;
  if (stack === undefined || stack.status === 'REVIEW_IN_PROGRESS') return creation(changeSet);
  const { name, status } = stack;
  if (isBusy(stack)) return { act: 'wait', reason: `stack ${name} is ${status}` };
  if (STILLBORN.has(status)) {
    const reason = `stack ${name} ended in ${status}`;
    if (attempted || mended >= MENDS) return { act: 'fail', reason };
    return { act: 'delete', reason: `${reason} in an earlier run: deleted, to be made again` };
  }
  if (status === 'DELETE_FAILED') return undeleted(seen, stack);
  if (status === 'UPDATE_ROLLBACK_FAILED') return halfRolledBack(seen, stack);
  if (SETTLED.has(status) && stack.tags['sluice:content'] === content) return { act: 'done', reason: `stack ${name} is ${status}` };
  if (!TAKES_CHANGES.has(status)) return { act: 'fail', reason: `stack ${name} is ${status}`, first: eventsOf(name) };
  if (status === 'UPDATE_ROLLBACK_COMPLETE' && (attempted || changeSet?.state === 'executed'))
    return { act: 'fail', reason: `the update of stack ${name} was rolled back` };
  return update(stack, changeSet);
}

/**
 * Why a stack may not get these parameters: the number of etcd's members is for a cluster's life. Validation refuses settings that
 * change it; this holds for whatever comes past it. undefined for a stack that was never finished, or that has no such parameter.
 */
export function fixedParameterProblem(stack: StackState | undefined, wanted: Readonly<Record<string, string>>): string | undefined {
  if (stack === undefined || stack.status === 'REVIEW_IN_PROGRESS' || STILLBORN.has(stack.status)) return undefined;
  const [has, gets] = [stack.parameters, wanted].map((parameters) => parameters['EtcdMembers']);
  if (has === undefined || gets === undefined || has === gets) return undefined;
  return `stack ${stack.name} is of ${has} members of etcd, and the settings of its cluster say ${gets}: the number can't change. Set etcdMembers back to ${has}`;
}

/** CloudFormation works on it, whoever asked for it. A stack under review is none yet. */
export function isBusy({ status }: Pick<StackState, 'status'>): boolean {
  return status.endsWith('_IN_PROGRESS') && status !== 'REVIEW_IN_PROGRESS';
}

function creation(changeSet: ChangeSetState | undefined): StackDecision {
  if (changeSet === undefined) return { act: 'create-change-set', type: 'CREATE' };
  if (changeSet.state === 'creating' || changeSet.state === 'executed') return { act: 'wait', reason: 'the change set is being made' };
  if (changeSet.state === 'ready') return { act: 'execute' };
  if (changeSet.state === 'obsolete') return { act: 'discard-change-set', reason: 'the change set is out of date' };
  return { act: 'fail', reason: `CloudFormation refused the template: ${changeSet.reason ?? 'no reason given'}` };
}

function update({ name }: StackState, changeSet: ChangeSetState | undefined): StackDecision {
  switch (changeSet?.state) {
    case undefined:
      return { act: 'create-change-set', type: 'UPDATE' };
    case 'creating':
      return { act: 'wait', reason: `the change set of stack ${name} is being made` };
    case 'no-changes':
      return { act: 'done', reason: `stack ${name} needs no change` };
    case 'ready':
      return { act: 'execute' };
    case 'obsolete':
      return { act: 'discard-change-set', reason: `stack ${name} was changed by somebody else since its change set was made` };
    case 'executed':
      return { act: 'fail', reason: `stack ${name} was changed by somebody else after this run had changed it`, first: eventsOf(name) };
    case 'failed':
      return { act: 'fail', reason: `CloudFormation refused the change of stack ${name}: ${changeSet.reason ?? 'no reason given'}` };
  }
}

/**
 * A deletion that failed half-way. Of a stack that this execution deletes because it was never finished, or of a cluster
 * that was never whole, it is asked for again; a stack of a cluster in use is not an update's to delete.
 */
function undeleted({ mended, creation: never, resources }: StackObservation, { name }: StackState): StackDecision {
  const held = failed(resources, 'DELETE_FAILED');
  const reason = `the deletion of stack ${name} failed${heldBy(held)}`;
  if (mended < MENDS && (mended > 0 || never)) return { act: 'delete', reason: `${reason}: deleted again` };
  return { act: 'fail', reason, first: deleteCommand(name, held) };
}

/**
 * A rollback that failed half-way is continued, at first whole: what was in its way may have passed. Then without the
 * resources that CloudFormation says do not exist any more and that hold no data: there is nothing to roll back. The next
 * steps miss them by name. Any other is for a person to look at.
 */
function halfRolledBack({ mended, resources }: StackObservation, { name }: StackState): StackDecision {
  const stuck = failed(resources, 'UPDATE_FAILED');
  const reason = `the rollback of stack ${name} failed${heldBy(stuck)}`;
  if (mended === 0) return { act: 'continue-rollback', skip: [], reason: `${reason}: continued` };
  const skip = stuck.filter(maySkip).map(({ resource }) => resource);
  if (mended < MENDS && skip.length > 0 && skip.length === stuck.length)
    return { act: 'continue-rollback', skip, reason: `${reason}: continued without ${skip.join(', ')}, which is gone` };
  const names = stuck.map(({ resource }) => resource).join(' ');
  const options = names === '' ? '' : ` --resources-to-skip ${names}`;
  return { act: 'fail', reason, first: `aws cloudformation continue-update-rollback --stack-name ${name}${options}` };
}

/** Types whose loss loses no data and no address; each is found missing, by name, by the steps that use it. */
const SKIPPABLE = new Set([
  'AWS::AutoScaling::AutoScalingGroup',
  'AWS::EC2::LaunchTemplate',
  'AWS::EC2::SecurityGroupIngress',
  'AWS::EC2::SecurityGroupEgress',
  'AWS::ElasticLoadBalancingV2::Listener',
  'AWS::ElasticLoadBalancingV2::TargetGroup',
]);
const GONE = /does not exist|not found|NotFound|no longer exists/i;

function maySkip({ type, reason }: StackResource): boolean {
  return SKIPPABLE.has(type) && GONE.test(reason);
}

function failed(resources: readonly StackResource[], status: string): StackResource[] {
  return resources.filter((resource) => resource.status === status);
}

function heldBy(resources: readonly StackResource[]): string {
  return resources.length === 0
    ? ''
    : ` at ${resources.map(({ type, resource, reason }) => `${type} ${resource} (${reason || 'no reason given'})`).join(', ')}`;
}

function eventsOf(name: string): string {
  return `aws cloudformation describe-stack-events --stack-name ${name}`;
}

function deleteCommand(name: string, held: readonly StackResource[]): string {
  const retain = held.length === 0 ? '' : ` --retain-resources ${held.map(({ resource }) => resource).join(' ')}`;
  return `aws cloudformation delete-stack --stack-name ${name}${retain}`;
}

export type DeletionDecision =
  | { readonly act: 'wait'; readonly reason: string }
  | { readonly act: 'delete'; readonly retain: readonly StackResource[] }
  | { readonly act: 'fail'; readonly reason: string; readonly first: string };

/** Plain tries of one execution before what holds a stack is left behind: it may be about to go. */
const PLAIN_TRIES = 2;

/**
 * Deleting one stack of a cluster that is to go. What can't be deleted is left behind at the third try, so that all else
 * goes; the caller must name it in the report. @param asked how often this execution has asked for it
 */
export function decideDeletion(stack: StackState, asked: number, resources: readonly StackResource[]): DeletionDecision {
  if (isBusy(stack)) return { act: 'wait', reason: `stack ${stack.name} is ${stack.status}` };
  if (asked < PLAIN_TRIES) return { act: 'delete', retain: [] };
  const held = failed(resources, 'DELETE_FAILED');
  if (asked === PLAIN_TRIES && held.length > 0) return { act: 'delete', retain: held };
  return { act: 'fail', reason: `stack ${stack.name} can't be deleted${heldBy(held)}`, first: deleteCommand(stack.name, held) };
}

/** Order in which a cluster's stacks are deleted: what stands on others first. */
export function deletionOrder(stacks: readonly StackState[]): StackState[] {
  const rank = (role: string): number => (role.startsWith('pool-') ? 0 : role === 'control-plane' ? 1 : role === 'etcd' ? 2 : 3);
  const ranked = stacks.map((stack) => ({ stack, rank: rank(stack.tags['sluice:role'] ?? '') }));
  const first = Math.min(...ranked.map((entry) => entry.rank));
  return ranked.filter((entry) => entry.rank === first).map((entry) => entry.stack);
}

/** Nothing that CloudFormation does to a stack of a cluster takes nearly as many minutes; whoever changes it, something is wrong. */
export const BUSY_MINUTES = 120;

/** Seconds until the next look at stacks that are being changed. @param busy since when each is, by its name */
export function stackPace(busy: Readonly<Record<string, string>>, now: Date): number {
  const [since] = Object.values(busy).sort();
  return paced(since === undefined ? now : new Date(since), now);
}
