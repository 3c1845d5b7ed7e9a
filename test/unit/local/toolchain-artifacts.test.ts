import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { sha256 } from '#domain/hash.ts';
import { Artifact } from '#model/records.ts';
import { ARTIFACTS, type ArtifactPublishing, publishArtifacts } from '../../../local/toolchain/artifacts.ts';
import type { ProductState, Toolchain } from '../../../local/toolchain/toolchain.ts';
import { createFakeObjects, type FakeObjects } from '../../support/fakes/objects.ts';
import { temporaryFolder } from '../../support/toolchain/recipes.ts';

const ETCD_INDEX = 'artifacts/etcd/3.6.16.json';
const E2E_INDEX = 'artifacts/e2e/1.36.3.json';

/** Products that a test declares built or failed. */
function createFakeProducts() {
  const folder = temporaryFolder();
  const products = [...new Set(ARTIFACTS.flatMap(({ files }) => files.map(({ product }) => product)))];
  const built = new Map(products.map((product) => [product, Promise.withResolvers<void>()]));
  let readyAt = new Date('2026-01-05T08:04:00Z');
  const toolchain: Pick<Toolchain, 'filesOf' | 'state'> = {
    state: (product): ProductState => ({ product, title: product, state: 'building', readyAt }),
    async filesOf(product) {
      await built.get(product)?.promise;
      const files = new Set(
        [...ARTIFACTS.flatMap((source) => source.files)].filter((file) => file.product === product).map(({ file }) => file),
      );
      return [...files].map((file) => {
        const path = join(folder, `${product}-${file}`);
        const content = `${product} ${file}`;
        writeFileSync(path, content);
        return { file, path, bytes: content.length, sha256: sha256(content) };
      });
    },
  };
  return {
    toolchain,
    expectAt: (time: Date): void => {
      readyAt = time;
    },
    finish: (...names: string[]): void => {
      for (const [product, { resolve }] of built) if (names.length === 0 || names.includes(product)) resolve();
    },
    fail: (name: string, error: Error): void => built.get(name)?.reject(error),
  };
}

let hub: FakeObjects;
let plain: FakeObjects;
let slot: FakeObjects;
let products: ReturnType<typeof createFakeProducts>;
let lines: string[];
/** Lets the announcements look at the estimate again; resolves once all have done so. */
let tick: () => Promise<void>;

beforeEach(() => {
  [hub, plain, slot] = [createFakeObjects(), createFakeObjects(), createFakeObjects()];
  products = createFakeProducts();
  lines = [];
});

function publish(): ArtifactPublishing {
  let waiting: (() => void)[] = [];
  let all = Promise.withResolvers<void>();
  tick = async () => {
    await all.promise;
    const now = waiting;
    [waiting, all] = [[], Promise.withResolvers<void>()];
    for (const go of now) go();
    await all.promise;
  };
  return publishArtifacts({
    toolchain: products.toolchain,
    hub,
    accounts: [{ objects: plain }, { objects: slot, e2e: true }],
    log: (line) => lines.push(line),
    pause: (_seconds, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        waiting.push(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
        if (waiting.length === ARTIFACTS.length) all.resolve();
      }),
  });
}

function indexIn(objects: FakeObjects, key: string): Artifact {
  return Artifact.parse(JSON.parse(objects.contents()[key] ?? 'null'));
}

test('while products are built the indexes say so and when they should be ready', async () => {
  const published = publish();
  products.expectAt(new Date('2026-01-05T08:05:00Z'));
  await tick();

  const states = [indexIn(hub, ETCD_INDEX), indexIn(plain, ETCD_INDEX), indexIn(slot, E2E_INDEX)];
  products.finish();
  await published.done;

  for (const index of states) expect(index).toMatchObject({ state: 'building', readyAt: '2026-01-05T08:05:00.000Z', files: [] });
});

test('once built the files are there before the index that says ready, in the accounts that want them', async () => {
  products.finish();

  await publish().done;

  const index = indexIn(slot, E2E_INDEX);
  expect(index.state).toBe('ready');
  expect(index.files.map(({ file }) => file)).toEqual(['e2e.test', 'ginkgo', 'kubectl']);
  for (const { file, sha256: hash, bytes } of index.files) {
    const content = slot.contents()[`artifacts/e2e/1.36.3/${hash}/${file}`] ?? '';
    expect([sha256(content), content.length]).toEqual([hash, bytes]);
  }
  const lastWrites = slot.calls
    .filter(({ operation, key }) => operation === 'put' && key.startsWith('artifacts/e2e/'))
    .map(({ key }) => key);
  expect(lastWrites.slice(-4)).toEqual([...index.files.map(({ sha256: hash, file }) => `artifacts/e2e/1.36.3/${hash}/${file}`), E2E_INDEX]);
  // What drills run: etcd and its tool, the API server of both versions, and the index of each.
  expect(Object.keys(plain.contents()).filter((key) => key.startsWith('artifacts/e2e/'))).toEqual([]);
  expect(Object.keys(plain.contents())).toHaveLength(7);
  expect(Object.keys(hub.contents())).toEqual([
    E2E_INDEX,
    ETCD_INDEX,
    'artifacts/kubernetes/1.35.4.json',
    'artifacts/kubernetes/1.36.3.json',
  ]);
});

test('an artifact is ready as soon as its own products are', async () => {
  const published = publish();
  await tick();
  const written = Promise.withResolvers<void>();
  hub.beforeEach = (operation, key) => {
    if (operation === 'put' && key === ETCD_INDEX) setImmediate(written.resolve);
  };

  products.finish('etcd');
  await written.promise;

  expect(indexIn(hub, ETCD_INDEX).state).toBe('ready');
  expect(indexIn(hub, E2E_INDEX).state).toBe('building');
  products.finish();
  await published.done;
});

test('a second start with the same products writes nothing and never goes back to building', async () => {
  products.finish();
  await publish().done;
  for (const objects of [hub, plain, slot]) objects.calls.length = 0;
  products = createFakeProducts();

  const published = publish();
  await tick();
  products.finish();
  await published.done;

  for (const objects of [hub, plain, slot]) expect(objects.calls.filter(({ operation }) => operation === 'put')).toEqual([]);
});

test('a product that cannot be built takes the estimate away, hinders no other, and is told', async () => {
  const published = publish();
  await tick();

  products.fail('e2e-1.36.3', new Error('no compiler'));
  products.finish();

  await expect(published.done).rejects.toThrow('no compiler');
  expect(lines).toContain('e2e 1.36.3 is missing as an artifact: Error: no compiler');
  expect(lines).toContain('etcd 3.6.16 is in place as an artifact');
  expect(indexIn(slot, E2E_INDEX)).toEqual({ name: 'e2e', version: '1.36.3', state: 'building', files: [] });
  expect(indexIn(hub, ETCD_INDEX).state).toBe('ready');
});

test('closing ends it though nothing was built', async () => {
  const published = publish();
  await tick();

  await published.close();

  await expect(published.done).rejects.toThrow('stopped');
  expect(lines).toEqual([]);
  expect(indexIn(hub, ETCD_INDEX).state).toBe('building');
});
