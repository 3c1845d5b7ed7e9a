import { Composer, type Document, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, Parser, type Tags } from 'yaml';
import { MAX_FILE_BYTES } from './file-bounds.ts';

/**
 * Most lexical tokens of a file: time and memory to read YAML grow with them and not with its bytes (about 5 µs and 1 KB
 * each). 25,000 lines of manifests have as many.
 */
const MAX_LEXEMES = 150_000;
/** Deepest nesting; a CRD of the deepest operators has about 60. Recursion over values rests on this bound. */
const MAX_DEPTH = 200;
/** Most documents of a file, and most comments and directives outside of them. */
const MAX_TOP_LEVEL = 10_000;
/** Problems told of a file; after so many it is no YAML at all. */
const MAX_PROBLEMS = 50;

export interface Problem {
  /** Into the text. */
  readonly offset: number;
  readonly message: string;
}

export interface ParsedText {
  readonly documents: readonly Document.Parsed[];
  readonly lines: LineCounter;
  readonly problems: readonly Problem[];
  /** Why the text was not read to its end; then there are no documents. */
  readonly beyond?: Problem;
}

/** Reads YAML within bounds of time and memory, whatever the text is. */
export function parseText(text: string, customTags?: Tags): ParsedText {
  const lines = new LineCounter();
  const bytes = text.length > MAX_FILE_BYTES ? text.length : Buffer.byteLength(text);
  if (bytes > MAX_FILE_BYTES) {
    return none(lines, { offset: 0, message: `The file has ${bytes} bytes, more than ${MAX_FILE_BYTES}. Split it.` });
  }
  const tokens = tokensOf(text, lines);
  if (!Array.isArray(tokens)) return none(lines, tokens);
  // The first is the reason of all that follow.
  const broken = tokens.find((token) => token.type === 'error');
  if (broken !== undefined) return { documents: [], lines, problems: [{ offset: broken.offset, message: shorten(broken.message, 200) }] };
  const composer = new Composer({ prettyErrors: false, uniqueKeys: false, lineCounter: lines, ...(customTags ? { customTags } : {}) });
  const problems: Problem[] = [];
  const stop = new Error('too many problems');
  // The composer keeps all its errors, and more slowly the more there are: they are taken from it as they come.
  Object.assign(composer, {
    onError(source: unknown, _code: string, message: string): void {
      if (problems.length === MAX_PROBLEMS) throw stop;
      problems.push({ offset: offsetOf(source), message: message.split('\n')[0] ?? '' });
    },
  });
  const documents: Document.Parsed[] = [];
  try {
    for (const document of composer.compose(tokens, false, text.length)) documents.push(document);
  } catch (error) {
    // Whatever the text did to the parser, it is no YAML that anything may be made of.
    if (error !== stop) problems.push({ offset: 0, message: error instanceof Error ? error.message : String(error) });
  }
  if (problems.length === 0) for (const document of documents) problems.push(...keyProblems(document).slice(0, MAX_PROBLEMS));
  return { documents, lines, problems: problems.slice(0, MAX_PROBLEMS) };
}

type Token = Parameters<Composer['next']>[0];

/** All tokens of the text, or where and why it is too much. */
function tokensOf(text: string, lines: LineCounter): Token[] | Problem {
  const parser = new Parser(lines.addNewLine);
  const tokens: Token[] = [];
  lines.addNewLine(0);
  let lexemes = 0;
  for (const lexeme of new Lexer().lex(text)) {
    lexemes += 1;
    if (lexemes > MAX_LEXEMES) return { offset: parser.offset, message: 'The file holds too many values from here on. Split it.' };
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (parser.stack.length > MAX_DEPTH)
      return { offset: parser.offset, message: `The values are nested deeper than ${MAX_DEPTH} levels.` };
    if (tokens.length > MAX_TOP_LEVEL) return { offset: parser.offset, message: 'The file has too many documents from here on. Split it.' };
  }
  for (const token of parser.end()) tokens.push(token);
  return tokens;
}

/** Keys that stand twice, keys that are no text, and the one key that JavaScript gives a meaning of its own. */
function keyProblems(document: Document.Parsed): Problem[] {
  const problems: Problem[] = [];
  const visit = (node: unknown): void => {
    if (isSeq(node)) node.items.forEach(visit);
    if (!isMap(node)) return;
    const seen = new Set<string>();
    for (const { key, value } of node.items) {
      const offset = startOf(key) ?? startOf(value) ?? startOf(node) ?? 0;
      if (isScalar(key)) {
        const name = String(key.value);
        if (name === '__proto__') problems.push({ offset, message: 'The key __proto__ is refused.' });
        else if (seen.has(name)) problems.push({ offset, message: `The key ${shorten(name)} stands twice.` });
        seen.add(name);
      } else if (key !== null) {
        problems.push({ offset, message: isAlias(key) ? 'A key can not be an alias.' : 'A key must be plain text.' });
      }
      visit(value);
    }
  };
  visit(document.contents);
  return problems;
}

function startOf(node: unknown): number | undefined {
  const range = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : undefined;
  return range?.[0];
}

function offsetOf(source: unknown): number {
  if (typeof source === 'number') return source;
  if (Array.isArray(source)) return typeof source[0] === 'number' ? source[0] : 0;
  const offset: unknown = typeof source === 'object' && source !== null && 'offset' in source ? source.offset : 0;
  return typeof offset === 'number' ? offset : 0;
}

function none(lines: LineCounter, beyond: Problem): ParsedText {
  return { documents: [], lines, problems: [], beyond };
}

/** Text for a message: what people write is told whole, what nobody writes is cut. */
export function shorten(text: string, length = 80): string {
  // A character of two units is not cut in its middle.
  return text.length <= length ? text : `${text.slice(0, length).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
