import { appendFileSync, cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cacheDirectory, keyOf } from '../../../local/toolchain/cache.ts';
import { findPresent, foldersOf } from '../../../local/toolchain/present.ts';
import type { Recipe } from '../../../local/toolchain/recipe.ts';
import { BUILD_ORDER, createRecipes } from '../../../local/toolchain/recipes.ts';
import { ETCD_VERSION } from '../../../local/toolchain/versions.ts';
import { temporaryFolder, writeProgram } from '../../support/toolchain/recipes.ts';

const MODULES = join(import.meta.dirname, '../../../local/toolchain/modules');
/** Without a PATH there is no Go: the packaged version counts. */
const NO_PROGRAMS = { PATH: '' };

function recipeOf(product: string, env: NodeJS.ProcessEnv = NO_PROGRAMS, modules?: string): Recipe {
  const recipe = createRecipes(env, modules).find((candidate) => candidate.product === product);
  if (recipe === undefined) throw new Error(`no recipe ${product}`);
  return recipe;
}

test.each(['go.mod', 'go.sum'])('the key of a product changes with its %s, and no other key does', async (file) => {
  const modules = temporaryFolder();
  cpSync(MODULES, modules, { recursive: true });
  appendFileSync(join(modules, 'kubernetes-1.36.3', file), '\n');

  const changed: string[] = [];
  for (const product of BUILD_ORDER) {
    const [before, after] = [await keyOf(recipeOf(product)), await keyOf(recipeOf(product, NO_PROGRAMS, modules))];
    if (before !== after) changed.push(product);
  }

  expect(changed).toEqual(['kubernetes-1.36.3', 'e2e-1.36.3']);
});

test('the key does not depend on where the checkout lies', async () => {
  const modules = temporaryFolder();
  cpSync(MODULES, modules, { recursive: true });

  const keys = await Promise.all([keyOf(recipeOf('etcd')), keyOf(recipeOf('etcd', NO_PROGRAMS, modules))]);

  expect(keys[0]).toBe(keys[1]);
});

test('products are built in the order of need', () => {
  const order = [...BUILD_ORDER];

  expect(order).toEqual(['etcd', 'kwok', 'kubernetes-1.35.4', 'kubernetes-1.36.3', 'e2e-1.36.3']);
  for (const product of order) expect(recipeOf(product).heavy).toBe(true);
});

test('KUBEBUILDER_ASSETS with another version is not used', async () => {
  const assets = temporaryFolder();
  writeProgram(join(assets, 'etcd'), 'etcd Version: 3.5.1');
  writeProgram(join(assets, 'kube-apiserver'), 'Kubernetes v1.35.4');
  const env = { ...NO_PROGRAMS, KUBEBUILDER_ASSETS: assets };

  const found = [];
  for (const product of BUILD_ORDER) found.push(...(await findPresent(recipeOf(product, env))).map(({ file }) => `${product} ${file}`));

  expect(found).toEqual(['kubernetes-1.35.4 kube-apiserver']);
});

test('SLUICE_BINARIES comes before KUBEBUILDER_ASSETS and PATH', async () => {
  const [binaries, assets] = [temporaryFolder(), temporaryFolder()];
  const own = join(binaries, `etcd-${ETCD_VERSION}`);
  mkdirSync(own);
  for (const folder of [own, assets]) writeProgram(join(folder, 'etcd'), `etcd Version: ${ETCD_VERSION}`);

  const found = await findPresent(recipeOf('etcd', { ...NO_PROGRAMS, SLUICE_BINARIES: binaries, KUBEBUILDER_ASSETS: assets }));

  expect(found.map(({ path }) => path)).toEqual([join(own, 'etcd')]);
  expect(foldersOf({ PATH: '/a::/b' }, 'etcd')).toEqual(['/a', '/b']);
});

test("the cache lies where the environment says, else in the user's", () => {
  expect(cacheDirectory({ SLUICE_CACHE: '/one', XDG_CACHE_HOME: '/two' })).toBe('/one');
  expect(cacheDirectory({ XDG_CACHE_HOME: '/two' })).toBe('/two/sluice');
  expect(cacheDirectory({ SLUICE_CACHE: '', XDG_CACHE_HOME: '' })).toMatch(/\/\.cache\/sluice$/);
});
