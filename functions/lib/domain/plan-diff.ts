import { createTwoFilesPatch } from 'diff';
import { stringify } from 'yaml';
import { masked } from './plan-items.ts';

/** Lines around a change in a diff. */
const CONTEXT_LINES = 3;
/** Lines that may differ before the two texts are told one after the other: the search grows with their square. */
const MOST_EDITS = 1000;

/** A unified diff of both values as text, without a header and the first hunk's place. Secrets are masked. */
export function diffOf(before: unknown, after: unknown): string {
  const [hiddenBefore, hiddenAfter] = masked(before, after);
  const [left, right] = [textOf(hiddenBefore), textOf(hiddenAfter)];
  if (left === '' || right === '') return [...marked('-', left), ...marked('+', right)].join('\n');
  const patch = createTwoFilesPatch('a', 'b', left, right, '', '', { context: CONTEXT_LINES, maxEditLength: MOST_EDITS });
  if (patch === undefined) return [...marked('-', left), ...marked('+', right)].join('\n');
  return patch.split('\n').slice(4).join('\n').trimEnd();
}

function marked(sign: string, text: string): string[] {
  const lines = text.replace(/\n$/, '').split('\n');
  return text === '' ? [] : lines.map((line) => sign + line);
}

/** Canonical text: YAML with keys in order, so that only differences of meaning show. A template is its own text. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : stringify(value, { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false });
}
