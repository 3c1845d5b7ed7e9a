import { type Document, isAlias, isCollection, isMap, isNode, isScalar, isSeq, type LineCounter, type Tags } from 'yaml';
import type { Finding } from '#model/checks.ts';
import { parseText, shorten } from './yaml-parse.ts';

/** A parsed YAML file that still knows where each value stands. `path` is relative to the repository. */
export interface YamlSource {
  readonly path: string;
  readonly text: string;
  readonly documents: readonly Document.Parsed[];
  readonly lines: LineCounter;
}

/** Keys and indexes from a document's root to a value. */
export type ValuePath = readonly PropertyKey[];

export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface Parsed<T> {
  readonly value?: T;
  readonly findings: readonly Finding[];
}

/** Aliases are expanded at most this often: a short file must not become a huge value. */
const MAX_ALIASES = 50;
/** Most values of a document once its aliases are expanded. */
const MAX_VALUES = 200_000;

/**
 * Parses all documents of a file. Findings: syntax errors, keys that stand twice, unknown tags, each at its place; a file
 * beyond the bounds of size, nesting and count.
 */
export function parseYaml(path: string, text: string, customTags?: Tags): Parsed<YamlSource> {
  const { documents, lines, problems, beyond } = parseText(text, customTags);
  if (beyond !== undefined) return { findings: [findingAt(path, placeOfOffset(lines, beyond.offset), 'too-large', beyond.message)] };
  if (problems.length === 0) return { value: { path, text, documents, lines }, findings: [] };
  return {
    findings: problems.map(({ offset, message }) =>
      findingAt(path, placeOfOffset(lines, offset), 'yaml', `The YAML can't be read: ${message}`),
    ),
  };
}

/** Parses a file of one document. What comes after its end is a finding: nobody would read it. */
export function parseSingle(path: string, text: string, customTags?: Tags): Parsed<YamlSource> {
  const parsed = parseYaml(path, text, customTags);
  const second = parsed.value?.documents.slice(1).find(({ contents }) => !isScalar(contents) || contents.value !== null);
  if (parsed.value === undefined || second === undefined) return parsed;
  const place = placeOfOffset(parsed.value.lines, second.contents?.range[0] ?? second.range[0]);
  return {
    findings: [findingAt(path, place, 'schema', 'The file has a second document, which nobody reads. Remove it, or the line ---.')],
  };
}

/** A document as plain data; a file whose aliases explode is a finding. */
export function plainValue(source: YamlSource, document = 0): Parsed<unknown> {
  const refuse = (message: string): Parsed<unknown> => ({
    findings: [findingAt(source.path, placeOf(source, [], document), 'yaml', `The YAML can't be read: ${message}`)],
  });
  try {
    const value: unknown = source.documents[document]?.toJS({ maxAliasCount: MAX_ALIASES });
    if (countValues(value, MAX_VALUES) > MAX_VALUES) return refuse(`With its aliases it has more than ${MAX_VALUES} values.`);
    return { value, findings: [] };
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

/** Values inside a value, itself included, at most one more than `limit`. */
function countValues(value: unknown, limit: number): number {
  let count = 0;
  const open: unknown[] = [value];
  while (open.length > 0 && count <= limit) {
    const next = open.pop();
    count += 1;
    if (typeof next === 'object' && next !== null) for (const inner of Object.values(next)) open.push(inner);
  }
  return count;
}

/** Where a value stands, or the nearest value around it that exists. */
export function placeOf(source: YamlSource, path: ValuePath, document = 0): Place {
  let node: unknown = source.documents[document]?.contents;
  let place = placeOfNode(source, node);
  for (const key of path) {
    if (isShortForm(node, key)) continue;
    const next = step(source, resolved(source, node, document), key);
    if (next === undefined) return place;
    ({ node, place } = next);
  }
  return place;
}

/** Whether a function that CloudFormation calls by a key (`Fn::If`) is written as a tag (`!If`), so that there is no key. */
function isShortForm(node: unknown, key: PropertyKey): boolean {
  return typeof key === 'string' && key.startsWith('Fn::') && isNode(node) && node.tag === `!${key.slice('Fn::'.length)}`;
}

/** The scalar at a path as it was read; undefined when there is none. */
export function scalarAt(source: YamlSource, path: ValuePath, document = 0): unknown {
  let node: unknown = source.documents[document]?.contents;
  for (const key of path) node = step(source, resolved(source, node, document), key)?.node;
  const found = resolved(source, node, document);
  return isScalar(found) ? found.value : undefined;
}

/** Longest message, in UTF-16 units; names in it may be of any length. */
const MAX_MESSAGE = 1000;

/** A failure at a place. */
export function findingAt(path: string, place: Place, rule: string, message: string, level: Finding['level'] = 'failure'): Finding {
  return { rule, level, path, line: place.line, column: place.column, message: shorten(message, MAX_MESSAGE).toWellFormed() };
}

/** Line and column (both from 1) of an offset into the text. */
export function placeOfOffset(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** What an alias stands for; its content is in the lines of its anchor. */
function resolved(source: YamlSource, node: unknown, document: number): unknown {
  const around = source.documents[document];
  return isAlias(node) && around !== undefined ? node.resolve(around) : node;
}

function step(source: YamlSource, node: unknown, key: PropertyKey): { node: unknown; place: Place } | undefined {
  if (isMap(node)) {
    const pair = node.items.find((item) => (isScalar(item.key) ? String(item.key.value) : String(item.key)) === String(key));
    // A key's place is what people look for; its value may begin lines below.
    return pair === undefined ? undefined : { node: pair.value, place: placeOfNode(source, pair.key) };
  }
  if (isSeq(node)) {
    const item = node.items[Number(key)];
    return item === undefined ? undefined : { node: item, place: placeOfNode(source, item) };
  }
  return undefined;
}

function placeOfNode(source: YamlSource, node: unknown): Place {
  const range = isNode(node) ? node.range : undefined;
  return range === null || range === undefined ? { line: 1, column: 1 } : placeOfOffset(source.lines, range[0]);
}

/** Each scalar of a document with its text in the file, keys included. */
export function scalarsOf(source: YamlSource, document = 0): { text: string; offset: number; isKey: boolean; value: unknown }[] {
  const found: { text: string; offset: number; isKey: boolean; value: unknown }[] = [];
  const visit = (node: unknown, isKey: boolean): void => {
    if (isScalar(node) && node.range !== null && node.range !== undefined) {
      found.push({ text: source.text.slice(node.range[0], node.range[1]), offset: node.range[0], isKey, value: node.value });
    } else if (isMap(node)) {
      for (const pair of node.items) {
        visit(pair.key, true);
        visit(pair.value, false);
      }
    } else if (isCollection(node)) {
      for (const item of node.items) visit(item, false);
    }
  };
  visit(source.documents[document]?.contents, false);
  return found;
}
