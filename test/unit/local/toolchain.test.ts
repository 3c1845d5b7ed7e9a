import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Recipe } from '../../../local/toolchain/recipe.ts';
import { createToolchain, type ProductState, type Toolchain } from '../../../local/toolchain/toolchain.ts';
import { fakeRecipe, temporaryFolder, writeProgram } from '../../support/toolchain/recipes.ts';

function toolchainOf(cache: string, recipes: readonly Recipe[], signal = new AbortController().signal): Toolchain {
  return createToolchain({ cache, recipes, log: () => undefined, signal, cores: 2 });
}

test('a product is built once and then found, also by the next start', async () => {
  const cache = temporaryFolder();
  const recipe = fakeRecipe('tool', cache);

  const first = await toolchainOf(cache, [recipe]).ensure('tool');
  const next = toolchainOf(cache, [recipe]);
  const second = await next.ensure('tool');

  expect(second).toBe(first);
  expect(recipe.builds()).toBe(1);
  expect(next.state('tool')).toMatchObject({ state: 'ready', cached: true, directory: first });
});

test('several who ask at once get one build, in one process and over two toolchains', async () => {
  const cache = temporaryFolder();
  const recipe = fakeRecipe('tool', cache);
  const left = toolchainOf(cache, [recipe]);
  const right = toolchainOf(cache, [recipe]);

  const folders = await Promise.all([left.ensure('tool'), left.ensure('tool'), right.ensure('tool'), right.ensure('tool')]);

  expect(new Set(folders).size).toBe(1);
  expect(recipe.builds()).toBe(1);
  expect(readdirSync(join(cache, 'tool')).filter((name) => name.includes('.'))).toEqual([]);
});

test('who waits for another process says so and tells no time', async () => {
  const cache = temporaryFolder();
  const [started, gate, waits] = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<ProductState>()];
  const before = (): Promise<void> => {
    started.resolve();
    return gate.promise;
  };
  const first = toolchainOf(cache, [fakeRecipe('tool', cache, { before })]).ensure('tool');
  await started.promise;
  const other = toolchainOf(cache, [fakeRecipe('tool', cache)]);
  other.subscribe((state) => state.progress?.phase === 'waiting' && waits.resolve(state));

  const second = other.ensure('tool');
  const waiting = await waits.promise;
  gate.resolve();

  expect(waiting).toMatchObject({ state: 'building' });
  expect(waiting).not.toHaveProperty('readyAt');
  expect(await second).toBe(await first);
});

test('a folder that an interrupted build left is not used', async () => {
  const cache = temporaryFolder();
  const recipe = fakeRecipe('tool', cache);
  const folder = await toolchainOf(cache, [recipe]).ensure('tool');
  rmSync(join(folder, 'product.json'));
  writeFileSync(join(folder, 'tool'), 'half');
  const ended = spawnSync('/bin/sh', ['-c', 'exit 0']).pid;
  mkdirSync(`${folder}.tmp-${ended}`);

  const again = await toolchainOf(cache, [recipe]).ensure('tool');

  expect(again).toBe(folder);
  expect(recipe.builds()).toBe(2);
  expect(readFileSync(join(folder, 'tool'), 'utf8')).toContain('v1');
  expect(readdirSync(join(cache, 'tool'))).toHaveLength(1);
});

test('a binary whose size has changed is built again', async () => {
  const cache = temporaryFolder();
  const recipe = fakeRecipe('tool', cache);
  const folder = await toolchainOf(cache, [recipe]).ensure('tool');
  writeFileSync(join(folder, 'tool'), 'cut off');

  await toolchainOf(cache, [recipe]).ensure('tool');

  expect(recipe.builds()).toBe(2);
});

test('the lock of a process that is gone is taken over', async () => {
  const cache = temporaryFolder();
  const recipe = fakeRecipe('tool', cache);
  const folder = await toolchainOf(cache, [recipe]).ensure('tool');
  rmSync(folder, { recursive: true });
  mkdirSync(`${folder}.lock`);
  const ended = spawnSync('/bin/sh', ['-c', 'exit 0']).pid;
  writeFileSync(join(`${folder}.lock`, 'owner.json'), JSON.stringify({ pid: ended, started: '1' }));

  await toolchainOf(cache, [recipe]).ensure('tool');

  expect(recipe.builds()).toBe(2);
  expect(readdirSync(join(cache, 'tool'))).toHaveLength(1);
});

test('heavy builds run one at a time in the order of asking, light ones beside them', async () => {
  const cache = temporaryFolder();
  const events: string[] = [];
  const track = (product: string) => ({
    before: async () => {
      events.push(`${product} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      events.push(`${product} ends`);
    },
  });
  const [third, first, second] = ['third', 'first', 'second'].map((product) => fakeRecipe(product, cache, track(product)));
  const light = fakeRecipe('light', cache, { heavy: false });
  const toolchain = toolchainOf(
    cache,
    [third, first, second, light].filter((recipe) => recipe !== undefined),
  );

  await toolchain.ensureAll(['first', 'second', 'light', 'third']);

  expect(events).toEqual(['first begins', 'first ends', 'second begins', 'second ends', 'third begins', 'third ends']);
  expect(light.builds()).toBe(1);
});

test('a failed build tells the end of its output and is tried again at the next call', async () => {
  const cache = temporaryFolder();
  let broken = true;
  const recipe = fakeRecipe('tool', cache, {
    before: async (context) => {
      if (broken) await context.run('/bin/sh', ['-c', 'for i in $(seq 1 40); do echo "line $i"; done; exit 3']);
    },
  });
  const toolchain = toolchainOf(cache, [recipe]);

  const failure = await toolchain.ensure('tool').then(
    () => 'built',
    (error: Error) => error.message,
  );
  const failed = toolchain.state('tool');
  broken = false;
  await toolchain.ensure('tool');

  expect(failure).toMatch(
    /The tool could not be built: .* ended with 3[\s\S]*line 11\n[\s\S]*line 40\n.*tool\.log.*next start tries again/,
  );
  expect(failure).not.toMatch(/line 10\n/);
  expect(failed.state).toBe('failed');
  expect(toolchain.state('tool').state).toBe('ready');
  expect(readFileSync(join(cache, 'logs', 'tool.log'), 'utf8')).not.toBe('');
});

test('a failed build does not keep those behind it from being built', async () => {
  const cache = temporaryFolder();
  const bad = fakeRecipe('bad', cache, { binaries: [{ file: 'bad', versionArgs: [], says: 'v2' }] });
  const good = fakeRecipe('good', cache);
  const toolchain = toolchainOf(cache, [bad, good]);

  const all = toolchain.ensureAll(['bad', 'good']);

  await expect(all).rejects.toThrow(/bad of The bad does not say v2, but: bad v1/);
  expect(toolchain.state('good').state).toBe('ready');
});

test('an abort ends the build and leaves nothing that looks built', async () => {
  const cache = temporaryFolder();
  const abort = new AbortController();
  const started = Promise.withResolvers<void>();
  const recipe = fakeRecipe('tool', cache, {
    before: async (context) => {
      const running = context.run('/bin/sh', ['-c', 'sleep 60 & wait']);
      started.resolve();
      await running;
    },
  });
  const building = toolchainOf(cache, [recipe], abort.signal).ensure('tool');
  await started.promise;

  abort.abort(new Error('enough'));

  await expect(building).rejects.toThrow('enough');
  expect(readdirSync(join(cache, 'tool'))).toEqual([]);
});

test('those that wait for their turn are expected after those before them', async () => {
  const cache = temporaryFolder();
  const gate = Promise.withResolvers<void>();
  const first = fakeRecipe('first', cache, { before: () => gate.promise });
  const second = fakeRecipe('second', cache);
  const toolchain = toolchainOf(cache, [first, second]);
  const seen: ProductState[] = [];
  toolchain.subscribe((state) => seen.push(state));

  const all = toolchain.ensureAll(['first', 'second']);
  const [early, late] = [toolchain.state('first').readyAt, toolchain.state('second').readyAt];
  gate.resolve();
  await all;

  expect((late?.getTime() ?? 0) - (early?.getTime() ?? 0)).toBeGreaterThan(50_000);
  expect(seen.map(({ product, state }) => `${product} ${state}`)).toEqual([
    'first building',
    'first ready',
    'second building',
    'second ready',
  ]);
});

test('a binary on the machine is used at the wanted version, and only then', async () => {
  const cache = temporaryFolder();
  const [wrong, right] = [temporaryFolder(), temporaryFolder()];
  writeProgram(join(wrong, 'tool'), 'tool v1-patched');
  writeProgram(join(right, 'tool'), 'tool v1');
  let present: ReadonlySet<string> = new Set();
  const searching = (searchIn: readonly string[]) =>
    fakeRecipe('tool', cache, {
      searchIn,
      before: async (context) => {
        present = context.present;
      },
    });

  const built = await toolchainOf(cache, [searching([wrong])]).ensure('tool');
  const presentFirst = [...present];
  rmSync(built, { recursive: true });
  const used = await toolchainOf(cache, [searching([wrong, right])]).ensure('tool');

  expect(presentFirst).toEqual([]);
  expect([...present]).toEqual(['tool']);
  expect(used).not.toBe(built);
});
