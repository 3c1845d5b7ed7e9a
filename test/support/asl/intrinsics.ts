import { createHash } from 'node:crypto';
import { AslError } from './errors.ts';
import { type Expression, parseIntrinsic } from './intrinsic-parse.ts';
import { requirePath } from './paths.ts';

/**
 * Evaluates an intrinsic function on the data and context object.
 * @throws AslError States.IntrinsicFailure for arguments that the function refuses, States.Runtime for a missing path
 */
export function evaluateIntrinsic(text: string, data: unknown, context: unknown, field: string): unknown {
  return evaluate(parseIntrinsic(text), data, context, field, text);
}

function evaluate(expression: Expression, data: unknown, context: unknown, field: string, text: string): unknown {
  if (expression.kind === 'literal') return expression.value;
  if (expression.kind === 'path') return requirePath(expression.path, data, context, field);
  const run = FUNCTIONS[expression.name];
  if (run === undefined) throw new Error(`the interpreter has no intrinsic function ${expression.name}`);
  const args = expression.args.map((argument) => evaluate(argument, data, context, field, text));
  const fail = (reason: string): AslError =>
    new AslError('States.IntrinsicFailure', `The function '${text}' had the following error: ${reason}`);
  return run(args, fail);
}

type Run = (args: readonly unknown[], fail: (reason: string) => AslError) => unknown;

const FUNCTIONS: Readonly<Record<string, Run>> = {
  'States.Format': format,
  'States.StringToJson': ([text], fail) => {
    try {
      return JSON.parse(string(text, fail));
    } catch {
      throw fail(`not JSON: ${String(text).slice(0, 200)}`);
    }
  },
  'States.JsonToString': ([value]) => JSON.stringify(value),
  'States.Array': (args) => [...args],
  'States.ArrayLength': ([value], fail) => list(value, fail).length,
  'States.ArrayContains': ([value, wanted], fail) => list(value, fail).some((item) => JSON.stringify(item) === JSON.stringify(wanted)),
  'States.ArrayGetItem': ([value, index], fail) => {
    const items = list(value, fail);
    const at = integer(index, fail);
    if (at < 0 || at >= items.length) throw fail('the index is out of range');
    return items[at];
  },
  'States.ArrayRange': ([from, to, by], fail) => range(integer(from, fail), integer(to, fail), integer(by, fail), fail),
  'States.ArrayUnique': ([value], fail) => [...new Map(list(value, fail).map((item) => [JSON.stringify(item), item])).values()],
  'States.ArrayPartition': ([value, size], fail) => {
    const each = integer(size, fail);
    if (each < 1) throw fail('the size of a part is at least 1');
    const items = list(value, fail);
    return Array.from({ length: Math.ceil(items.length / each) }, (_, index) => items.slice(index * each, (index + 1) * each));
  },
  'States.MathAdd': ([left, right], fail) => integer(left, fail) + integer(right, fail),
  'States.JsonMerge': ([left, right, deep], fail) => {
    if (deep !== false) throw fail('only the shallow merge (false) is supported');
    return { ...object(left, fail), ...object(right, fail) };
  },
  'States.Hash': ([value, algorithm], fail) => {
    const known = ['MD5', 'SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'];
    if (!known.includes(String(algorithm))) throw fail(`the algorithm is one of ${known.join(', ')}`);
    const data = typeof value === 'string' ? value : JSON.stringify(value);
    if (data.length > 10_000) throw fail('at most 10,000 characters can be hashed');
    return createHash(String(algorithm).toLowerCase().replace('-', '')).update(data).digest('hex');
  },
  'States.Base64Encode': ([value], fail) => Buffer.from(bounded(value, fail)).toString('base64'),
  'States.Base64Decode': ([value], fail) => Buffer.from(bounded(value, fail), 'base64').toString(),
  'States.StringSplit': ([value, separators], fail) => {
    const marks = string(separators, fail).replace(/[\\\]^-]/g, '\\$&');
    return string(value, fail)
      .split(new RegExp(`[${marks}]`, 'u'))
      .filter((part) => part !== '');
  },
};

function format(args: readonly unknown[], fail: (reason: string) => AslError): string {
  const [template, ...values] = args;
  let used = 0;
  const text = string(template, fail).replace(/\\([{}])|\{\}/g, (_, escaped: string | undefined) => {
    if (escaped !== undefined) return escaped;
    if (used >= values.length) throw fail('there are more placeholders than values');
    const value = values[used++];
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
  if (used !== values.length) throw fail('there are more values than placeholders');
  return text;
}

function range(from: number, to: number, by: number, fail: (reason: string) => AslError): number[] {
  if (by === 0) throw fail('the step is not 0');
  const length = Math.max(0, Math.floor((to - from) / by) + 1);
  if (length > 1000) throw fail('a range has at most 1,000 items');
  return Array.from({ length }, (_, index) => from + index * by);
}

function string(value: unknown, fail: (reason: string) => AslError): string {
  if (typeof value !== 'string') throw fail(`not a string: ${JSON.stringify(value)}`);
  return value;
}

function bounded(value: unknown, fail: (reason: string) => AslError): string {
  const text = string(value, fail);
  if (text.length > 10_000) throw fail('at most 10,000 characters');
  return text;
}

function integer(value: unknown, fail: (reason: string) => AslError): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw fail(`not an integer: ${JSON.stringify(value)}`);
  return value;
}

function list(value: unknown, fail: (reason: string) => AslError): readonly unknown[] {
  if (!Array.isArray(value)) throw fail(`not an array: ${JSON.stringify(value)}`);
  return value;
}

function object(value: unknown, fail: (reason: string) => AslError): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fail(`not an object: ${JSON.stringify(value)}`);
  return value;
}
