import type { Finding } from '#model/checks.ts';
import { MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES } from './file-bounds.ts';
import { findingAt } from './yaml-source.ts';

/**
 * Most line breaks and indicators of all files together: the time to read YAML grows with them (about 10 µs each). The
 * largest known configuration has about 200,000.
 */
const MAX_TOTAL_MARKS = 1_000_000;

/** Whether files are too much to be read in seconds, told before any of them is read. */
export function boundFindings(path: string, files: readonly { readonly path: string; readonly content: string }[]): Finding[] {
  const at = (message: string): Finding[] => [findingAt(path, { line: 1, column: 1 }, 'too-large', message)];
  if (files.length > MAX_FILES) return at(`There are ${files.length} files, more than ${MAX_FILES}.`);
  const bytes = files.reduce((sum, { content }) => sum + content.length, 0);
  if (bytes > MAX_TOTAL_BYTES) return at(`The files have ${bytes} characters together, more than ${MAX_TOTAL_BYTES}.`);
  const marks = files.reduce((sum, { content }) => sum + marksOf(content), 0);
  return marks > MAX_TOTAL_MARKS ? at(`The files hold too many values together (${marks} marks, more than ${MAX_TOTAL_MARKS}).`) : [];
}

const MARKS = new Set([...'\n,:-?[]{}#&*!|>\'"%@`'].map((mark) => mark.charCodeAt(0)));

/** Line breaks and YAML's indicators; a file that is refused by its own size does not count. */
function marksOf(text: string): number {
  if (text.length > MAX_FILE_BYTES) return 0;
  let marks = 0;
  for (let index = 0; index < text.length; index += 1) if (MARKS.has(text.charCodeAt(index))) marks += 1;
  return marks;
}
