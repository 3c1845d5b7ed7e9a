import { createHash } from 'node:crypto';
import type { Copies } from '#ports/copies.ts';
import type { Versions } from '#ports/versions.ts';

export interface FakeCopies extends Copies {
  /** What is in the second bucket, by key. */
  readonly stored: Map<string, string>;
  /** Changes what is stored by a copy, as a failing store would. */
  spoils: ((key: string, body: string) => string | undefined) | undefined;
  /** Keys that were copied, in order. */
  readonly copied: string[];
  /** Thrown by the next copies. */
  fails: Error | undefined;
}

/** A second bucket in memory. @param from the first */
export function createFakeCopies(from: Pick<Versions, 'read'>): FakeCopies {
  const fake: FakeCopies = {
    stored: new Map(),
    copied: [],
    spoils: undefined,
    fails: undefined,
    list: async (prefix) => [...fake.stored.keys()].filter((key) => key.startsWith(prefix)).sort(),
    async copy(key, version) {
      if (fake.fails !== undefined) throw fake.fails;
      const body = await from.read(key, version);
      const stored = body === undefined || fake.spoils === undefined ? body : fake.spoils(key, body);
      fake.copied.push(key);
      if (stored !== undefined) fake.stored.set(key, stored);
    },
    async hash(key) {
      const body = fake.stored.get(key);
      return body === undefined ? undefined : { bytes: body.length, sha256: createHash('sha256').update(body).digest('hex') };
    },
  };
  return fake;
}
