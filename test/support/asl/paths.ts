import { AslError } from './errors.ts';

type Selector =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'slice'; readonly from: number | undefined; readonly to: number | undefined }
  | { readonly kind: 'all' };

export interface ParsedPath {
  readonly context: boolean;
  readonly selectors: readonly Selector[];
}

/** What a path found; `definite` false when it may select several values, which then come as a list. */
export type Found = { readonly found: true; readonly value: unknown } | { readonly found: false };

const STEP = /\.([\p{L}_][\p{L}\p{N}_-]*)|\.\*|\[\*\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]|\[(-?\d+)\]|\[(-?\d*):(-?\d*)\]/uy;

/** Parses `$...` or `$$...`. Filters, `..` and functions are not run by this interpreter. @throws Error for a malformed path */
export function parsePath(path: string): ParsedPath {
  if (!path.startsWith('$')) throw new Error(`not a path: ${path}`);
  const context = path.startsWith('$$');
  const selectors: Selector[] = [];
  STEP.lastIndex = context ? 2 : 1;
  while (STEP.lastIndex < path.length) {
    const at = STEP.lastIndex;
    const match = STEP.exec(path);
    if (match === null) throw new Error(`malformed or unsupported path ${path} at character ${at + 1}`);
    selectors.push(selectorOf(match));
  }
  return { context, selectors };
}

function selectorOf(match: RegExpExecArray): Selector {
  const name = match[1] ?? unquote(match[2] ?? match[3]);
  if (name !== undefined) return { kind: 'name', name };
  if (match[4] !== undefined) return { kind: 'index', index: Number(match[4]) };
  if (match[5] === undefined) return { kind: 'all' };
  return { kind: 'slice', from: bound(match[5]), to: bound(match[6]) };
}

function unquote(quoted: string | undefined): string | undefined {
  return quoted?.replace(/\\(.)/g, '$1');
}

function bound(text: string | undefined): number | undefined {
  return text === undefined || text === '' ? undefined : Number(text);
}

/** Reads a path in the data or, for `$$`, in the context object. @throws Error for a malformed path */
export function readPath(path: string, data: unknown, context: unknown): Found {
  const parsed = parsePath(path);
  const definite = parsed.selectors.every(({ kind }) => kind === 'name' || kind === 'index');
  let values: unknown[] = [parsed.context ? context : data];
  for (const selector of parsed.selectors) values = values.flatMap((value) => select(value, selector));
  if (!definite) return { found: true, value: values };
  return values.length === 0 ? { found: false } : { found: true, value: values[0] };
}

function select(value: unknown, selector: Selector): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  switch (selector.kind) {
    case 'name':
      return !Array.isArray(value) && Object.hasOwn(value, selector.name) ? [(value as Record<string, unknown>)[selector.name]] : [];
    case 'index': {
      if (!Array.isArray(value)) return [];
      const index = selector.index < 0 ? value.length + selector.index : selector.index;
      return index >= 0 && index < value.length ? [value[index]] : [];
    }
    case 'slice':
      return Array.isArray(value) ? value.slice(selector.from, selector.to) : [];
    case 'all':
      return Object.values(value);
  }
}

/** As readPath, for a place where a missing value fails the execution. @throws AslError States.Runtime */
export function requirePath(path: string, data: unknown, context: unknown, field: string): unknown {
  const found = readPath(path, data, context);
  if (found.found) return found.value;
  const input = JSON.stringify(path.startsWith('$$') ? context : data)?.slice(0, 2000);
  throw new AslError(
    'States.Runtime',
    `The JSONPath '${path}' specified for the field '${field}' could not be found in the input '${input}'`,
  );
}

/**
 * Puts a result into the raw input at a reference path, as ResultPath does; missing objects on the way are made.
 * @throws AslError States.ResultPathMatchFailure where the input is no object, or the list too short
 */
export function writePath(path: string, input: unknown, result: unknown): unknown {
  const { context, selectors } = parsePath(path);
  if (context) throw new Error(`ResultPath can't write to the context object: ${path}`);
  return put(input, selectors, result, path);
}

function put(target: unknown, selectors: readonly Selector[], result: unknown, path: string): unknown {
  const [first, ...rest] = selectors;
  if (first === undefined) return result;
  if (first.kind === 'name') {
    if (typeof target !== 'object' || target === null || Array.isArray(target)) throw mismatch(path, target);
    const object = target as Record<string, unknown>;
    const inner = Object.hasOwn(object, first.name) ? object[first.name] : {};
    return { ...object, [first.name]: put(inner, rest, result, path) };
  }
  if (first.kind !== 'index' || !Array.isArray(target) || first.index < 0 || first.index >= target.length) throw mismatch(path, target);
  return target.with(first.index, put(target[first.index], rest, result, path));
}

function mismatch(path: string, target: unknown): AslError {
  const input = JSON.stringify(target)?.slice(0, 2000);
  return new AslError('States.ResultPathMatchFailure', `Unable to apply ResultPath '${path}' to input '${input}'`);
}
