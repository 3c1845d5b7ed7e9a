import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Snapshot, SnapshotFile } from '#model/configuration.ts';
import type { SettingsFiles } from '#model/pull-request.ts';

const CHANNELS = join(import.meta.dirname, '../../channels');

/** The reference fleet's configuration as a snapshot, with files replaced (or, by undefined, left out). */
export function referenceSnapshot(changed: Readonly<Record<string, string | undefined>> = {}, revision = 'a'.repeat(40)): Snapshot {
  const folder = join(CHANNELS, 'cluster');
  const read = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => !(path in changed))
    .map((path): SnapshotFile => ({ path, content: readFileSync(join(folder, path), 'utf8') }));
  const added = Object.entries(changed).flatMap(([path, content]) => (content === undefined ? [] : [{ path, content }]));
  return { revision, files: [...read, ...added].sort((left, right) => (left.path < right.path ? -1 : 1)) };
}

/** Text of a file of the reference configuration with a part replaced; fails when the part is not there. */
export function edited(path: string, part: string, replacement: string): Record<string, string> {
  const text = readFileSync(join(CHANNELS, 'cluster', path), 'utf8');
  if (!text.includes(part)) throw new Error(`${path} has no "${part}"`);
  return { [path]: text.replace(part, () => replacement) };
}

/** The reference fleet's settings. */
export function referenceSettings(changed: Readonly<Record<string, string>> = {}, commit = 'c'.repeat(40)): SettingsFiles {
  const files = readdirSync(CHANNELS)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => ({ path: `channels/${name}`, content: changed[name] ?? readFileSync(join(CHANNELS, name), 'utf8') }));
  return { commit, files };
}
