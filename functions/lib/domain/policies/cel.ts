import { didYouMean, suggest } from '../suggest.ts';
import { VARIABLE } from '../variables.ts';
import { shorten } from '../yaml-parse.ts';
import { type CelProblem, type Token, tokensOf } from './cel-tokens.ts';

/** What an expression may name. */
export interface CelNames {
  readonly variables: readonly string[];
  /** What there is behind `variables.`; undefined when expressions have no such variable here. */
  readonly composed: readonly string[] | undefined;
}

/** cel-go's own limit (`MaxRecursionDepth` of its parser). */
const DEEPEST = 250;

/** Types, and the packages that their names and those of functions begin with. Nothing is told of a name in here. */
const TYPES = [
  ...['bool', 'bytes', 'double', 'int', 'uint', 'string', 'list', 'map', 'null_type', 'type', 'dyn', 'optional_type'],
  ...['google', 'cel', 'kubernetes', 'net', 'optional', 'strings', 'sets', 'lists', 'math', 'regex', 'base64', 'json', 'jsonpatch'],
  ...['ip', 'cidr', 'url', 'format', 'quantity', 'semver', 'timestamp', 'duration', 'JSONPatch', 'Object'],
];

/** Stands in a text for a variable of Sluice's; nowhere else a character of CEL. */
const FILLED = '\0';
/** A macro declares one name, or a key and a value. */
const MOST_DECLARED = 2;

/** Variables that an expression elsewhere has: here, where they are none, they are nothing else either. */
const ELSEWHERE = ['authorizer', 'variables', 'params'];

/** One expression that is read, token by token. */
interface Reading {
  readonly tokens: readonly Token[];
  readonly names: CelNames;
  index: number;
  depth: number;
  /** The first name that nothing declares. */
  unknown: CelProblem | undefined;
}

/** Names that macros (`all`, `map`, ...) declare for what stands behind them. */
type Scope = readonly string[];

class CelError extends Error {
  readonly problem: CelProblem;

  constructor(problem: CelProblem) {
    super(problem.message);
    this.name = 'CelError';
    this.problem = problem;
  }
}

/**
 * What is wrong with the syntax of a CEL expression, or the first variable that nothing declares; undefined when neither.
 * Types, functions and costs are not looked at: only the API server knows those of its version. What it takes passes.
 */
export function celProblem(text: string, names: CelNames): CelProblem | undefined {
  const filled = text.replace(VARIABLE, (whole) => FILLED.repeat(whole.length));
  const tokens = tokensOf(filled);
  // What a variable of Sluice's makes of an expression, outside of a text in quotes, is not known here.
  if ('message' in tokens) return filled === text ? tokens : undefined;
  const reading: Reading = { tokens, names, index: 0, depth: 0, unknown: undefined };
  try {
    readExpression(reading, []);
    if (current(reading).kind !== 'end') fail(reading, 'an operator or the end');
  } catch (error) {
    if (error instanceof CelError) return error.problem;
    throw error;
  }
  return reading.unknown;
}

function current({ tokens, index }: Reading): Token {
  return tokens[index] ?? { kind: 'end', text: '', offset: 0 };
}

/** Takes the next token when it is one of these symbols. */
function take(reading: Reading, ...symbols: readonly string[]): string | undefined {
  const { kind, text } = current(reading);
  if ((kind !== 'symbol' && text !== 'in') || !symbols.includes(text)) return undefined;
  reading.index += 1;
  return text;
}

function expect(reading: Reading, symbol: string): void {
  if (take(reading, symbol) === undefined) fail(reading, symbol);
}

function fail(reading: Reading, wanted: string): never {
  const { kind, text, offset } = current(reading);
  throw new CelError({ offset, message: `${wanted} is missing before ${kind === 'end' ? 'the end' : shorten(text)}.` });
}

function readExpression(reading: Reading, scope: Scope): void {
  reading.depth += 1;
  if (reading.depth > DEEPEST) throw new CelError({ offset: current(reading).offset, message: `it is nested more than ${DEEPEST} times.` });
  readOperands(reading, scope);
  if (take(reading, '?') !== undefined) {
    readOperands(reading, scope);
    expect(reading, ':');
    readExpression(reading, scope);
  }
  reading.depth -= 1;
}

const BINARY = ['||', '&&', '<', '<=', '>=', '>', '==', '!=', 'in', '*', '/', '%', '+', '-'];

/** Operands and what stands between them; which operator binds closer makes no expression wrong. */
function readOperands(reading: Reading, scope: Scope): void {
  do {
    while (take(reading, '!', '-') !== undefined);
    readMember(reading, scope);
  } while (take(reading, ...BINARY) !== undefined);
}

function readMember(reading: Reading, scope: Scope): void {
  readPrimary(reading, scope);
  for (;;) {
    if (take(reading, '.') !== undefined) {
      const optional = take(reading, '?') !== undefined;
      const { kind } = current(reading);
      if (kind !== 'name' && kind !== 'quoted-name') fail(reading, 'a name');
      reading.index += 1;
      if (kind === 'name' && !optional && take(reading, '(') !== undefined) readMacro(reading, scope);
    } else if (take(reading, '[') !== undefined) {
      take(reading, '?');
      readExpression(reading, scope);
      expect(reading, ']');
    } else return;
  }
}

/** After the opening bracket. */
function readArguments(reading: Reading, scope: Scope): void {
  if (take(reading, ')') !== undefined) return;
  do readExpression(reading, scope);
  while (take(reading, ',') !== undefined);
  expect(reading, ')');
}

/** As readArguments; names alone at the begin of several arguments are those that a macro declares. */
function readMacro(reading: Reading, scope: Scope): void {
  const declared: string[] = [];
  while (declared.length < MOST_DECLARED && current(reading).kind === 'name' && reading.tokens[reading.index + 1]?.text === ',') {
    declared.push(current(reading).text);
    reading.index += 2;
  }
  if (declared.length === 0) readArguments(reading, scope);
  else {
    do readExpression(reading, [...scope, ...declared]);
    while (take(reading, ',') !== undefined);
    expect(reading, ')');
  }
}

function readPrimary(reading: Reading, scope: Scope): void {
  const { kind } = current(reading);
  if (kind === 'number' || kind === 'string') reading.index += 1;
  else if (take(reading, '(') !== undefined) {
    readExpression(reading, scope);
    expect(reading, ')');
  } else if (take(reading, '[') !== undefined) readList(reading, scope);
  else if (take(reading, '{') !== undefined) readEntries(reading, scope, false);
  else {
    take(reading, '.');
    readName(reading, scope);
  }
}

function readList(reading: Reading, scope: Scope): void {
  while (take(reading, ']') === undefined) {
    take(reading, '?');
    readExpression(reading, scope);
    if (take(reading, ',') !== undefined) continue;
    expect(reading, ']');
    return;
  }
}

/** Of a map or a message, after its opening brace. A message has the names of fields for keys. */
function readEntries(reading: Reading, scope: Scope, ofMessage: boolean): void {
  while (take(reading, '}') === undefined) {
    take(reading, '?');
    if (ofMessage && ['name', 'quoted-name'].includes(current(reading).kind)) reading.index += 1;
    else readExpression(reading, scope);
    expect(reading, ':');
    readExpression(reading, scope);
    if (take(reading, ',') !== undefined) continue;
    expect(reading, '}');
    return;
  }
}

const CONSTANTS = ['true', 'false', 'null'];

function readName(reading: Reading, scope: Scope): void {
  const name = current(reading);
  if (name.kind !== 'name' || name.text === 'in') fail(reading, 'a value');
  reading.index += 1;
  if (take(reading, '(') !== undefined) readArguments(reading, scope);
  else if (isMessage(reading)) readEntries(reading, scope, true);
  else if (!CONSTANTS.includes(name.text) && !scope.includes(name.text)) reading.unknown ??= unknownName(reading, name);
}

/** `a.b.C{field: 1}`, after the first name: steps over the others and the brace. */
function isMessage(reading: Reading): boolean {
  const { tokens } = reading;
  let end = reading.index;
  while (tokens[end]?.text === '.' && tokens[end + 1]?.kind === 'name') end += 2;
  if (tokens[end]?.text !== '{') return false;
  reading.index = end + 1;
  return true;
}

/** After a name that is no function: the problem when nothing declares it, or nothing what stands behind `variables.`. */
function unknownName({ tokens, index, names: { variables, composed } }: Reading, name: Token): CelProblem | undefined {
  const [dot, member, bracket] = tokens.slice(index, index + 3);
  const isCall = dot?.text === '.' && member?.kind === 'name' && bracket?.text === '(';
  if (variables.includes(name.text)) {
    if (name.text !== 'variables' || composed === undefined) return undefined;
    if (dot?.text !== '.' || member?.kind !== 'name' || isCall || composed.includes(member.text)) return undefined;
    return { offset: member.offset, message: `no variable ${member.text} is declared before.${didYouMean(member.text, composed)}` };
  }
  if (TYPES.includes(name.text)) return undefined;
  // It may be the package of a function that a newer API server has.
  if (isCall && !ELSEWHERE.includes(name.text) && suggest(name.text, variables) === undefined) return undefined;
  const hint = didYouMean(name.text, variables) || ` There are ${variables.join(', ')}.`;
  return { offset: name.offset, message: `nothing declares ${name.text}.${hint}` };
}
