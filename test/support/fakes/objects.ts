import { createHash } from 'node:crypto';
import { bucketName } from '#domain/names.ts';
import type { AccountObjects, ObjectStore } from '#ports/objects.ts';

/** One call that the fake has answered; `done` is false for a conditional write that was refused. */
export interface FakeObjectCall {
  readonly operation: 'get' | 'getBytes' | 'put' | 'putIfAbsent' | 'putIfMatch' | 'list';
  readonly key: string;
  readonly done: boolean;
}

/** An ObjectStore in memory, with what a test needs to steer and to see it. */
export interface FakeObjects extends ObjectStore {
  /** Every call in order, to assert what was written before what. */
  readonly calls: FakeObjectCall[];
  /** Runs before each call: throw to inject a fault, write to the store to inject a race. Undefined switches it off. */
  beforeEach: ((operation: FakeObjectCall['operation'], key: string) => void | Promise<void>) | undefined;
  /** Sets the store's clock. */
  setTime(time: Date): void;
  /** Moves the store's clock. */
  advance(seconds: number): void;
  /** Every object as text, by key in order. */
  contents(): Record<string, string>;
  /** Takes an object away, as a lifecycle rule or a person would. */
  remove(key: string): void;
}

interface Entry {
  readonly bytes: Uint8Array;
  readonly etag: string;
  readonly lastModified: Date;
}

/**
 * A bucket in memory that answers as S3 does: the entity tag is the quoted MD5 of the content (equal content has an
 * equal tag), times have whole seconds, keys are listed in order. The clock stands still until a test moves it.
 */
export function createFakeObjects(start: Date = new Date('2026-01-05T08:00:00Z')): FakeObjects {
  const entries = new Map<string, Entry>();
  const calls: FakeObjectCall[] = [];
  let time = start;

  async function call<T>(operation: FakeObjectCall['operation'], key: string, run: () => T): Promise<T> {
    await fake.beforeEach?.(operation, key);
    const result = run();
    calls.push({ operation, key, done: result !== false });
    return result;
  }

  function write(key: string, body: string | Uint8Array): true {
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body.slice();
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
    entries.set(key, { bytes, etag, lastModified: wholeSeconds(time) });
    return true;
  }

  const fake: FakeObjects = {
    calls,
    beforeEach: undefined,
    setTime(next) {
      time = next;
    },
    advance(seconds) {
      time = new Date(time.getTime() + seconds * 1000);
    },
    contents: () => Object.fromEntries([...entries.keys()].sort().map((key) => [key, textOf(entries.get(key)?.bytes)])),
    remove(key) {
      entries.delete(key);
    },
    get: (key) =>
      call('get', key, () => {
        const entry = entries.get(key);
        return entry && { body: textOf(entry.bytes), etag: entry.etag, lastModified: entry.lastModified };
      }),
    getBytes: (key) => call('getBytes', key, () => entries.get(key)?.bytes.slice()),
    put: async (key, body) => {
      await call('put', key, () => write(key, body));
    },
    putIfAbsent: (key, body) => call('putIfAbsent', key, () => !entries.has(key) && write(key, body)),
    putIfMatch: (key, body, etag) => call('putIfMatch', key, () => entries.get(key)?.etag === etag && write(key, body)),
    list: (prefix) => call('list', prefix, () => [...entries.keys()].filter((key) => key.startsWith(prefix)).sort()),
    now: async () => wholeSeconds(time),
  };
  return fake;
}

export interface FakeAccountObjects extends AccountObjects {
  of(account: string, region: string, session: string): FakeObjects;
}

/** Buckets of cluster accounts in memory: one per account and region, made at the first call and kept. */
export function createFakeAccountObjects(): FakeAccountObjects {
  const buckets = new Map<string, FakeObjects>();
  return {
    of(account, region) {
      const name = bucketName(account, region);
      const bucket = buckets.get(name) ?? createFakeObjects();
      buckets.set(name, bucket);
      return bucket;
    },
  };
}

function wholeSeconds(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1000) * 1000);
}

function textOf(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}
