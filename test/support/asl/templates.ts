import type { State } from './definition.ts';
import { AslError } from './errors.ts';
import { evaluateIntrinsic } from './intrinsics.ts';
import { requirePath, writePath } from './paths.ts';

/**
 * Fills a payload template (Parameters, ResultSelector, ItemSelector): each `name.$` is a path or an intrinsic function.
 * @throws AslError States.Runtime for a missing path, States.IntrinsicFailure
 */
export function fillTemplate(template: unknown, data: unknown, context: unknown): unknown {
  if (Array.isArray(template)) return template.map((item) => fillTemplate(item, data, context));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(
    Object.entries(template).map(([key, value]) =>
      key.endsWith('.$') ? [key.slice(0, -2), resolve(value, data, context, key)] : [key, fillTemplate(value, data, context)],
    ),
  );
}

/** A path or an intrinsic function, wherever a field takes both. @throws AslError */
export function resolve(expression: unknown, data: unknown, context: unknown, field: string): unknown {
  if (typeof expression !== 'string') throw new Error(`${field} must be a path or an intrinsic function`);
  if (expression.startsWith('$')) return requirePath(expression, data, context, field);
  if (expression.startsWith('States.')) return evaluateIntrinsic(expression, data, context, field);
  throw new Error(`${field}: ${expression} is neither a path nor an intrinsic function`);
}

/** InputPath or OutputPath: `null` is an empty object, absent is all. @throws AslError States.Runtime */
export function applyPath(path: string | null | undefined, data: unknown, context: unknown, field: 'InputPath' | 'OutputPath'): unknown {
  if (path === undefined) return data;
  if (path === null) return {};
  return requirePath(path, data, context, field);
}

/** ResultPath: `null` throws the result away, absent replaces the input. @throws AslError States.ResultPathMatchFailure */
export function applyResultPath(path: string | null | undefined, input: unknown, result: unknown): unknown {
  if (path === null) return input;
  return path === undefined ? result : writePath(path, input, result);
}

/** Number from a field or its Path twin; undefined when the state has neither. @throws AslError States.Runtime when it is no whole number of seconds */
export function secondsOf(
  state: State,
  field: 'TimeoutSeconds' | 'HeartbeatSeconds' | 'Seconds' | 'MaxConcurrency',
  data: unknown,
  context: unknown,
): number | undefined {
  const path = state[`${field}Path`];
  const value = path === undefined ? state[field] : requirePath(path, data, context, `${field}Path`);
  if (value === undefined) return undefined;
  const least = field === 'TimeoutSeconds' || field === 'HeartbeatSeconds' ? 1 : 0;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= 99_999_999) return value;
  throw new AslError('States.Runtime', `${field}: ${JSON.stringify(value)} is no whole number from ${least} to 99999999`);
}
