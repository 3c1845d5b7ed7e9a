import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { zipSync } from 'fflate';

/** Largest bundle of a function, in bytes; the planner and the page may be larger (docs/decisions.md). */
const BUDGET_BYTES: Readonly<Record<string, number>> = { plan: 3 * 1024 * 1024, page: 3 * 1024 * 1024 };
const DEFAULT_BUDGET_BYTES = 1024 * 1024;
/** Equal code gives an equal archive: entries carry this time. */
const EPOCH = new Date('1980-01-01T00:00:00Z');

export interface Bundle {
  readonly name: string;
  readonly bytes: number;
  readonly budget: number;
  readonly zip: string;
}

/** Bundles each functions/<name>/handler.ts to `.build/<name>.zip`. @throws Error when one is over its byte budget */
export async function buildFunctions(root: string): Promise<Bundle[]> {
  const output = join(root, '.build');
  await rm(output, { recursive: true, force: true });
  await mkdir(output, { recursive: true });
  const names = await functionNames(root);
  if (names.length === 0) throw new Error('no functions/<name>/handler.ts was found');
  const bundles = await bundleAll(root, output, names);
  const over = bundles.filter((entry) => entry.bytes > entry.budget);
  if (over.length > 0)
    throw new Error(`over the byte budget: ${over.map((entry) => `${entry.name} ${entry.bytes} > ${entry.budget}`).join(', ')}`);
  return bundles;
}

/**
 * Lets the SDK's schemas that nothing uses be left out. They are plain data, but with constants for keys (`{ [_hE]: 400 }`),
 * and a computed key may run code for all that esbuild knows; with the constant's text in its place it is data again. Of EC2's
 * schemas alone this leaves out half a megabyte.
 */
const plainSchemas: Plugin = {
  name: 'plain-schemas',
  setup({ onLoad }) {
    onLoad({ filter: /@aws-sdk[\\/].*[\\/]dist-es[\\/].*schemas_\d+\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const texts = new Map([...source.matchAll(/^const (_\w+) = ("[^"\\\n]*");$/gm)].map(([, name, text]) => [name, text]));
      const contents = source.replace(/\[(_\w+)\]:/g, (key, name: string) => (texts.has(name) ? `${texts.get(name)}:` : key));
      return { contents, loader: 'js' };
    });
  },
};

async function functionNames(root: string): Promise<string[]> {
  const folder = join(root, 'functions');
  const names: string[] = [];
  for (const entry of await readdir(folder)) {
    const found = await stat(join(folder, entry, 'handler.ts')).catch(() => undefined);
    if (found?.isFile()) names.push(entry);
  }
  return names.sort();
}

/** Bundles one function. */
export async function bundle(root: string, output: string, name: string): Promise<Bundle> {
  const [made] = await bundleAll(root, output, [name]);
  if (made === undefined) throw new Error(`esbuild made nothing of ${name}`);
  return made;
}

/** One run for all: what several bundle (the SDK, most of all) is read once. Each bundle is what it would be by itself. */
async function bundleAll(root: string, output: string, names: readonly string[]): Promise<Bundle[]> {
  const result = await build({
    entryPoints: names.map((name) => ({ in: join(root, 'functions', name, 'handler.ts'), out: name })),
    outdir: output,
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // The SDK's ES modules: of its CommonJS nothing that is not called can be left out.
    mainFields: ['module', 'main'],
    minify: true,
    // Error names are a contract with the state machines and set by literal; nothing else depends on names.
    keepNames: false,
    legalComments: 'none',
    // The AWS SDK asks it for the name of a browser, in a function that nothing calls in Node; it is 34 kB of each bundle.
    external: ['bowser'],
    plugins: [plainSchemas],
    logLevel: 'warning',
    absWorkingDir: root,
  });
  const codes = new Map(result.outputFiles.map(({ path, contents }) => [basename(path, '.js'), contents]));
  return Promise.all(
    names.map(async (name) => {
      const code = codes.get(name);
      if (code === undefined) throw new Error(`esbuild made nothing of ${name}`);
      const zip = join(output, `${name}.zip`);
      await writeFile(zip, zipSync({ 'handler.js': [code, { mtime: EPOCH, level: 6 }] }));
      return { name, bytes: code.byteLength, budget: BUDGET_BYTES[name] ?? DEFAULT_BUDGET_BYTES, zip };
    }),
  );
}

if (process.argv[1] === import.meta.filename) {
  const bundles = await buildFunctions(process.cwd());
  for (const { name, bytes, budget } of bundles) {
    process.stdout.write(`${name.padEnd(10)} ${(bytes / 1024).toFixed(0).padStart(6)} KiB of ${budget / 1024} KiB\n`);
  }
}
