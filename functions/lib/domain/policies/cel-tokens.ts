/** A piece of a CEL expression, where it begins in the text. */
export interface Token {
  readonly kind: 'name' | 'quoted-name' | 'number' | 'string' | 'symbol' | 'end';
  readonly text: string;
  readonly offset: number;
}

/** Where a text stops to be CEL, and why, in a sentence. */
export interface CelProblem {
  readonly offset: number;
  readonly message: string;
}

const SPACE = /(?:[\t\n\f\r ]|\/\/[^\n]*)+/y;
const ESCAPE = String.raw`\\(?:[abfnrtv"'\\?\`]|[0-3][0-7][0-7]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})`;
const RAW = String.raw`[rR](?:"""[^]*?"""|'''[^]*?'''|"[^"\n\r]*"|'[^'\n\r]*')`;
const LONG = String.raw`"""(?:${ESCAPE}|[^\\])*?"""|'''(?:${ESCAPE}|[^\\])*?'''`;
const SHORT = String.raw`"(?:${ESCAPE}|[^"\\\n\r])*"|'(?:${ESCAPE}|[^'\\\n\r])*'`;

/** By the lexical rules of cel-go's grammar; of two that fit, the earlier one is the longer one. */
const TOKENS: readonly (readonly [Token['kind'], RegExp])[] = [
  ['string', new RegExp(`[bB]?(?:${RAW}|${LONG}|${SHORT})`, 'y')],
  ['name', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['number', /0x[0-9a-fA-F]+[uU]?|\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?|\d+[uU]?/y],
  ['quoted-name', /`[A-Za-z0-9_./ -]+`/y],
  ['symbol', /&&|\|\||[=!<>]=|[-+*/%<>!?:.,()[\]{}]/y],
];

/** The tokens of an expression, the last one its end; or the first place that is no token. */
export function tokensOf(text: string): readonly Token[] | CelProblem {
  const tokens: Token[] = [];
  let offset = after(SPACE, text, 0) ?? 0;
  while (offset < text.length) {
    const token = tokenAt(text, offset);
    if (token === undefined) return { offset, message: unreadable(text.slice(offset)) };
    tokens.push(token);
    offset += token.text.length;
    offset = after(SPACE, text, offset) ?? offset;
  }
  return [...tokens, { kind: 'end', text: '', offset: text.length }];
}

function tokenAt(text: string, offset: number): Token | undefined {
  for (const [kind, pattern] of TOKENS) {
    const end = after(pattern, text, offset);
    if (end !== undefined) return { kind, text: text.slice(offset, end), offset };
  }
  return undefined;
}

/** Where a pattern ends that begins at this place. */
function after(pattern: RegExp, text: string, offset: number): number | undefined {
  pattern.lastIndex = offset;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

function unreadable(rest: string): string {
  const first = String.fromCodePoint(rest.codePointAt(0) ?? 0);
  if (first === '"' || first === "'") return 'the text has no end here, or an escape that CEL does not know.';
  if (first === '=') return '= is no operator; == compares.';
  return `${first} can't stand here.`;
}
