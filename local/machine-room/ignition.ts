import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { InputError, RefusedError } from '#model/errors.ts';

const Resource = z.object({
  source: z.string(),
  compression: z.string().nullish(),
  verification: z.object({ hash: z.string().optional() }).nullish(),
});

const Pointer = z.object({
  ignition: z.object({ version: z.string(), config: z.object({ replace: Resource }) }),
});

/** The parts of an Ignition 3.4.0 document that the room knows. Others are reported by `unknownParts`. */
const Document = z.looseObject({
  ignition: z.looseObject({ version: z.string() }),
  storage: z
    .looseObject({
      files: z
        .array(z.looseObject({ path: z.string().startsWith('/'), mode: z.int().optional(), contents: Resource.optional() }))
        .default([]),
      directories: z.array(z.looseObject({ path: z.string().startsWith('/'), mode: z.int().optional() })).default([]),
    })
    .default({ files: [], directories: [] }),
  systemd: z
    .looseObject({
      units: z
        .array(
          z.looseObject({
            name: z.string(),
            contents: z.string().optional(),
            enabled: z.boolean().optional(),
            mask: z.boolean().optional(),
          }),
        )
        .default([]),
    })
    .default({ units: [] }),
});

/** Where an instance's document lies. `sha256` is 64 hex digits. */
export interface DocumentPointer {
  readonly bucket: string;
  readonly key: string;
  readonly sha256: string;
}

export interface InstanceFile {
  readonly path: string;
  readonly mode: number;
  readonly content: Buffer;
}

export interface InstanceDocument {
  readonly files: readonly InstanceFile[];
  readonly directories: readonly string[];
  readonly units: readonly { readonly name: string; readonly text: string }[];
  /** Parts of the document that this room does not act on, in words. */
  readonly ignored: readonly string[];
}

/** Reads user data (base64) as a pointer to an object in S3. The hash is required: what boots must be what was rendered. @throws InputError */
export function readPointer(userData: string): DocumentPointer {
  const { source, verification } = parseJson(Pointer, Buffer.from(userData, 'base64').toString('utf8'), 'user data').ignition.config
    .replace;
  const place = /^s3:\/\/([^/]+)\/(.+)$/.exec(source);
  const sha256 = /^sha256-([0-9a-f]{64})$/.exec(verification?.hash ?? '')?.[1];
  if (place?.[1] === undefined || place[2] === undefined) throw new InputError(`user data points at ${source}; it must be s3://bucket/key`);
  if (sha256 === undefined) throw new InputError('user data has no verification.hash of the form sha256-<64 hex digits>');
  return { bucket: place[1], key: place[2], sha256 };
}

/** @throws RefusedError when the bytes are not those that the pointer names; InputError when they are no Ignition document */
export function readDocument(bytes: Buffer, sha256: string): InstanceDocument {
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== sha256) throw new RefusedError(`Ignition document has sha256 ${actual}, user data asks for ${sha256}`);
  const document = parseJson(Document, bytes.toString('utf8'), 'Ignition document');
  const units = document.systemd.units;
  return {
    files: document.storage.files.map((file) => ({
      path: file.path,
      mode: file.mode ?? 0o644,
      content: file.contents === undefined ? Buffer.alloc(0) : readResource(file.path, file.contents),
    })),
    directories: document.storage.directories.map((directory) => directory.path),
    units: units
      .filter((unit) => unit.mask !== true && unit.contents !== undefined)
      .map((unit) => ({ name: unit.name, text: unit.contents ?? '' })),
    ignored: unknownParts(document),
  };
}

function unknownParts(document: z.infer<typeof Document>): string[] {
  const known: Readonly<Record<string, readonly string[]>> = { storage: ['files', 'directories'], systemd: ['units'] };
  const top = Object.keys(document).filter((key) => !['ignition', 'storage', 'systemd'].includes(key));
  const inner = Object.entries(known).flatMap(([section, keys]) =>
    Object.keys(section === 'storage' ? document.storage : document.systemd)
      .filter((key) => !keys.includes(key))
      .map((key) => `${section}.${key}`),
  );
  return [...top, ...inner];
}

/** Bytes of a data: URL (RFC 2397). */
function readResource(path: string, resource: z.infer<typeof Resource>): Buffer {
  const match = /^data:([^,]*),(.*)$/s.exec(resource.source);
  if (match === null) throw new InputError(`file ${path}: its source is no data: URL; the room fetches none else`);
  const raw = match[1]?.endsWith(';base64')
    ? Buffer.from(match[2] ?? '', 'base64')
    : Buffer.from(decodeURIComponent(match[2] ?? ''), 'utf8');
  return resource.compression === 'gzip' ? gunzipSync(raw) : raw;
}

/** @throws InputError naming what is wrong and where */
export function parseJson<T extends z.ZodType>(schema: T, text: string, what: string): z.infer<T> {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new InputError(`${what} is not as it must be: ${error instanceof z.ZodError ? z.prettifyError(error) : String(error)}`, {
      cause: error,
    });
  }
}
