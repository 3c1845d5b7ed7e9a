/** A file as listed, before it is read. `mode` is Git's. */
export interface ListedFile {
  readonly path: string;
  readonly type: string;
  readonly mode: string;
  /** Bytes, where they are known. */
  readonly size?: number;
}

/**
 * Bounds of a configuration or of the settings, as listed and as read, so that a hostile tree is refused early; more is no
 * fleet. The largest known has 2.3 MB in 400 files.
 */
export const MAX_FILES = 2000;
/** A CRD of the largest operators has half of it. */
export const MAX_FILE_BYTES = 1024 * 1024;
export const MAX_TOTAL_BYTES = 20 * MAX_FILE_BYTES;

/** Why these files of a folder are not read; empty when they are plain files within the bounds. @param folder its name */
export function boundProblems(folder: string, files: readonly ListedFile[]): string[] {
  if (files.length === 0) return [`${folder}/ is empty`];
  if (files.length > MAX_FILES) return [`${folder}/ has ${files.length} files, more than ${MAX_FILES}`];
  const odd = files.filter((file) => file.type !== 'blob' || !['100644', '100755'].includes(file.mode));
  const large = files.filter((file) => (file.size ?? 0) > MAX_FILE_BYTES);
  const total = files.reduce((sum, file) => sum + (file.size ?? 0), 0);
  return [
    ...odd.map(({ path }) => `${path} is a link or a submodule; ${folder}/ has plain files only`),
    ...large.map(({ path, size }) => `${path} has ${size} bytes, more than ${MAX_FILE_BYTES}`),
    ...(total > MAX_TOTAL_BYTES ? [`${folder}/ has ${total} bytes, more than ${MAX_TOTAL_BYTES}`] : []),
  ];
}
