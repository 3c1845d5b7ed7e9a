import { isMap, isScalar, isSeq } from 'yaml';
import { canonicalJson } from './hash.ts';
import { placeOf, type ValuePath, type YamlSource } from './yaml-source.ts';

/** Where two values differ first: the path of the value, and the line in it (from 0) when it is a text of several. */
export interface Difference {
  readonly path: ValuePath;
  readonly line: number;
}

/** The first place, in the order of the new value, where two values differ; undefined when they are equal. */
export function firstDifference(before: unknown, after: unknown): Difference | undefined {
  if (canonicalJson(before ?? null) === canonicalJson(after ?? null)) return undefined;
  if (Array.isArray(before) && Array.isArray(after)) {
    const length = Math.max(before.length, after.length);
    for (let index = 0; index < length; index += 1) {
      const inner = firstDifference(before[index], after[index]);
      if (inner !== undefined) return { ...inner, path: [index, ...inner.path] };
    }
  }
  if (isRecord(before) && isRecord(after)) {
    for (const key of new Set([...Object.keys(after), ...Object.keys(before)])) {
      const inner = firstDifference(before[key], after[key]);
      if (inner !== undefined) return { ...inner, path: [key, ...inner.path] };
    }
  }
  const line = typeof before === 'string' && typeof after === 'string' ? lineOfDifference(before, after) - 1 : 0;
  return { path: [], line };
}

/** The first line (from 1) of the new text that differs; its last line when only the end is gone. */
export function lineOfDifference(before: string, after: string): number {
  const [old, now] = [before.split('\n'), after.split('\n')];
  const index = now.findIndex((line, number) => line !== old[number]);
  return index < 0 ? now.length : index + 1;
}

/** Line of a difference in a file. A text in block form (`|`) begins on the line after its mark. */
export function placeOfDifference(source: YamlSource, document: number, { path, line }: Difference): number {
  const place = placeOf(source, path, document);
  const node = nodeAt(source, document, path);
  if (isScalar(node) && (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED') && node.range) {
    return source.lines.linePos(node.range[0]).line + 1 + line;
  }
  return place.line;
}

function nodeAt(source: YamlSource, document: number, path: ValuePath): unknown {
  let node: unknown = source.documents[document]?.contents;
  for (const key of path) {
    if (isMap(node)) node = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key))?.value;
    else if (isSeq(node)) node = node.items[Number(key)];
    else return undefined;
  }
  return node;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
