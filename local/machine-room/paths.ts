import { join } from 'node:path';

/** Top folders of an instance that lie in its root folder here. */
const FOLDERS = 'etc|var|opt|run|srv|usr/local';

/** A path of the instance: at the start, or after a separator or `file://`, and never a part of a URL or longer path. */
const INSTANCE_PATH = new RegExp(`(^|[\\s=,:;'"\`(\\[{<]|file://|unix://)/(${FOLDERS})(?=/|$|[\\s,:;'"\`)\\]}>])`, 'gm');

/** Where a path of the instance lies on this machine. */
export function hostPath(root: string, path: string): string {
  return join(root, path);
}

/** An argument or a text file with each path of the instance led into its root folder. URLs stay as they are. */
export function rewritePaths(root: string, text: string): string {
  return text.replace(INSTANCE_PATH, (_whole, before: string, folder: string) => `${before}${join(root, folder)}`);
}
