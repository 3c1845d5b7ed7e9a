import type { ChoiceRule, State } from './definition.ts';
import { AslError } from './errors.ts';
import { readPath, requirePath } from './paths.ts';

/** The state that a Choice goes to. @throws AslError States.NoChoiceMatched, States.Runtime when a compared path is missing */
export function choose(state: State, name: string, data: unknown, context: unknown): string {
  const matched = (state.Choices ?? []).find((rule) => holds(rule, data, context));
  const next = matched?.Next ?? (matched === undefined ? state.Default : undefined);
  if (next === undefined)
    throw new AslError('States.NoChoiceMatched', `No choice rule of the state '${name}' matched and it has no Default.`);
  return next;
}

function holds(rule: ChoiceRule, data: unknown, context: unknown): boolean {
  if (rule.And !== undefined) return rule.And.every((inner) => holds(inner, data, context));
  if (rule.Or !== undefined) return rule.Or.some((inner) => holds(inner, data, context));
  if (rule.Not !== undefined) return !holds(rule.Not, data, context);
  const comparison = Object.keys(rule).find((key) => !['Variable', 'Next', 'Comment'].includes(key));
  if (comparison === undefined || rule.Variable === undefined) throw new Error(`a choice rule without comparison: ${JSON.stringify(rule)}`);
  return compare(comparison, rule.Variable, rule[comparison], data, context);
}

function compare(comparison: string, variable: string, operand: unknown, data: unknown, context: unknown): boolean {
  if (comparison === 'IsPresent') return readPath(variable, data, context).found === operand;
  const found = readPath(variable, data, context);
  if (!found.found) {
    throw new AslError('States.Runtime', `Invalid path '${variable}': The choice state's condition path references an invalid value.`);
  }
  const test = TYPE_TESTS[comparison];
  if (test !== undefined) return test(found.value) === operand;
  const byPath = comparison.endsWith('Path');
  const right = byPath ? requirePath(String(operand), data, context, comparison) : operand;
  return compareValues(byPath ? comparison.slice(0, -4) : comparison, found.value, right);
}

const TYPE_TESTS: Readonly<Record<string, (value: unknown) => boolean>> = {
  IsNull: (value) => value === null,
  IsString: (value) => typeof value === 'string',
  IsNumeric: (value) => typeof value === 'number',
  IsBoolean: (value) => typeof value === 'boolean',
  IsTimestamp: (value) => timestamp(value) !== undefined,
};

/** A value of another type than the comparison's never matches. */
function compareValues(comparison: string, left: unknown, right: unknown): boolean {
  if (comparison === 'BooleanEquals') return typeof left === 'boolean' && left === right;
  if (comparison === 'StringMatches') return typeof left === 'string' && typeof right === 'string' && glob(right).test(left);
  const match = /^(String|Numeric|Timestamp)(Equals|LessThan|GreaterThan|LessThanEquals|GreaterThanEquals)$/.exec(comparison);
  if (match === null) throw new Error(`the interpreter has no comparison ${comparison}`);
  const convert = CONVERT[match[1] as keyof typeof CONVERT];
  const [a, b] = [convert(left), convert(right)];
  if (a === undefined || b === undefined) return false;
  const order = match[2] ?? '';
  if (order.endsWith('Equals') && a === b) return true;
  return (order.startsWith('LessThan') && a < b) || (order.startsWith('GreaterThan') && a > b);
}

const CONVERT = {
  String: (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined),
  Numeric: (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined),
  Timestamp: timestamp,
};

/** RFC 3339 as Step Functions takes it: capital T, and Z or an offset. */
function timestamp(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value)) return undefined;
  return Date.parse(value);
}

function glob(pattern: string): RegExp {
  const source = pattern.replace(/\\\*|\*|[.+?^${}()|[\]\\]/g, (part) => (part === '*' ? '.*' : part === '\\*' ? '\\*' : `\\${part}`));
  return new RegExp(`^${source}$`, 's');
}
