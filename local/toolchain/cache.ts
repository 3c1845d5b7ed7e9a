import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import * as z from 'zod';
import { hashOf } from '#domain/hash.ts';
import { isAlive } from './lock.ts';
import type { Recipe } from './recipe.ts';

/** Products that nobody used for so long are removed when a newer build of the same product is kept. */
const UNUSED_AFTER_DAYS = 30;
const MANIFEST = 'product.json';

/** `product.json` in a product's folder. It is written last, so that a folder with it is whole. */
export const Manifest = z.object({
  product: z.string(),
  identity: z.unknown(),
  files: z.array(z.object({ file: z.string(), bytes: z.int(), sha256: z.string() })).min(1),
  /** What the build took; the estimates of other builds learn from it. */
  seconds: z.number(),
  compiled: z.int(),
  cost: z.object({ seconds: z.number(), packages: z.int() }),
  builtAt: z.iso.datetime(),
});
export type Manifest = z.infer<typeof Manifest>;

/** Where products are kept: `SLUICE_CACHE`, else `sluice` in `XDG_CACHE_HOME`, else in `~/.cache`. */
export function cacheDirectory(env: NodeJS.ProcessEnv): string {
  if (env['SLUICE_CACHE']) return env['SLUICE_CACHE'];
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'sluice');
}

/** Key of a product: 24 hex digits over what determines its content, this platform included. */
export async function keyOf(recipe: Recipe, present: unknown = []): Promise<string> {
  const identity = await recipe.identity();
  return hashOf({ product: recipe.product, identity, present, platform: `${process.platform}-${process.arch}` }).slice(0, 24);
}

/** The manifest of a product's folder, or undefined when it isn't there, isn't whole, or a file has another size. */
export async function readProduct(directory: string): Promise<Manifest | undefined> {
  try {
    const manifest = Manifest.parse(JSON.parse(await readFile(join(directory, MANIFEST), 'utf8')));
    for (const { file, bytes } of manifest.files) if ((await stat(join(directory, file))).size !== bytes) return undefined;
    const now = new Date();
    await utimes(join(directory, MANIFEST), now, now);
    return manifest;
  } catch {
    // Whatever is wrong with a cached folder, the answer is the same: it is built again.
    return undefined;
  }
}

/** Writes the manifest of a built folder and moves it to its place; a broken folder there goes first. */
export async function publishProduct(
  built: string,
  directory: string,
  recipe: Recipe,
  facts: Pick<Manifest, 'seconds' | 'compiled'>,
): Promise<Manifest> {
  const files: Manifest['files'] = [];
  for (const { file } of recipe.binaries) {
    const path = join(built, file);
    files.push({ file, bytes: (await stat(path)).size, sha256: await sha256OfFile(path) });
  }
  const identity = await recipe.identity();
  const manifest: Manifest = { product: recipe.product, identity, files, ...facts, cost: recipe.cost, builtAt: new Date().toISOString() };
  await writeFile(join(built, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  await rm(directory, { recursive: true, force: true });
  await rename(built, directory);
  return manifest;
}

/** Makes an empty temporary folder beside a product's folder and removes what dead builds of it left. */
export async function makeTemporary(directory: string): Promise<string> {
  const prefix = `${basename(directory)}.tmp-`;
  const parent = dirname(directory);
  await mkdir(parent, { recursive: true });
  for (const name of await readdir(parent)) {
    if (name.startsWith(prefix) && !isAlive(Number(name.slice(prefix.length))))
      await rm(join(parent, name), { recursive: true, force: true });
  }
  const made = join(parent, `${prefix}${process.pid}`);
  await rm(made, { recursive: true, force: true });
  await mkdir(made);
  return made;
}

/** Removes a product's other builds that were not used for a month. */
export async function pruneSiblings(directory: string): Promise<void> {
  const parent = dirname(directory);
  const oldest = Date.now() - UNUSED_AFTER_DAYS * 86_400_000;
  for (const name of await readdir(parent)) {
    const used = await stat(join(parent, name, MANIFEST)).catch(() => undefined);
    if (name !== basename(directory) && used !== undefined && used.mtimeMs < oldest) {
      await rm(join(parent, name), { recursive: true, force: true });
    }
  }
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
