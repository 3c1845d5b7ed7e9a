import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hashOf } from '#domain/hash.ts';
import { accountKeys, keys } from '#domain/names.ts';
import { SluiceError } from '#model/errors.ts';
import { Artifact } from '#model/records.ts';
import type { ObjectStore } from '#ports/objects.ts';
import type { ProductState, Toolchain } from './toolchain.ts';
import { E2E_VERSION, ETCD_VERSION, KUBERNETES_VERSIONS } from './versions.ts';

const REFRESH_SECONDS = 15;

type ArtifactName = 'etcd' | 'kubernetes' | 'e2e';

/** An artifact and the products that its files come from. */
interface ArtifactSource {
  readonly name: ArtifactName;
  readonly version: string;
  readonly files: readonly { readonly file: string; readonly product: string }[];
}

/** What Sluice's own steps run: etcd and kube-apiserver in drills, the tests in e2e. */
export const ARTIFACTS: readonly ArtifactSource[] = [
  { name: 'etcd', version: ETCD_VERSION, files: ['etcd', 'etcdutl'].map((file) => ({ file, product: 'etcd' })) },
  ...KUBERNETES_VERSIONS.map((version) => ({
    name: 'kubernetes' as const,
    version,
    files: [{ file: 'kube-apiserver', product: `kubernetes-${version}` }],
  })),
  {
    name: 'e2e',
    version: E2E_VERSION,
    files: [
      ...['e2e.test', 'ginkgo'].map((file) => ({ file, product: `e2e-${E2E_VERSION}` })),
      { file: 'kubectl', product: `kubernetes-${E2E_VERSION}` },
    ],
  },
];

/** A cluster account's bucket: it gets what drills run (etcd, kube-apiserver of both versions); the tests on request. */
export interface ArtifactAccount {
  readonly objects: ObjectStore;
  /** The account holds e2e clusters: the tests are brought there. */
  readonly e2e?: boolean;
}

export interface PublishOptions {
  readonly toolchain: Pick<Toolchain, 'filesOf' | 'state'>;
  /** The hub's bucket: gets the index of every artifact, no files. */
  readonly hub: ObjectStore;
  readonly accounts: readonly ArtifactAccount[];
  /** Takes a line for a person when an artifact is in place or could not be brought. */
  readonly log: (line: string) => void;
  /** Waits between two looks at the estimate; tests replace it. */
  readonly pause?: (seconds: number, signal: AbortSignal) => Promise<void>;
}

export interface ArtifactPublishing {
  /** Ends when every artifact is in place. @throws SluiceError of the first that could not be brought */
  readonly done: Promise<void>;
  /** Stops, after the write that is under way. */
  close(): Promise<void>;
}

/**
 * Brings artifacts to the buckets as their products become ready. Until then the indexes say `building` and when it
 * should be ready, written anew every 15 s; an index that is `ready` stays so. Files go before the index of their
 * bucket, the hub's index last. Asks for the products itself, in the order of need: call `ensureAll` first if others
 * are to be built before.
 */
export function publishArtifacts(options: PublishOptions): ArtifactPublishing {
  const stop = new AbortController();
  const turn = createTurns();
  const results = Promise.allSettled(
    ARTIFACTS.map(async (source) => {
      try {
        await publishOne(source, options, stop.signal, turn);
        options.log(`${source.name} ${source.version} is in place as an artifact`);
      } catch (error) {
        if (!stop.signal.aborted) options.log(`${source.name} ${source.version} is missing as an artifact: ${String(error)}`);
        throw error;
      }
    }),
  );
  const done = results.then((settled) => {
    for (const result of settled) if (result.status === 'rejected') throw result.reason;
  });
  // Each failure has been logged; who doesn't await `done` needs no more.
  done.catch(() => undefined);
  return {
    done,
    async close() {
      stop.abort(new SluiceError('bringing artifacts was stopped'));
      await results;
    },
  };
}

function wants(account: ArtifactAccount, name: ArtifactName): boolean {
  return name !== 'e2e' || account.e2e === true;
}

interface BuiltFile {
  readonly path: string;
  readonly entry: Artifact['files'][number];
}

async function publishOne(source: ArtifactSource, options: PublishOptions, signal: AbortSignal, turn: Turns): Promise<void> {
  const { hub } = options;
  const buckets = options.accounts.filter((account) => wants(account, source.name)).map((account) => account.objects);
  const indexes = [
    ...buckets.map((objects) => ({ objects, key: accountKeys.artifactIndex(source.name, source.version) })),
    { objects: hub, key: keys.artifact(source.name, source.version) },
  ];
  const build = builtFiles(source, options.toolchain);
  const ended = new AbortController();
  const announced = announce(source, indexes, options, AbortSignal.any([signal, ended.signal]));
  let files: readonly BuiltFile[];
  try {
    files = await orAborted(build, signal);
  } catch (error) {
    ended.abort();
    await announced;
    signal.throwIfAborted();
    // Nobody knows any more when it will be ready.
    for (const index of indexes) await writeBuilding(source, index, undefined);
    throw error;
  }
  ended.abort();
  // An announcement that is being written must not come after `ready`.
  await announced;

  const ready: Artifact = { name: source.name, version: source.version, state: 'ready', files: files.map(({ entry }) => entry) };
  await turn(async () => {
    const outdated = await filter(
      buckets,
      async (objects) => !(await holds(objects, accountKeys.artifactIndex(source.name, source.version), ready)),
    );
    for (const { path, entry } of outdated.length === 0 ? [] : files) {
      signal.throwIfAborted();
      const body = await readFile(path);
      const key = accountKeys.artifact(source.name, source.version, entry.sha256, entry.file);
      for (const objects of outdated) await objects.put(key, body);
    }
  });
  for (const { objects, key } of indexes) if (!(await holds(objects, key, ready))) await objects.put(key, JSON.stringify(ready));
}

interface Index {
  readonly objects: ObjectStore;
  readonly key: string;
}

/** Keeps the indexes up to date while the products are built. Never rejects. */
async function announce(source: ArtifactSource, indexes: readonly Index[], options: PublishOptions, ended: AbortSignal): Promise<void> {
  const pause = options.pause ?? ((seconds, signal) => sleep(seconds * 1000, undefined, { signal }));
  const products = [...new Set(source.files.map(({ product }) => product))];
  while (!ended.aborted) {
    const states = products.map((product) => options.toolchain.state(product)).filter(({ state }) => state !== 'ready');
    try {
      if (states.length > 0) for (const index of indexes) await writeBuilding(source, index, latestOf(states));
    } catch {
      // An estimate may be missed: the next comes soon, and a lasting fault shows when the files are put.
    }
    await pause(REFRESH_SECONDS, ended).catch(() => undefined);
  }
}

/** When the last is ready; unknown when one is unknown. */
function latestOf(states: readonly ProductState[]): Date | undefined {
  const times = states.map(({ readyAt }) => readyAt?.getTime());
  return times.some((time) => time === undefined) ? undefined : new Date(Math.max(...times.filter((time) => time !== undefined)));
}

async function writeBuilding(source: ArtifactSource, { objects, key }: Index, readyAt: Date | undefined): Promise<void> {
  const before = await readIndex(objects, key);
  if (before?.state === 'ready') return;
  const artifact: Artifact = {
    name: source.name,
    version: source.version,
    state: 'building',
    ...(readyAt === undefined ? {} : { readyAt: readyAt.toISOString() }),
    files: [],
  };
  await objects.put(key, JSON.stringify(artifact));
}

async function builtFiles(source: ArtifactSource, toolchain: PublishOptions['toolchain']): Promise<BuiltFile[]> {
  return Promise.all(
    source.files.map(async ({ file, product }) => {
      const files = await toolchain.filesOf(product);
      const found = files.find((candidate) => basename(candidate.file) === file);
      if (found === undefined)
        throw new SluiceError(`${product} has no file ${file}; it has ${files.map((other) => other.file).join(', ')}`);
      return { path: found.path, entry: { file, sha256: found.sha256, bytes: found.bytes } };
    }),
  );
}

async function holds(objects: ObjectStore, key: string, wanted: Artifact): Promise<boolean> {
  const index = await readIndex(objects, key);
  return index?.state === 'ready' && hashOf(index.files) === hashOf(wanted.files);
}

async function readIndex(objects: ObjectStore, key: string): Promise<Artifact | undefined> {
  const stored = await objects.get(key);
  return stored && Artifact.parse(JSON.parse(stored.body));
}

type Turns = (run: () => Promise<void>) => Promise<void>;

/** One upload at a time: a file is held in memory, and some have 100 MB. */
function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  return (run) => {
    const mine = last.then(run, run);
    last = mine.catch(() => undefined);
    return mine;
  };
}

/** The promise, or the signal's reason: a build goes on when nobody waits for it. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function filter<T>(items: readonly T[], test: (item: T) => Promise<boolean>): Promise<T[]> {
  const kept: T[] = [];
  for (const item of items) if (await test(item)) kept.push(item);
  return kept;
}
