import type { ObjectStore, StoredObject } from '#ports/objects.ts';

/** A bucket in memory for one command: the steps read and write it as they do in the cloud. */
export function createMemoryObjects(): ObjectStore {
  const objects = new Map<string, StoredObject>();
  let writes = 0;
  const put = async (key: string, body: string | Uint8Array): Promise<void> => {
    writes += 1;
    const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
    objects.set(key, { body: text, etag: String(writes), lastModified: new Date() });
  };
  return {
    get: async (key) => objects.get(key),
    async getBytes(key) {
      const found = objects.get(key);
      return found === undefined ? undefined : new TextEncoder().encode(found.body);
    },
    put,
    async putIfAbsent(key, body) {
      if (objects.has(key)) return false;
      await put(key, body);
      return true;
    },
    async putIfMatch(key, body, etag) {
      if (objects.get(key)?.etag !== etag) return false;
      await put(key, body);
      return true;
    },
    list: async (prefix) => [...objects.keys()].filter((key) => key.startsWith(prefix)).sort(),
    now: async () => new Date(),
  };
}
