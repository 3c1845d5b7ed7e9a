/** A call of an intrinsic function or one of its arguments. */
export type Expression =
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null };

const TOKEN =
  /\s*(?:(?<string>'(?:[^'\\]|\\.)*')|(?<number>-?\d+(?:\.\d+)?)|(?<word>true|false|null)\b|(?<name>States\.[A-Za-z0-9]+)|(?<path>\${1,2}(?:[.\w-]|\[[^\]]*\])*)|(?<mark>[(),]))/uy;

interface Token {
  readonly kind: 'string' | 'number' | 'word' | 'name' | 'path' | 'mark';
  readonly text: string;
}

/** Parses `States.Format('a-{}', $.b)`. @throws Error for malformed text, or more than ten calls nested in each other */
export function parseIntrinsic(text: string): Expression {
  const tokens = tokenize(text);
  const parsed = expression(tokens, 0, text, 1);
  if (parsed.next !== tokens.length || parsed.expression.kind !== 'call') throw new Error(`malformed intrinsic function: ${text}`);
  return parsed.expression;
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const groups = TOKEN.exec(text)?.groups;
    const entry = Object.entries(groups ?? {}).find(([, value]) => value !== undefined);
    if (entry === undefined) throw new Error(`malformed intrinsic function: ${text}`);
    tokens.push({ kind: entry[0] as Token['kind'], text: entry[1] ?? '' });
  }
  return tokens;
}

interface Parsed {
  readonly expression: Expression;
  readonly next: number;
}

function expression(tokens: readonly Token[], at: number, text: string, depth: number): Parsed {
  const token = tokens[at];
  switch (token?.kind) {
    case 'name':
      if (depth > 10) throw new Error(`intrinsic functions are nested at most ten deep: ${text}`);
      return call(tokens, at, text, depth);
    case 'string':
      // `\{` and `\}` stay: States.Format tells them from a placeholder.
      return literal(token.text.slice(1, -1).replace(/\\(['\\])/g, '$1'), at);
    case 'number':
      return literal(Number(token.text), at);
    case 'word':
      return literal(JSON.parse(token.text) as boolean | null, at);
    case 'path':
      return { expression: { kind: 'path', path: token.text }, next: at + 1 };
    default:
      throw new Error(`malformed intrinsic function: ${text}`);
  }
}

function literal(value: string | number | boolean | null, at: number): Parsed {
  return { expression: { kind: 'literal', value }, next: at + 1 };
}

function call(tokens: readonly Token[], at: number, text: string, depth: number): Parsed {
  const name = tokens[at]?.text ?? '';
  const args: Expression[] = [];
  let next = at + 1;
  if (tokens[next]?.text !== '(') throw new Error(`malformed intrinsic function: ${text}`);
  next += 1;
  while (tokens[next]?.text !== ')' || tokens[next]?.kind !== 'mark') {
    const argument = expression(tokens, next, text, depth + 1);
    args.push(argument.expression);
    next = argument.next;
    if (tokens[next]?.text === ',') next += 1;
    else if (tokens[next]?.text !== ')') throw new Error(`malformed intrinsic function: ${text}`);
  }
  return { expression: { kind: 'call', name, args }, next: next + 1 };
}
