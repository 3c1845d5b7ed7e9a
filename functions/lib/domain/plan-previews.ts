import type { GroupPreview, PlanContext, PlanData, StackPreview } from '#model/plan.ts';
import type { ProposedChanges, StackFacts } from '#ports/change-sets.ts';
import { hashOf } from './hash.ts';
import { plainText } from './markdown.ts';
import { outputReferences } from './stack-parameters.ts';

/** Stack statuses in which CloudFormation takes an update (user guide, "Stack status codes"). */
const TAKES_UPDATES = ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE', 'IMPORT_COMPLETE', 'IMPORT_ROLLBACK_COMPLETE'];

/** Groups that CloudFormation is asked about: the most dangerous ones; each costs some calls to an account. */
const MOST_PREVIEWS = 10;

/** Which of the groups whose stacks change CloudFormation is asked about, and how many are left. @param groups in the order of their danger */
export function chosenPreviews<T>(groups: readonly T[]): { readonly asked: readonly T[]; readonly unasked: number } {
  const asked = groups.slice(0, MOST_PREVIEWS);
  return { asked, unasked: groups.length - asked.length };
}

/** Name of a change set that is only read: one for each stack and execution, so that a repeated call finds it. */
export function previewName(stack: string, execution: string): string {
  return `sluice-plan-${hashOf({ stack, execution }).slice(0, 24)}`;
}

/** Why a stack can't be asked for a change set; undefined when it can. */
export function whyNotAsked(stack: StackFacts | undefined): string | undefined {
  if (stack === undefined || stack.status === 'REVIEW_IN_PROGRESS') return 'the stack does not exist yet';
  if (TAKES_UPDATES.includes(stack.status)) return undefined;
  return stack.status.endsWith('_IN_PROGRESS') ? `the stack is being changed (${stack.status})` : `the stack is ${stack.status}`;
}

/** Parameters with outputs of the network stack put in, or the outputs that it lacks. */
export function withOutputs(
  parameters: Readonly<Record<string, string>>,
  outputs: Readonly<Record<string, string>>,
): { readonly parameters: Record<string, string>; readonly missing: readonly string[] } {
  const missing: string[] = [];
  const put = ([name, value]: [string, string]): [string, string] => {
    const references = outputReferences(value);
    if (references.length === 0) return [name, value];
    missing.push(...references.map(({ output }) => output).filter((output) => outputs[output] === undefined));
    return [name, references.map(({ output }) => outputs[output] ?? '').join(',')];
  };
  return { parameters: Object.fromEntries(Object.entries(parameters).map(put)), missing };
}

/** What a change set says of a stack; undefined while it is being made. */
export function previewOf(role: string, proposed: ProposedChanges): StackPreview | undefined {
  const resources = proposed.changes.map((change) => ({ role, ...change }));
  switch (proposed.state) {
    case 'creating':
      return undefined;
    case 'ready':
      return { role, state: 'changes', resources };
    case 'no-changes':
      return { role, state: 'no-changes', resources: [] };
    case 'failed':
      return { role, state: 'refused', reason: proposed.reason ?? 'no reason given', resources: [] };
  }
}

/** The plan's data with what CloudFormation said, or why it could not be asked. */
export function withPreviews(data: PlanData, previews: readonly GroupPreview[], problem?: string): PlanData {
  const context: PlanContext = { ...data.context, previews };
  const { unasked = 0 } = data;
  const asked = data.previews.length;
  const capped = `CloudFormation was asked about the first ${asked} of ${asked + unasked} groups whose stacks change, the most dangerous ones: each costs calls to an account. What is told of the others is by the templates alone.`;
  const note =
    problem === undefined
      ? unasked === 0
        ? []
        : [capped]
      : [`CloudFormation could not be asked what it would replace: ${plainText(problem)}. What is told of it is by the templates alone.`];
  return { ...data, context: { ...context, notes: [...context.notes, ...note] } };
}
