import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { SluiceError } from '#model/errors.ts';
import { buildProduct } from './builder.ts';
import { keyOf, type Manifest, readProduct } from './cache.ts';
import { expectedSeconds, type Finished, remainingSeconds } from './estimate.ts';
import { takeLock } from './lock.ts';
import { findPresent, type PresentBinary } from './present.ts';
import type { Progress, Recipe } from './recipe.ts';

/** What is known of a product now. */
export interface ProductState {
  readonly product: string;
  readonly title: string;
  readonly state: 'ready' | 'building' | 'queued' | 'failed';
  /** While building or queued: when it should be ready, by this machine's pace so far. Absent when another process builds it. */
  readonly readyAt?: Date;
  readonly progress?: Progress;
  /** When ready: its folder, and whether it was there already. */
  readonly directory?: string;
  readonly cached?: boolean;
  /** When built in this process. */
  readonly seconds?: number;
  readonly error?: string;
}

/** Gets the products that the local world runs, into a cache. */
export interface Toolchain {
  /** Folder of a product, got first when it isn't there; asked twice, it is built once. @throws SluiceError */
  ensure(product: string): Promise<string>;
  /** Gets several, heavy builds one at a time in this order; each is tried. @throws SluiceError of all that failed */
  ensureAll(products: readonly string[]): Promise<void>;
  state(product: string): ProductState;
  /** Size and hash of a product's binaries; got first when it isn't there. */
  filesOf(product: string): Promise<readonly (Manifest['files'][number] & { readonly path: string })[]>;
  /** Calls back at each change of a product, at most about once a second while it builds. Returns the end of it. */
  subscribe(listener: (state: ProductState) => void): () => void;
}

export interface ToolchainOptions {
  /** Folder of the products: `cacheDirectory(process.env)`. */
  readonly cache: string;
  readonly recipes: readonly Recipe[];
  /** Takes a line for a person at the beginning and the end of each build. */
  readonly log: (line: string) => void;
  /** Ends every build that runs. */
  readonly signal: AbortSignal;
  /** Runs at the end of an `ensureAll` that built something heavy. */
  readonly afterBuilds?: () => Promise<void>;
  readonly cores?: number;
  readonly now?: () => Date;
}

interface Entry {
  readonly recipe: Recipe;
  state: ProductState['state'];
  /** The run of `ensure` that is under way or ended well. */
  ensured?: Promise<string> | undefined;
  progress?: Progress | undefined;
  startedAt?: number | undefined;
  compilingSince?: number | undefined;
  directory?: string;
  cached?: boolean;
  seconds?: number;
  error?: string | undefined;
}

const PROGRESS_INTERVAL_MS = 1000;

/** A toolchain over recipes. Nothing is got before it is asked for. */
export function createToolchain(options: ToolchainOptions): Toolchain {
  const { cache, log, signal } = options;
  const now = options.now ?? (() => new Date());
  const cores = options.cores ?? availableParallelism();
  const entries = new Map<string, Entry>(options.recipes.map((recipe) => [recipe.product, { recipe, state: 'queued' }]));
  const listeners = new Set<(state: ProductState) => void>();
  const finished = new Map<string, Finished>();
  /** Heavy products in the order of asking, the one being built first. */
  const queue: Entry[] = [];
  let turn: Promise<void> = Promise.resolve();
  let lastProgress = 0;

  function entryOf(product: string): Entry {
    const entry = entries.get(product);
    if (entry === undefined) throw new SluiceError(`there is no product ${product}; there are ${[...entries.keys()].join(', ')}`);
    return entry;
  }

  function emit(entry: Entry): void {
    const state = stateOf(entry);
    for (const listener of listeners) listener(state);
  }

  function remaining(entry: Entry): number {
    const { cost } = entry.recipe;
    const learned = [...finished.values()];
    if (entry.startedAt === undefined) return expectedSeconds(cost, learned, cores);
    const since = (start: number): number => (now().getTime() - start) / 1000;
    const elapsed = { total: since(entry.startedAt), compiling: since(entry.compilingSince ?? entry.startedAt) };
    return remainingSeconds(cost, entry.progress, elapsed, learned, cores);
  }

  function stateOf(entry: Entry): ProductState {
    const { recipe, state, progress, directory, cached, seconds, error } = entry;
    const place = queue.indexOf(entry);
    const ahead = place > 0 ? queue.slice(0, place) : [];
    // How far another process is with a build isn't known here.
    const known = ![...ahead, entry].some((other) => other.progress?.phase === 'waiting');
    const wait = [...ahead, entry].reduce((sum, other) => sum + remaining(other), 0);
    return {
      product: recipe.product,
      title: recipe.title,
      state,
      ...(known && (state === 'building' || state === 'queued') ? { readyAt: new Date(now().getTime() + wait * 1000) } : {}),
      ...(progress === undefined || state !== 'building' ? {} : { progress }),
      ...(directory === undefined ? {} : { directory }),
      ...(cached === undefined ? {} : { cached }),
      ...(seconds === undefined ? {} : { seconds }),
      ...(error === undefined ? {} : { error }),
    };
  }

  function ready(entry: Entry, directory: string, manifest: Manifest | undefined, cached: boolean): string {
    if (manifest !== undefined) finished.set(entry.recipe.product, manifest);
    Object.assign(entry, { state: 'ready', directory, cached, ...(cached || manifest === undefined ? {} : { seconds: manifest.seconds }) });
    emit(entry);
    return directory;
  }

  function ensure(product: string): Promise<string> {
    const entry = entryOf(product);
    entry.ensured ??= get(entry).catch((error: unknown) => {
      // Forgotten, so that the next call tries again.
      Object.assign(entry, { ensured: undefined, state: 'failed', error: error instanceof Error ? error.message : String(error) });
      emit(entry);
      throw error;
    });
    return entry.ensured;
  }

  /** Takes its place among the heavy builds at the call, before anything is awaited: the order of asking counts. */
  async function get(entry: Entry): Promise<string> {
    const { recipe } = entry;
    Object.assign(entry, { state: 'queued', error: undefined, startedAt: undefined, compilingSince: undefined, progress: undefined });
    const mine = Promise.withResolvers<void>();
    const before = turn;
    if (recipe.heavy) {
      queue.push(entry);
      turn = before.then(() => mine.promise);
    }
    try {
      const existing = await recipe.existing?.();
      if (existing !== undefined) return ready(entry, existing, undefined, true);
      const plain = join(cache, recipe.product, await keyOf(recipe));
      const manifest = await readProduct(plain);
      if (manifest !== undefined) return ready(entry, plain, manifest, true);
      if (recipe.heavy) await before;
      signal.throwIfAborted();
      return await build(entry, plain);
    } finally {
      queue.splice(0, queue.length, ...queue.filter((other) => other !== entry));
      mine.resolve();
    }
  }

  async function build(entry: Entry, plain: string): Promise<string> {
    const { recipe } = entry;
    Object.assign(entry, { state: 'building', startedAt: now().getTime() });
    emit(entry);
    const present = await findPresent(recipe);
    const directory = present.length === 0 ? plain : join(cache, recipe.product, await keyOf(recipe, present));
    await mkdir(dirname(directory), { recursive: true });
    const release = await takeLock(`${directory}.lock`, signal, () => report(entry, { phase: 'waiting' }));
    try {
      const manifest = await readProduct(directory);
      if (manifest !== undefined) return ready(entry, directory, manifest, true);
      return ready(entry, directory, await buildInto(entry, directory, present), false);
    } finally {
      await release();
    }
  }

  async function buildInto(entry: Entry, directory: string, present: readonly PresentBinary[]): Promise<Manifest> {
    Object.assign(entry, { startedAt: now().getTime(), progress: undefined });
    return buildProduct({
      cache,
      directory,
      recipe: entry.recipe,
      present,
      log,
      signal,
      need: ensure,
      report: (progress) => report(entry, progress),
    });
  }

  function report(entry: Entry, progress: Progress): void {
    const turned = progress.phase !== entry.progress?.phase;
    entry.progress = { ...entry.progress, ...progress };
    if (progress.phase === 'compiling') entry.compilingSince ??= now().getTime();
    if (!turned && Date.now() - lastProgress < PROGRESS_INTERVAL_MS) return;
    lastProgress = Date.now();
    emit(entry);
  }

  async function ensureAll(products: readonly string[]): Promise<void> {
    const results = await Promise.allSettled(products.map(ensure));
    const errors: unknown[] = results.filter((result) => result.status === 'rejected').map((result) => result.reason);
    signal.throwIfAborted();
    if (errors.length > 0) throw new SluiceError(errors.map(String).join('\n\n'), { cause: errors[0] });
    if (products.some((product) => entryOf(product).recipe.heavy && entryOf(product).cached === false)) await options.afterBuilds?.();
  }

  return {
    ensure: async (product) => ensure(product),
    ensureAll,
    state: (product) => stateOf(entryOf(product)),
    async filesOf(product) {
      const directory = await ensure(product);
      const manifest = await readProduct(directory);
      if (manifest === undefined) throw new SluiceError(`${directory} was changed or removed while in use; start again to build it anew`);
      return manifest.files.map((file) => ({ ...file, path: join(directory, file.file) }));
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
