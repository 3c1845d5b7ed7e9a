import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

/** A file of an image: from a path of this machine, or its text; `link` names what it points to. */
export interface ImageFile {
  readonly path: string;
  readonly from?: string;
  readonly text?: string;
  readonly link?: string;
}

export interface Image {
  /** Full name, for example `registry.k8s.io/pause:3.10`. */
  readonly reference: string;
  readonly entrypoint: readonly string[];
  readonly environment?: readonly string[];
  readonly files: readonly ImageFile[];
}

const BLOCK = 512;

/** Writes an image of one layer as the archive that `ctr images import` reads. */
export function writeImage(path: string, image: Image): void {
  const layer = tar([
    ...['tmp', 'etc', 'proc', 'sys', 'dev'].map((name) => ({ name: `${name}/`, mode: name === 'tmp' ? 0o1777 : 0o755, content: EMPTY })),
    ...image.files.map(entryOf),
  ]);
  const config = Buffer.from(
    JSON.stringify({
      architecture: { x64: 'amd64', arm64: 'arm64' }[process.arch as string] ?? process.arch,
      os: 'linux',
      config: { Entrypoint: image.entrypoint, Env: ['PATH=/bin:/sbin:/usr/bin:/usr/sbin', ...(image.environment ?? [])] },
      rootfs: { type: 'layers', diff_ids: [`sha256:${createHash('sha256').update(layer).digest('hex')}`] },
    }),
  );
  const configName = `${createHash('sha256').update(config).digest('hex')}.json`;
  const manifest = Buffer.from(JSON.stringify([{ Config: configName, RepoTags: [image.reference], Layers: ['layer.tar'] }]));
  writeFileSync(
    path,
    tar([
      { name: configName, mode: 0o644, content: config },
      { name: 'layer.tar', mode: 0o644, content: layer },
      { name: 'manifest.json', mode: 0o644, content: manifest },
    ]),
  );
}

interface Entry {
  readonly name: string;
  readonly mode: number;
  readonly content: Buffer;
  readonly link?: string;
}

const EMPTY = Buffer.alloc(0);

function entryOf({ path, from, text, link }: ImageFile): Entry {
  const name = path.replace(/^\//, '');
  if (link !== undefined) return { name, mode: 0o777, content: EMPTY, link };
  return { name, mode: 0o755, content: from === undefined ? Buffer.from(text ?? '') : readFileSync(from) };
}

/** A tar archive in the ustar format. @throws Error for a name or link of more than 100 bytes */
export function tar(entries: readonly Entry[]): Buffer {
  const blocks: Buffer[] = [];
  for (const entry of entries) {
    blocks.push(header(entry), entry.content);
    const rest = entry.content.length % BLOCK;
    if (rest > 0) blocks.push(Buffer.alloc(BLOCK - rest));
  }
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

function header({ name, mode, content, link }: Entry): Buffer {
  const block = Buffer.alloc(BLOCK);
  for (const text of [name, link ?? '']) if (Buffer.byteLength(text) > 100) throw new Error(`${text} is too long for a tar archive`);
  const octal = (value: number, length: number, offset: number): void => {
    block.write(value.toString(8).padStart(length - 1, '0'), offset, 'ascii');
  };
  block.write(name, 0, 'utf8');
  octal(mode, 8, 100);
  octal(0, 8, 108);
  octal(0, 8, 116);
  octal(content.length, 12, 124);
  octal(0, 12, 136);
  block.write('        ', 148, 'ascii');
  block.write(link !== undefined ? '2' : name.endsWith('/') ? '5' : '0', 156, 'ascii');
  block.write(link ?? '', 157, 'utf8');
  block.write('ustar\u000000', 257, 'ascii');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148, 'ascii');
  return block;
}
