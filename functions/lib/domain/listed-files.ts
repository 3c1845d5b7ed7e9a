import type { Finding } from '#model/checks.ts';
import { MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES } from './file-bounds.ts';
import { findingAt } from './yaml-source.ts';

/** A file as listed, before it is read. `mode` is Git's. */
export interface ListedFile {
  readonly path: string;
  readonly type: string;
  readonly mode: string;
  /** Bytes, where they are known. */
  readonly size?: number;
}

/** Why these files of a folder are not read, told before any is. Findings of the folder as a whole stand at the folder. @param folder its name */
export function listedFindings(folder: string, files: readonly ListedFile[]): Finding[] {
  if (files.length === 0) return [findingAt(folder, START, 'missing-file', `${folder}/ is empty. Put its files back.`)];
  if (files.length > MAX_FILES) {
    const message = `${folder}/ has ${files.length} files, more than ${MAX_FILES}. Move out what is no configuration.`;
    return [findingAt(folder, START, 'too-large', message)];
  }
  const total = files.reduce((sum, file) => sum + (file.size ?? 0), 0);
  return [
    ...files.flatMap((file) => oddity(folder, file)),
    ...files.flatMap(({ path, size = 0 }) =>
      size > MAX_FILE_BYTES
        ? [
            findingAt(
              path,
              START,
              'too-large',
              `${path} has ${size} bytes, more than ${MAX_FILE_BYTES}. Split it, or move it out of ${folder}/.`,
            ),
          ]
        : [],
    ),
    ...(total > MAX_TOTAL_BYTES
      ? [
          findingAt(
            folder,
            START,
            'too-large',
            `${folder}/ has ${total} bytes, more than ${MAX_TOTAL_BYTES}. Move out what is no configuration.`,
          ),
        ]
      : []),
  ];
}

/** Why these files of a folder are not read; empty when they are plain files within the bounds. @param folder its name */
export function boundProblems(folder: string, files: readonly ListedFile[]): string[] {
  return listedFindings(folder, files).map(({ message }) => message);
}

const START = { line: 1, column: 1 };

/** What a file is besides its size. Git itself refuses most of these names, but not in every tree that is pushed. */
function oddity(folder: string, { path, type, mode }: ListedFile): Finding[] {
  if (type !== 'blob' || !['100644', '100755'].includes(mode)) {
    const message = `${path} is a link or a submodule; ${folder}/ has plain files only. Put the file itself there.`;
    return [findingAt(path, START, 'plain-file', message)];
  }
  const isOdd = /\p{Cc}/u.test(path) || path.split('/').some((part) => ['', '.', '..', '.git'].includes(part));
  if (!isOdd) return [];
  // What Git calls it can't stand in an annotation.
  return [findingAt(folder, START, 'plain-file', `${JSON.stringify(path)} is no name of a file. Rename it.`)];
}
