import type { Template } from './template.ts';

/** A resource as one stack gets it: parameters, conditions and mappings put in, other references left. */
export interface ResolvedResource {
  readonly Type: string;
  readonly Properties?: unknown;
  readonly [key: string]: unknown;
}

interface Scope {
  readonly template: Template;
  readonly parameters: Readonly<Record<string, string>>;
  readonly conditions: Map<string, boolean | undefined>;
}

const NO_VALUE = Symbol('AWS::NoValue');

/** The resources of a template with these parameters; those whose condition is false are left out. */
export function resolveResources(template: Template, parameters: Readonly<Record<string, string>>): Map<string, ResolvedResource> {
  const scope: Scope = { template, parameters, conditions: new Map() };
  const resources = new Map<string, ResolvedResource>();
  for (const [name, resource] of Object.entries(template.body.Resources)) {
    const condition = resource['Condition'];
    if (typeof condition === 'string' && conditionOf(condition, scope) === false) continue;
    const { Condition: _condition, ...rest } = resource;
    const resolved = resolve(rest, scope);
    if (isRecord(resolved)) resources.set(name, { ...resolved, Type: resource.Type });
  }
  return resources;
}

function resolve(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) return value.map((entry) => resolve(entry, scope)).filter((entry) => entry !== NO_VALUE);
  if (!isRecord(value)) return value;
  const [key, ...more] = Object.keys(value);
  const known = key === undefined || more.length > 0 ? undefined : intrinsic(key, value[key], scope);
  if (known !== undefined) return known.value;
  const entries = Object.entries(value).map(([name, entry]): [string, unknown] => [name, resolve(entry, scope)]);
  return Object.fromEntries(entries.filter(([, entry]) => entry !== NO_VALUE));
}

/** Value of an intrinsic function that is known before anything exists; undefined for what is left as it is. */
function intrinsic(key: string, argument: unknown, scope: Scope): { readonly value: unknown } | undefined {
  if (key === 'Ref' && argument === 'AWS::NoValue') return { value: NO_VALUE };
  if (key === 'Ref' && typeof argument === 'string' && Object.hasOwn(scope.parameters, argument))
    return { value: scope.parameters[argument] };
  if (key === 'Fn::Sub') return { value: substituted(argument, scope) };
  if (key === 'Fn::If' && Array.isArray(argument)) {
    const chosen = conditionOf(String(argument[0]), scope);
    return chosen === undefined ? undefined : { value: resolve(argument[chosen ? 1 : 2], scope) };
  }
  if (key === 'Fn::FindInMap' && Array.isArray(argument)) {
    const [map, first, second] = argument.map((part) => resolve(part, scope));
    const found = at(at(scope.template.body.Mappings?.[String(map)], first), second);
    return found === undefined ? undefined : { value: found };
  }
  return undefined;
}

function substituted(argument: unknown, scope: Scope): unknown {
  const text: unknown = Array.isArray(argument) ? argument[0] : argument;
  const own = Array.isArray(argument) && isRecord(argument[1]) ? argument[1] : {};
  if (typeof text !== 'string') return { 'Fn::Sub': resolve(argument, scope) };
  // An opening without its end takes all that follows, once: else each opening would look through all of it.
  const put = text.replace(/\$\{([^!}][^}]*)(\}?)/g, (whole, name: string, end: string) => {
    if (end === '') return whole;
    const trimmed = name.trim();
    const value = Object.hasOwn(own, trimmed) ? resolve(own[trimmed], scope) : scope.parameters[trimmed];
    return typeof value === 'string' ? value : whole;
  });
  // What is left refers to resources; the list of own variables stays, for what of it could not be put in.
  return put.includes('${') ? { 'Fn::Sub': Object.keys(own).length === 0 ? put : [put, resolve(own, scope)] } : put;
}

/** undefined when it can't be known here. */
function conditionOf(name: string, scope: Scope): boolean | undefined {
  if (scope.conditions.has(name)) return scope.conditions.get(name);
  scope.conditions.set(name, undefined);
  const value = truth(scope.template.body.Conditions?.[name], scope);
  scope.conditions.set(name, value);
  return value;
}

function truth(value: unknown, scope: Scope): boolean | undefined {
  if (!isRecord(value)) return undefined;
  const named = value['Condition'];
  if (typeof named === 'string') return conditionOf(named, scope);
  const parts = (key: string): unknown[] | undefined => (Array.isArray(value[key]) ? value[key] : undefined);
  const equals = parts('Fn::Equals')?.map((part) => resolve(part, scope));
  if (equals !== undefined) return equals.every((part) => typeof part === 'string') ? equals[0] === equals[1] : undefined;
  const not = parts('Fn::Not');
  if (not !== undefined) return negated(truth(not[0], scope));
  const and = parts('Fn::And')?.map((part) => truth(part, scope));
  if (and !== undefined) return every(and);
  const or = parts('Fn::Or')?.map((part) => truth(part, scope));
  return or === undefined ? undefined : negated(every(or.map(negated)));
}

function negated(value: boolean | undefined): boolean | undefined {
  return value === undefined ? undefined : !value;
}

function every(values: readonly (boolean | undefined)[]): boolean | undefined {
  if (values.includes(false)) return false;
  return values.includes(undefined) ? undefined : true;
}

function at(value: unknown, key: unknown): unknown {
  return isRecord(value) && typeof key === 'string' && Object.hasOwn(value, key) ? value[key] : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
