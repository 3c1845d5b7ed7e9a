import { type Document, isCollection, isMap, isNode, isScalar, isSeq, LineCounter, parseAllDocuments, type Tags } from 'yaml';
import type { Finding } from '#model/checks.ts';

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

/** Parses all documents of a file. Findings: syntax errors, duplicate keys, unknown tags, each at its line. */
export function parseYaml(path: string, text: string, customTags?: Tags): Parsed<YamlSource> {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, ...(customTags === undefined ? {} : { customTags }) });
  const documents = 'empty' in parsed ? [] : parsed;
  const problems = documents.flatMap((document) => [...document.errors, ...document.warnings]);
  if (problems.length === 0) return { value: { path, text, documents, lines }, findings: [] };
  return {
    findings: problems.map((problem) =>
      findingAt(path, placeOfOffset(lines, problem.pos[0]), 'yaml', `The YAML can't be read: ${problem.message.split('\n')[0] ?? ''}`),
    ),
  };
}

/** A document as plain data; a file whose aliases explode is a finding. */
export function plainValue(source: YamlSource, document = 0): Parsed<unknown> {
  try {
    return { value: source.documents[document]?.toJS({ maxAliasCount: MAX_ALIASES }), findings: [] };
  } catch (error) {
    const message = `The YAML can't be read: ${error instanceof Error ? error.message : String(error)}`;
    return { findings: [findingAt(source.path, { line: 1, column: 1 }, 'yaml', message)] };
  }
}

/** Where a value stands, or the nearest value around it that exists. */
export function placeOf(source: YamlSource, path: ValuePath, document = 0): Place {
  let node: unknown = source.documents[document]?.contents;
  let place = placeOfNode(source, node);
  for (const key of path) {
    const next = step(source, node, key);
    if (next === undefined) return place;
    ({ node, place } = next);
  }
  return place;
}

/** A failure at a place. */
export function findingAt(path: string, place: Place, rule: string, message: string, level: Finding['level'] = 'failure'): Finding {
  return { rule, level, path, line: place.line, column: place.column, message };
}

/** Line and column (both from 1) of an offset into the text. */
export function placeOfOffset(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
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
