import { etcdSeats } from '../network.ts';
import type { Template } from '../template.ts';
import { isMapping, valueAt } from './values.ts';

/** What Sluice passes to a production cluster's templates (domain/render.ts), as far as conditions ask for it. */
const PARAMETERS: Readonly<Record<string, string>> = {
  Environment: 'production',
  EtcdMembers: String(etcdSeats({ environment: 'production' }).length),
};

/** A condition that names itself through others this often is taken as unknown. */
const DEEPEST = 20;

/**
 * Whether a condition of a template holds for production clusters: Equals, Not, And, Or and Condition over parameters that
 * are the same for all of them. Undefined: it depends on something else, such as a pool's market.
 */
export function holdsInProduction(template: Template, name: string, depth = 0): boolean | undefined {
  if (depth > DEEPEST) return undefined;
  return truthOf(template, valueAt(template.body, ['Conditions', name]), depth);
}

/** A value as production clusters have it: each `!If` replaced by its branch. What can't be told stays as it is. */
export function inProduction(template: Template, value: unknown, depth = 0): unknown {
  const branches = isMapping(value) ? value['Fn::If'] : undefined;
  if (!Array.isArray(branches) || typeof branches[0] !== 'string' || depth > DEEPEST) return value;
  const holds = holdsInProduction(template, branches[0]);
  return holds === undefined ? value : inProduction(template, holds ? branches[1] : branches[2], depth + 1);
}

function truthOf(template: Template, expression: unknown, depth: number): boolean | undefined {
  if (!isMapping(expression)) return undefined;
  const [operator, operands] = Object.entries(expression)[0] ?? [];
  if (operator === 'Condition') return typeof operands === 'string' ? holdsInProduction(template, operands, depth + 1) : undefined;
  if (!Array.isArray(operands)) return undefined;
  if (operator === 'Fn::Equals') return equal(constantOf(operands[0]), constantOf(operands[1]));
  if (depth > DEEPEST) return undefined;
  const truths = operands.map((operand) => truthOf(template, operand, depth + 1));
  if (operator === 'Fn::Not') return truths[0] === undefined ? undefined : !truths[0];
  if (operator === 'Fn::And') return truths.includes(false) ? false : truths.includes(undefined) ? undefined : true;
  if (operator === 'Fn::Or') return truths.includes(true) ? true : truths.includes(undefined) ? undefined : false;
  return undefined;
}

function equal(left: string | undefined, right: string | undefined): boolean | undefined {
  return left === undefined || right === undefined ? undefined : left === right;
}

/** A text, number or truth as CloudFormation compares it; of a parameter what production clusters get. */
function constantOf(operand: unknown): string | undefined {
  if (typeof operand === 'string' || typeof operand === 'number' || typeof operand === 'boolean') return String(operand);
  const name = valueAt(operand, ['Ref']);
  return typeof name === 'string' && Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined;
}
