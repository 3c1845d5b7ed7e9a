import { createHash } from 'node:crypto';
import type { ObjectVersion, Versions } from '#ports/versions.ts';

export interface FakeVersions extends Versions {
  /** Writes an object as a function or a person would, by the store's clock. @returns its version */
  write(key: string, body: string, over?: { readonly bytes?: number; readonly sha256?: string; readonly lock?: Date | 'open' }): string;
  /** Deletes without naming a version: the store puts a mark in front. */
  mark(key: string): void;
  /** What a reader without versions would find. */
  current(key: string): string | undefined;
  /** Versions that were removed, in order. */
  readonly removed: string[];
  /** Runs before each call: throw to inject a fault, write to inject a race. */
  beforeEach: ((operation: keyof Versions, key: string) => void | Promise<void>) | undefined;
  /** False: a bucket that was made without Object Lock. */
  hasObjectLock: boolean;
  setTime(time: Date): void;
  /** Has `now` tell a later time than the store goes by, in milliseconds. */
  setAhead(by: number): void;
}

interface Entry extends Omit<ObjectVersion, 'latest'> {
  readonly body: string;
  readonly sha256: string;
  lock: Date | 'open' | undefined;
}

/** A bucket with versions in memory; the newest version of a key comes last. Object Lock goes by the store's own clock. */
export function createFakeVersions(start: Date = new Date('2026-01-05T08:00:00Z')): FakeVersions {
  const entries: Entry[] = [];
  let time = start;
  let made = 0;
  let ahead = 0;

  const find = (key: string, version: string): Entry | undefined => entries.find((one) => one.key === key && one.version === version);
  const isKept = ({ lock }: Entry): boolean => lock === 'open' || (lock !== undefined && lock > time);
  function add(key: string, kind: ObjectVersion['kind'], body: string, bytes: number, sha256: string, lock?: Date | 'open'): string {
    made += 1;
    entries.push({ key, version: `v${made}`, kind, bytes, storedAt: wholeSeconds(time), body, sha256, lock });
    return `v${made}`;
  }

  const fake: FakeVersions = {
    removed: [],
    beforeEach: undefined,
    hasObjectLock: true,
    write: (key, body, { bytes = body.length, sha256 = sha256Of(body), lock } = {}) => add(key, 'object', body, bytes, sha256, lock),
    mark: (key) => void add(key, 'delete-marker', '', 0, ''),
    current(key) {
      const newest = entries.findLast((one) => one.key === key);
      return newest?.kind === 'object' ? newest.body : undefined;
    },
    setTime(next) {
      time = next;
    },
    setAhead(by) {
      ahead = by;
    },
    async list(prefix) {
      await fake.beforeEach?.('list', prefix);
      const found = entries.filter(({ key }) => key.startsWith(prefix));
      return found.map((one) => ({
        key: one.key,
        version: one.version,
        kind: one.kind,
        bytes: one.bytes,
        storedAt: one.storedAt,
        latest: entries.findLast(({ key }) => key === one.key) === one,
      }));
    },
    async read(key, version) {
      await fake.beforeEach?.('read', key);
      return find(key, version)?.body;
    },
    async look(key, version) {
      await fake.beforeEach?.('look', key);
      const one = find(key, version);
      return one && { bytes: one.bytes, etag: `"${createHash('md5').update(one.body).digest('hex')}"`, sha256: one.sha256, lock: one.lock };
    },
    async remove(key, version) {
      await fake.beforeEach?.('remove', key);
      const one = find(key, version);
      if (one === undefined) return true;
      if (isKept(one)) return false;
      entries.splice(entries.indexOf(one), 1);
      fake.removed.push(key);
      return true;
    },
    async keepUntil(key, version, until) {
      await fake.beforeEach?.('keepUntil', key);
      if (!fake.hasObjectLock) return false;
      const one = find(key, version);
      if (one === undefined || one.lock === 'open' || (one.lock !== undefined && one.lock >= until)) return true;
      one.lock = until;
      return true;
    },
    now: async () => wholeSeconds(new Date(time.getTime() + ahead)),
  };
  return fake;
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function wholeSeconds(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1000) * 1000);
}
