import type { UserDataFile } from '#model/configuration.ts';
import { canonicalJson, sha256 } from './hash.ts';
import type { Put } from './plan-fold.ts';

/** An Ignition document as text, and the SHA-256 by which it is named. */
export interface IgnitionDocument {
  readonly text: string;
  readonly hash: string;
}

/**
 * Renders user data to an Ignition document of specification 3.4.0. Later parts replace files and units of the same name
 * in earlier ones. Equal user data gives an equal hash, in whatever order it is written: nodes roll only when something of
 * theirs changed.
 */
export function renderIgnition(parts: readonly UserDataFile[], put: Put): IgnitionDocument {
  const files = new Map(parts.flatMap((part) => part.files).map((file) => [file.path, file]));
  const units = new Map(parts.flatMap((part) => part.units).map((unit) => [unit.name, unit]));
  const text = canonicalJson({
    ignition: { version: '3.4.0' },
    storage: {
      files: inOrder(files).map((file) => ({
        path: file.path,
        mode: Number.parseInt(file.mode, 8),
        overwrite: true,
        contents: { source: dataUrl(put(file.content)) },
      })),
    },
    systemd: {
      units: inOrder(units).map((unit) => ({
        name: unit.name,
        enabled: unit.enabled,
        mask: unit.mask,
        contents: unit.content === undefined ? undefined : put(unit.content),
      })),
    },
  });
  return { text, hash: sha256(text) };
}

function inOrder<T>(named: ReadonlyMap<string, T>): T[] {
  return [...named].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, value]) => value);
}

/** RFC 2397. Ignition reads it base64-encoded. */
function dataUrl(content: string): string {
  return `data:;base64,${Buffer.from(content, 'utf8').toString('base64')}`;
}
